"""What a server does beside its requests: forgets, keeps the search index small, backs up.

What it does to the database is done in steps that hold a writer for about `STEP_SECONDS`, measured
as they go.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from taskhold.accounts.operations import account_ids
from taskhold.care.schedule import LOOK_SECONDS, Backups
from taskhold.errors import Problem
from taskhold.journal import answers
from taskhold.journal import operations as journal
from taskhold.settings import Settings
from taskhold.store import Store, Tx
from taskhold.store.query import now, stamp_before
from taskhold.trash import operations as trash

TIDY_SECONDS = 1.0
FORGET_SECONDS = 3600.0
STEP_SECONDS = 0.01
"""How long a step should take; one may take longer, where a row is large."""
MOST_ROWS = 1_000
FIRST_ROWS = 20
HOURS = 24


class Forgotten(NamedTuple):
    """Something that is forgotten by age."""

    after_hours: int
    has_old: Callable[[Tx, int, str], Awaitable[bool]]
    """Whether an account has any from before a time."""
    forget: Callable[[Tx, int, str, int], Awaitable[int]]
    """Forgets up to so many of them; says how many."""


log = structlog.get_logger()


class Upkeep:
    """The work of one server, from `start` to `stop`."""

    def __init__(self, store: Store, settings: Settings, backups: Backups) -> None:
        self._store = store
        self._backups = backups
        self._forgotten = (
            Forgotten(answers.KEPT_HOURS, answers.has_old, answers.forget),
            Forgotten(settings.trash_days * HOURS, trash.has_old, trash.forget_old),
            Forgotten(settings.journal_days * HOURS, journal.has_old, journal.forget),
        )
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, on the event loop that runs."""
        self._tasks = [
            asyncio.create_task(_every(TIDY_SECONDS, self._store.tidy)),
            asyncio.create_task(_every(FORGET_SECONDS, self._forget)),
        ]
        if self._backups.schedule is not None:
            backing_up = _every(LOOK_SECONDS, self._backups.run)
            self._tasks.append(asyncio.create_task(backing_up))

    async def stop(self) -> None:
        """End, in the middle of nothing: a step that has begun is finished."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forget(self) -> bool:
        for owner_id in await self._store.read_long(account_ids):
            for each in self._forgotten:
                before = stamp_before(now(), hours=each.after_hours)
                rows = FIRST_ROWS
                while await self._store.read(each.has_old, owner_id, before):
                    rows = await self._store.write_long(
                        owner_id, _step, owner_id, each, before, rows
                    )
        return False


async def _step(tx: Tx, owner_id: int, each: Forgotten, before: str, rows: int) -> int:
    """Forget some rows; how many to take next time."""
    began = time.perf_counter()
    await each.forget(tx, owner_id, before, rows)
    quotient = STEP_SECONDS / max(time.perf_counter() - began, 1e-6)
    return int(min(max(rows * min(quotient, 2.0), 1), MOST_ROWS))


async def _every(seconds: float, work: Callable[[], Awaitable[bool]]) -> None:
    """Do the work now and again, and soon where there is more of it.

    Where the database is away, or anything else fails, the next time.
    """
    while True:
        is_more = False
        try:
            is_more = await work()
        except Problem:
            pass  # the store has said it
        except Exception:
            log.exception("upkeep failed")
        await asyncio.sleep(STEP_SECONDS if is_more else seconds)  # others get their turn
