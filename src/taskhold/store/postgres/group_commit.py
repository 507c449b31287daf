"""Writes on PostgreSQL: those of one account that wait at the same moment share a transaction.

A write holds its account until it is committed, so the others of that account stand in line. Those
that stand there when it is their turn are run one after the other: one lock, one COMMIT and its
fsync for all of them. Nobody is answered before that.

    idle ── first write ──> begin, hold ──> run each that waits ──> commit ──> answer ──> begin …

Each sees what those before it have done, as it would if each had committed. One that is refused
before it has written anything leaves no trace. Where one fails otherwise all is rolled back, and
each is run again, alone.
"""

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from taskhold.errors import OutcomeUnknown, Problem, Unavailable
from taskhold.metrics import StoreMeters
from taskhold.store.postgres.transaction import HOLD, PostgresTx, commit
from taskhold.store.query import CompiledQueries

GROUP_SECONDS = 0.020
"""How long a transaction takes in whoever comes."""
LATE = "The changes before this one took too long; nothing was saved."

Transact = Callable[[PostgresTx], Awaitable[Any]]
Use = Callable[[asyncpg.Connection], Awaitable[None]]
Attempt = Callable[[Use, float], Awaitable[None]]
"""Gives a connection to `Use`, and another one where that is lost; until a time of the loop."""


class Write:
    """One request's place in the line."""

    __slots__ = ("error", "future", "has_begun", "is_alone", "operation", "result", "until")

    def __init__(self, operation: Transact, future: asyncio.Future[Any], until: float) -> None:
        self.operation = operation
        self.future = future
        self.until = until
        self.has_begun = False
        self.is_alone = False
        """Whether it gets a transaction of its own."""
        self.result: Any = None
        self.error: Exception | None = None

    async def run(self, tx: PostgresTx) -> None:
        """Run it. Raises where what it has done has to be undone."""
        self.error = None
        try:
            self.result = await self.operation(tx)
        except Problem as refusal:
            if tx.has_written:
                raise
            self.error = refusal

    def settle(self, error: Exception | None) -> None:
        """Answer it: with this error, or its own, or its result."""
        error = error or self.error
        if self.future.done():  # given up
            return
        if error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(error)


class Line(deque[Write]):
    """Those who wait to write to one account, the next one first."""

    def next(self) -> Write | None:
        """Whose turn it is; None where nobody waits."""
        while self:
            write = self.popleft()
            if not write.future.done():  # neither given up nor cancelled
                write.has_begun = True
                return write
        return None

    def next_for(self, group: list[Write]) -> list[Write]:
        """The next who may join those, if there is one."""
        if group[0].is_alone or (self and self[0].is_alone):
            return []
        write = self.next()
        return [write] if write else []

    def put_back(self, group: list[Write]) -> None:
        """Have each that is not answered run again, alone, before all others."""
        for write in reversed(group):
            write.has_begun, write.is_alone = False, True
            self.appendleft(write)


class GroupCommit:
    """The writes of a process, in a line for each account. Belongs to one event loop."""

    def __init__(
        self,
        attempt: Attempt,
        distrust: Callable[[], None],
        compiled: CompiledQueries,
        announce: Callable[[int], None],
        meters: StoreMeters,
    ) -> None:
        self._attempt = attempt
        self._distrust = distrust
        self._meters = meters
        self._compiled = compiled
        self._announce = announce
        self._lines: dict[int, Line] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def run(self, owner_id: int, operation: Transact, until: float) -> Any:
        """What `operation` returns, once it is durable. Raises Unavailable where it's not begun."""
        loop = asyncio.get_running_loop()
        write = Write(operation, loop.create_future(), until)
        line = self._lines.get(owner_id)
        if line is None:
            line = self._lines[owner_id] = Line([write])
            task = loop.create_task(self._work(owner_id, line), context=contextvars.Context())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
            return await write.future
        line.append(write)
        timer = loop.call_at(until, self._give_up, write)
        try:
            return await write.future
        finally:
            timer.cancel()

    def _give_up(self, write: Write) -> None:
        """It has waited long enough, if it still waits: perhaps because no connection answers."""
        if not write.has_begun and not write.future.done():
            write.settle(Unavailable(LATE))
            self._distrust()

    async def stop(self) -> None:
        """Break off what is still being written."""
        await asyncio.sleep(0)  # a task that is cancelled before it has begun answers nobody
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def _work(self, owner_id: int, line: Line) -> None:
        try:
            while line:
                await self._take_turn(owner_id, line)
        finally:
            del self._lines[owner_id]
            for write in line:  # the store stops
                write.future.cancel()

    async def _take_turn(self, owner_id: int, line: Line) -> None:
        """One transaction, and the answers to all whose turn it was."""
        first = line.next()
        if first is None:
            return
        group = [first]

        async def transact(connection: asyncpg.Connection) -> None:
            await self._transact(owner_id, group, line, connection)

        try:
            await self._attempt(transact, first.until)
        except OutcomeUnknown as unknown:
            _settle(group, unknown)
        except Exception as error:
            if len(group) > 1:
                _settle_late(group, error)
                line.put_back(group)
            else:
                first.settle(error)
        except asyncio.CancelledError:
            for write in group:
                write.future.cancel()
            raise
        else:
            _settle(group, None)

    async def _transact(
        self, owner_id: int, group: list[Write], line: Line, connection: asyncpg.Connection
    ) -> None:
        """Run the group, which whoever comes meanwhile joins, and commit it."""
        loop = asyncio.get_running_loop()
        has_written = False
        try:
            await connection.execute(HOLD.format(owner_id))
            until = loop.time() + GROUP_SECONDS
            for write in group:
                tx = PostgresTx(connection, self._compiled)
                await write.run(tx)
                has_written |= tx.has_written
                if write is group[-1] and loop.time() < until:
                    group += line.next_for(group)
            if all(write.error for write in group):
                await connection.execute("ROLLBACK")
                return
        except Exception:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        began = time.perf_counter()
        await commit(connection, has_written=has_written)
        self._meters.commits.observe(time.perf_counter() - began)
        self._meters.batches.observe(len(group))
        self._announce(owner_id)


def _settle(group: list[Write], error: Exception | None) -> None:
    for write in group:
        write.settle(error)


def _settle_late(group: list[Write], error: Exception) -> None:
    """Answer those who have no time left to run alone, but not with what another one has done."""
    now = asyncio.get_running_loop().time()
    for write in group:
        if write.until <= now:
            write.settle(error if isinstance(error, Unavailable) else Unavailable(LATE))
