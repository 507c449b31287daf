"""When a session or a token was last used: written now and then, and never waited for long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from taskhold.errors import Problem
from taskhold.store import Store, Tx

EVERY_SECONDS = 60
_WAIT_SECONDS = 0.2
_MOST_KNOWN = 10_000

Touch = Callable[[Tx, int, int], Awaitable[None]]


class Usage:
    """Writes it down, at most once a minute each.

    A database that can't be written is no reason to refuse a read.
    """

    def __init__(self) -> None:
        self._tried: dict[tuple[Touch, int], float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def note(
        self, store: Store, touch: Touch, owner_id: int, thing_id: int, last_used_at: str | None
    ) -> None:
        """It is used now, and was last at `last_used_at`."""
        if last_used_at is not None and not _is_old(last_used_at):
            return
        key, now = (touch, thing_id), time.monotonic()
        if now - self._tried.get(key, -EVERY_SECONDS) < EVERY_SECONDS:
            return
        if len(self._tried) >= _MOST_KNOWN:
            self._tried.clear()
        self._tried[key] = now
        writing = asyncio.create_task(_write(store, touch, owner_id, thing_id))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        await asyncio.wait({writing}, timeout=_WAIT_SECONDS)


async def _write(store: Store, touch: Touch, owner_id: int, thing_id: int) -> None:
    with suppress(Problem):
        await store.write(owner_id, touch, owner_id, thing_id)


def _is_old(moment: str) -> bool:
    age = datetime.now(UTC) - datetime.fromisoformat(moment)
    return age > timedelta(seconds=EVERY_SECONDS)
