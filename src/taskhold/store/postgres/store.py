"""Operations on PostgreSQL.

Reads are single statements. A write is one transaction that holds its account, so that the
account's journal has neither gaps nor another order than its commits.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self
from urllib.parse import urlsplit

import asyncpg
import structlog
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from taskhold.errors import Problem, StartupError, Unavailable
from taskhold.metrics import StoreMeters
from taskhold.store import Advance, Operation, P, T, Tx
from taskhold.store.postgres import faults
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.announcements import Announcements
from taskhold.store.postgres.connections import Connections
from taskhold.store.postgres.group_commit import GroupCommit
from taskhold.store.postgres.loop_thread import LoopThread
from taskhold.store.postgres.opening import UNLIMITED, connect_to_ours, prepare
from taskhold.store.postgres.reindexing import reindex
from taskhold.store.postgres.shared import SharedReads
from taskhold.store.postgres.transaction import HOLD, PostgresTx, commit
from taskhold.store.query import POSTGRES_CODECS, CompiledQueries
from taskhold.store.watching import Watch, Watches

DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
WAIT_SECONDS = 5.0
"""How long a request waits for a connection and for a database that is away, then it is told 503.
A lock is waited for as long, by PostgreSQL's own clock (`opening`)."""
RETRY_SECONDS = 0.1
READERS, WRITERS, LONG_READERS = 4, 4, 2
"""Connections of a process, at the most. Writers that wait for a lock hold up no reader."""
SHORT_GRACE, LONG_GRACE = 0.5, 25.0
"""Seconds behind `WAIT_SECONDS` after which a connection that has not answered is given up."""

Use = Callable[[asyncpg.Connection], Awaitable[T]]
"""What is done with a connection."""

log = structlog.get_logger()


class PostgresStore:
    """A store on a PostgreSQL database.

    Its connections belong to one event loop: that of the server after `start`, else one in a
    thread of its own, to which the requests of other loops are handed over.
    """

    backup_suffix = ".dump"

    def __init__(self, address: Address) -> None:
        self.location = address.shown
        self.name = urlsplit(address.shown).path.strip("/") or "taskhold"
        self.lineage = ""
        self.meters = StoreMeters()
        self._address = address
        self._compiled = CompiledQueries(DIALECT, POSTGRES_CODECS)
        self._opening = threading.Lock()
        self._watches = Watches()
        self._is_open = False
        self._thread: LoopThread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._missing = ""
        """Why its server still waits for it; for the log alone, since it says where that is."""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`postgresql://user:password@host:5432/name`, with libpq's options."""
        return cls(Address.from_url(url))

    def open(self) -> None:
        if self._is_open:
            return
        if self._waiting is not None:  # its server waits for the database
            raise Unavailable("The database can't be reached; the server waits for it.")
        with self._opening:
            if self._thread is not None:
                return
            self._thread = LoopThread()
            try:
                self._thread.run(self._open_on(self._thread.loop))
            except BaseException:
                self._leave_thread()
                raise

    def close(self) -> None:
        with self._opening:
            if self._thread is not None:
                self._thread.run(self._close())
                self._leave_thread()

    async def start(self) -> None:
        self.close()
        loop = self._loop = asyncio.get_running_loop()
        try:
            await self._open_on(loop)
        except Unavailable as problem:
            self._missing = problem.detail
            self._waiting = loop.create_task(self._wait_for_database(loop))

    async def stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        await self._close()
        self._loop = None

    async def read(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.open()
        return await self._read(operation, *args, **kwargs)

    async def read_shared(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.open()
        assert not kwargs, "those who ask the same are known by its arguments in their places"
        result: T = await self._on_our_loop(self._shared.ask((operation, args)))
        return result

    async def read_long(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.open()
        return await self._on(self._long_readers, self._reading(operation, args, kwargs))

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Tx]:
        self.open()
        try:
            connection, _ = await connect_to_ours(self._address, **UNLIMITED)
            try:
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield PostgresTx(connection, self._compiled)
            finally:
                connection.terminate()
        except faults.FAILURES as error:
            raise faults.refusal(error, self.location) from error

    async def write(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.open()
        return await self._on_our_loop(self._write_in_line(owner_id, operation, args, kwargs))

    async def _write_in_line(
        self, owner_id: int, operation: Operation[..., T], args: Any, kwargs: Any
    ) -> T:
        def run(tx: PostgresTx) -> Awaitable[T]:
            return operation(tx, *args, **kwargs)

        until = asyncio.get_running_loop().time() + WAIT_SECONDS
        result: T = await self._groups.run(owner_id, run, until)
        return result

    async def write_long(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """In a transaction of its own."""
        self.open()

        async def transaction(connection: asyncpg.Connection) -> T:
            try:
                await connection.execute(HOLD.format(owner_id))
                renew = partial(self._writers.renew, connection)
                tx = PostgresTx(connection, self._compiled, renew)
                result = await operation(tx, *args, **kwargs)
            except Exception:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            began = time.perf_counter()
            await commit(connection, has_written=tx.has_written)
            self.meters.commits.observe(time.perf_counter() - began)
            self.meters.batches.observe(1)
            self._announcements.announce(owner_id)
            return result

        return await self._on(self._writers, transaction)

    def watch(self, owner_id: int) -> Watch:
        return self._watches.add(owner_id)

    async def tidy(self) -> bool:
        """Its autovacuum does what there is."""
        return False

    async def reindex(self, advance: Advance) -> None:
        self.open()
        try:
            await reindex(self._address, advance)
        except faults.FAILURES as error:
            raise faults.refusal(error, self.location) from None

    def sizes(self) -> list[tuple[str, str, int]]:
        """Its server has exporters of its own."""
        return []

    async def check(self) -> None:
        self.open()
        await self._on(self._readers, _check)

    # Opening

    async def _open_on(self, loop: asyncio.AbstractEventLoop) -> None:
        await prepare(self._address)
        self._loop = loop
        self._readers = Connections(
            partial(self._connect, statement_timeout="5s"),
            self.meters,
            size=READERS,
            grace=SHORT_GRACE,
        )
        # No time-out of statements: it would end a COMMIT that waits for a standby, and
        # PostgreSQL calls that one a success.
        self._writers = Connections(self._connect, self.meters, size=WRITERS, grace=SHORT_GRACE)
        self._long_readers = Connections(
            partial(self._connect, statement_timeout="30s"),
            self.meters,
            size=LONG_READERS,
            grace=LONG_GRACE,
        )
        try:
            first = await self._readers.take(loop.time() + WAIT_SECONDS)
        except faults.FAILURES as error:
            raise faults.refusal(error, self.location) from None
        self._readers.give_back(first)
        self._announcements = Announcements(self._connect, self._watches)
        self._groups = GroupCommit(
            partial(self._try, self._writers),
            self._drop_free,
            self._compiled,
            self._announcements.announce,
            self.meters,
        )
        self._shared = SharedReads(self._read)
        self._is_open = True

    async def _connect(self, **settings: str) -> asyncpg.Connection:
        connection, self.lineage = await connect_to_ours(self._address, **settings)
        return connection

    async def _wait_for_database(self, loop: asyncio.AbstractEventLoop) -> None:
        said = ""
        while not self._is_open:
            if said != self._missing:
                said = self._missing
                log.warning("waiting for the database", reason=said)
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self._open_on(loop)
            except (Unavailable, StartupError) as problem:
                self._missing = str(problem)
        log.warning("the database is there", database=self.location)

    async def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._groups.stop()
            await self._shared.stop()
            await self._announcements.stop()
            for connections in (self._readers, self._writers, self._long_readers):
                await connections.close()

    def _leave_thread(self) -> None:
        assert self._thread is not None
        self._thread.stop()
        self._thread = self._loop = None

    # Using a connection

    async def _on(self, connections: Connections, use: Use[T]) -> T:
        assert self._loop is not None
        until = self._loop.time() + WAIT_SECONDS
        return await self._on_our_loop(self._try(connections, use, until))

    async def _on_our_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Have it done on the loop to which the connections belong."""
        assert self._loop is not None
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _try(self, connections: Connections, use: Use[T], until: float) -> T:
        """What `use` gives on a connection; on another one where that is lost before it commits.

        `until` is the time of the loop after which it is not tried again.
        """
        loop = asyncio.get_running_loop()
        pause = 0.0
        while True:
            try:
                connection = await connections.take(until)
                try:
                    return await use(connection)
                except asyncpg.InterfaceError as error:
                    if connection.is_closed():  # between two statements
                        raise asyncpg.ConnectionDoesNotExistError(str(error)) from error
                    raise
                except (asyncio.CancelledError, *faults.LOST):
                    connection.terminate()
                    raise
                finally:
                    connections.give_back(connection)
            except Unavailable:  # all are in use, perhaps because none is answered
                self._drop_free()
                raise
            except Problem:
                raise
            except Exception as error:
                if isinstance(error, faults.GONE):
                    self._drop_free()
                repeatable = isinstance(error, faults.REPEATABLE) or (
                    isinstance(error, asyncpg.ForeignKeyViolationError) and not pause
                )
                if not repeatable or loop.time() >= until:
                    raise faults.meaning(error) from error
            connections.drop_free()
            await asyncio.sleep(pause)
            pause = RETRY_SECONDS

    def _drop_free(self) -> None:
        """Trust no connection that is open: a request takes one to read and one to write."""
        for connections in (self._readers, self._writers, self._long_readers):
            connections.drop_free()

    def _read(
        self, operation: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any
    ) -> Coroutine[Any, Any, T]:
        return self._on(self._readers, self._reading(operation, args, kwargs))

    def _reading(self, operation: Callable[..., Awaitable[T]], args: Any, kwargs: Any) -> Use[T]:
        """Its statements, each a transaction of its own."""
        return lambda connection: operation(PostgresTx(connection, self._compiled), *args, **kwargs)


async def _check(connection: asyncpg.Connection) -> None:
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        raise Unavailable("The database is read-only.")
    await connection.fetchval("SELECT lineage FROM database")
