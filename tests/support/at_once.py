"""Cases that mostly wait, played beside each other; each that fails is told."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Case = TypeVar("Case")


def all_at_once(play: Callable[[Case], None], cases: Collection[Case]) -> None:
    """Play each case in a thread of its own; the failures of all are raised together."""
    with ThreadPoolExecutor(len(cases)) as threads:
        played = {case: threads.submit(play, case) for case in cases}
    failures = []
    for case, future in played.items():
        if failure := future.exception():
            failure.add_note(f"It was played with {case!r}.")
            failures.append(failure)
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {len(cases)} cases failed", failures)
