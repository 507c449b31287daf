"""Telling other processes which accounts have changed, by NOTIFY.

Outside of the transactions that change them: inside, NOTIFY makes their commits wait for each
other. So an announcement can be lost with its process; whoever watches looks again now and then
(https://www.postgresql.org/docs/current/sql-notify.html).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg

from taskhold.errors import Unavailable
from taskhold.store.postgres import faults
from taskhold.store.watching import Watches

CHANNEL = "taskhold"
GATHER_SECONDS = 0.02
"""How long accounts are gathered for one announcement."""
AT_ONCE = 300
"""Accounts in one announcement; its text may have 8,000 bytes."""
LOOK_SECONDS = 10.0
"""How often everybody looks, announced or not."""
RETRY_SECONDS = 0.5
ANSWER_SECONDS = 5.0
STOP_SECONDS = 1.0
"""How long stopping may wait until all is announced."""


class Announcements:
    """Announces the changes of this process, and wakes its watches for those of others.

    One connection does both. While there is none, `LOOK_SECONDS` is how late a change is seen.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[asyncpg.Connection]], watches: Watches
    ) -> None:
        self._connect = connect
        self._watches = watches
        self._changed: set[int] = set()
        self._something = asyncio.Event()
        self._all_said = asyncio.Event()
        self._tasks = [asyncio.create_task(work()) for work in (self._run, self._look)]

    def announce(self, owner_id: int) -> None:
        """Say soon that the account has changed."""
        self._watches.wake((owner_id,))
        self._changed.add(owner_id)
        self._all_said.clear()
        self._something.set()

    async def stop(self) -> None:
        """Announce the last changes: those of a command, which stops right after its write.

        It is never stopped while it connects, unless that takes long: asyncpg then leaves a future
        behind, whose error asyncio logs.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._all_said.wait()
        for task in self._tasks:
            task.cancel()

    async def _run(self) -> None:
        while True:
            self._all_said.clear()
            with suppress(Unavailable, *faults.FAILURES):
                connection = await self._connect()
                try:
                    await connection.add_listener(CHANNEL, self._hear)
                    self._watches.wake_all()  # what was announced meanwhile nobody here has heard
                    await self._say(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(RETRY_SECONDS)

    async def _say(self, connection: asyncpg.Connection) -> None:
        connection.add_termination_listener(lambda _: self._something.set())
        while True:
            if not self._changed:
                self._all_said.set()
            await self._something.wait()
            self._something.clear()
            await asyncio.sleep(GATHER_SECONDS)
            while self._changed or connection.is_closed():
                some = [str(self._changed.pop()) for _ in range(min(AT_ONCE, len(self._changed)))]
                await connection.execute(
                    "SELECT pg_notify($1, $2)", CHANNEL, ",".join(some), timeout=ANSWER_SECONDS
                )

    def _hear(self, connection: Any, sender: int, _channel: str, accounts: Any) -> None:
        if sender != connection.get_server_pid():
            self._watches.wake(int(each) for each in accounts.split(",") if each.isdigit())

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._watches.wake_all()
