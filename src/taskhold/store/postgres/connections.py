"""The connections of a process, each used by one transaction at a time.

take ── one is free ──> it
  ├── fewer than `size` are open ──> a new one, if the server has one left
  └── else wait in line; whoever gives one back hands it to the first in line
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from taskhold.errors import Unavailable
from taskhold.metrics import StoreMeters
from taskhold.store.postgres import faults

CLOSE_SECONDS = 1.0
LOOK_SECONDS = 0.1
"""How late it is seen that somebody's time is over."""
RENEWED_SECONDS = 5.5
"""How long one statement of a long transaction may take."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]
OPENING_GRACE = 0.5
"""Seconds behind the end of waiting after which opening a connection is given up."""


class Connections:
    """At most `size` connections, opened when they are needed, for one event loop.

    asyncpg's own pool costs as much again as a short query does, for what we don't need of it
    (`docs/decisions/0011-connections-of-our-own.md`). One timer looks after all of them: one for
    each use costs a tenth of what the use itself does.
    """

    def __init__(self, connect: Connect, meters: StoreMeters, *, size: int, grace: float) -> None:
        self._connect = connect
        self._meters = meters
        self._size = size
        self._grace = grace
        """How many seconds a connection may be used beyond the time that a request waits for it."""
        self._free: list[asyncpg.Connection] = []
        self._all: set[asyncpg.Connection] = set()
        self._slots = 0
        """Connections that are open or being opened."""
        self._used_until: dict[asyncpg.Connection, float] = {}
        """Those in use, and when each is given up if it has not come back."""
        self._waiting: deque[tuple[asyncio.Future[asyncpg.Connection | None], float]] = deque()
        """Who stands in line, and until when."""
        self._looking: asyncio.TimerHandle | None = None

    async def take(self, until: float) -> asyncpg.Connection:
        """A connection. Raises Unavailable at `until` (the loop's time) where all are in use."""
        connection = await self._take(until)
        self._meters.connections_in_use.add()
        self._used_until[connection] = until + self._grace
        if self._looking is None:
            self._look()
        return connection

    def renew(self, connection: asyncpg.Connection) -> None:
        """One that is in use has answered, and may take as long again."""
        self._used_until[connection] = asyncio.get_running_loop().time() + RENEWED_SECONDS

    def give_back(self, connection: asyncpg.Connection) -> None:
        """Let others use it; one that is closed or not out of its transaction is dropped."""
        self._meters.connections_in_use.add(-1)
        del self._used_until[connection]
        self._hand_on(connection)

    async def _take(self, until: float) -> asyncpg.Connection:
        while True:
            while self._free:
                connection = self._free.pop()
                if not connection.is_closed():
                    return connection
                self._drop(connection)
            if self._slots < self._size:
                try:
                    return await self._open(until)
                except asyncpg.TooManyConnectionsError:
                    if not self._all:
                        raise
                    if self._free:
                        continue
            handed = await self._wait(until)
            if handed is not None:
                self._free.append(handed)  # it may have ended since

    def _hand_on(self, connection: asyncpg.Connection) -> None:
        if connection.is_closed() or connection.is_in_transaction():
            self._drop(connection)
        elif (waiting := self._first_in_line()) is not None:
            waiting.set_result(connection)
        else:
            self._free.append(connection)

    def drop_free(self) -> None:
        """Close what is free: after one connection was lost the others are doubtful."""
        while self._free:
            self._drop(self._free.pop())

    async def close(self) -> None:
        """Take leave of the server; what is still in use is cut off."""
        free, self._free = self._free, []
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.gather(*(each.close(timeout=CLOSE_SECONDS) for each in free))
        for connection in self._all:
            connection.terminate()
        self._meters.connections.add(-len(self._all))

    async def _open(self, until: float) -> asyncpg.Connection:
        self._slots += 1
        try:
            async with asyncio.timeout_at(until + OPENING_GRACE):
                connection = await self._connect()
        except BaseException as error:
            if isinstance(error, asyncpg.TooManyConnectionsError) and self._all:
                self._slots -= 1  # nobody in line would fare better
            else:
                self._free_slot()
            raise
        self._all.add(connection)
        self._meters.connections.add()
        return connection

    async def _wait(self, until: float) -> asyncpg.Connection | None:
        """A connection, or None where there is room for a new one."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[asyncpg.Connection | None] = loop.create_future()
        self._waiting.append((waiting, until))
        if self._looking is None:
            self._look()
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and (handed := waiting.result()):
                self._hand_on(handed)
            raise

    def _look(self) -> None:
        """Cut off what has not answered in time, and send away who has waited long enough."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection, until in self._used_until.items():
            if now >= until:
                connection.terminate()
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()
        for waiting, until in self._waiting:
            if now >= until and not waiting.done():
                waiting.set_exception(Unavailable(faults.BUSY))
        is_used = bool(self._used_until or self._waiting)
        self._looking = loop.call_later(LOOK_SECONDS, self._look) if is_used else None

    def _drop(self, connection: asyncpg.Connection) -> None:
        if connection in self._all:
            self._all.remove(connection)
            self._meters.connections.add(-1)
        connection.terminate()
        self._free_slot()

    def _free_slot(self) -> None:
        self._slots -= 1
        if (waiting := self._first_in_line()) is not None:
            waiting.set_result(None)

    def _first_in_line(self) -> asyncio.Future[asyncpg.Connection | None] | None:
        while self._waiting:
            waiting, _ = self._waiting.popleft()
            if not waiting.done():
                return waiting
        return None
