"""How far a long command is, on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[str, int, int], None]
"""Told what goes on, and how many of how many are done."""


@contextmanager
def bars(noun: str = "") -> Iterator[Advance]:
    """Progress bars on standard error, one for each thing that goes on; none off a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed:,}} of {{task.total:,}} {noun}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    shown: dict[str, TaskID] = {}

    def advance(doing: str, done: int, total: int) -> None:
        if doing not in shown:
            shown[doing] = progress.add_task(doing, total=total)
        progress.update(shown[doing], completed=done, total=total)

    with progress:
        yield advance


def numbered(count: int, noun: str) -> str:
    """`1 task`, `1,000 tasks`."""
    return f"{count:,} {noun}" + "s" * (count != 1)
