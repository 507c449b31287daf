"""Operations on PostgreSQL.

Reads are single statements. A write is one transaction that holds its account, so that the
account's journal has neither gaps nor another order than its commits.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Self

import asyncpg
import structlog
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from taskhold.errors import OutcomeUnknown, Problem, StartupError, Unavailable
from taskhold.store import Operation, P, Row, T
from taskhold.store.postgres import faults
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.announcements import Announcements
from taskhold.store.postgres.connections import Connections
from taskhold.store.postgres.opening import connect_to_ours, prepare
from taskhold.store.query import POSTGRES_CODECS, CompiledQueries, Query, now
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

UNSURE = (
    "The database went away while this was being saved; whether it was kept is not known. "
    "Repeat it with the same Idempotency-Key."
)

_HOLD = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({:d})"
"""Begin and hold an account, in one trip, before anything is read or counted. Whatever isolation a
role has by default: what is read after the lock has to be what the one before has committed."""

COMMIT = "COMMIT"
COMMIT_WHAT_WAS_READ = f"SELECT pg_logical_emit_message(true, 'taskhold', ''); {COMMIT}"
"""For a write that changes nothing, since its key was used or nothing differs. It may have read
what another one has committed here, but not yet on the standby; with a line of its own in the WAL
its COMMIT waits for that too."""

log = structlog.get_logger()


class PostgresTx:
    """One transaction on one connection, or the statements of one read."""

    __slots__ = ("_compiled", "_connection", "_now", "has_written")

    def __init__(self, connection: asyncpg.Connection, compiled: CompiledQueries) -> None:
        self._connection = connection
        self._compiled = compiled
        self._now: str | None = None
        self.has_written = False

    @property
    def now(self) -> str:
        if self._now is None:
            self._now = now()
        return self._now

    async def one(self, query: Query, /, **parameters: Any) -> Row | None:
        rows = await self.all(query, **parameters)
        return rows[0] if rows else None

    async def all(self, query: Query, /, **parameters: Any) -> list[Row]:
        compiled = self._compiled[query]
        self.has_written |= compiled.writes
        rows = await self._connection.fetch(compiled.sql, *compiled.encode(parameters))
        return [compiled.decode(row) for row in rows]

    async def run(self, query: Query, /, **parameters: Any) -> int:
        compiled = self._compiled[query]
        self.has_written |= compiled.writes
        tag = await self._connection.execute(compiled.sql, *compiled.encode(parameters))
        return int(tag.rpartition(" ")[2])


class PostgresStore:
    """A store on a PostgreSQL database.

    Its connections belong to one event loop: that of the server after `start`, else one in a
    thread of its own, to which the requests of other loops are handed over.
    """

    def __init__(self, address: Address) -> None:
        self.location = address.shown
        self.lineage = ""
        self._address = address
        self._compiled = CompiledQueries(DIALECT, POSTGRES_CODECS)
        self._opening = threading.Lock()
        self._watches = Watches()
        self._is_open = False
        self._thread: _LoopThread | None = None
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
            self._thread = _LoopThread()
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
        return await self._on(self._readers, self._reading(operation, args, kwargs))

    async def read_long(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.open()
        return await self._on(self._long_readers, self._reading(operation, args, kwargs))

    async def write(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.open()

        async def transaction(connection: asyncpg.Connection) -> T:
            try:
                await connection.execute(_HOLD.format(owner_id))
                tx = PostgresTx(connection, self._compiled)
                result = await operation(tx, *args, **kwargs)
            except Exception:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            await _commit(connection, COMMIT if tx.has_written else COMMIT_WHAT_WAS_READ)
            self._announcements.announce(owner_id)
            return result

        return await self._on(self._writers, transaction)

    def watch(self, owner_id: int) -> Watch:
        return self._watches.add(owner_id)

    async def check(self) -> None:
        self.open()
        await self._on(self._readers, _check)

    # Opening

    async def _open_on(self, loop: asyncio.AbstractEventLoop) -> None:
        await prepare(self._address)
        self._loop = loop
        self._readers = Connections(
            partial(self._connect, statement_timeout="5s"), size=READERS, grace=SHORT_GRACE
        )
        # No time-out of statements: it would end a COMMIT that waits for a standby, and
        # PostgreSQL calls that one a success.
        self._writers = Connections(self._connect, size=WRITERS, grace=SHORT_GRACE)
        self._long_readers = Connections(
            partial(self._connect, statement_timeout="30s"),
            size=LONG_READERS,
            grace=LONG_GRACE,
        )
        try:
            first = await self._readers.take(loop.time() + WAIT_SECONDS)
        except faults.FAILURES as error:
            raise faults.refusal(error, self.location) from None
        self._readers.give_back(first)
        self._announcements = Announcements(self._connect, self._watches)
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
            self._announcements.stop()
            for connections in (self._readers, self._writers, self._long_readers):
                await connections.close()

    def _leave_thread(self) -> None:
        assert self._thread is not None
        self._thread.stop()
        self._thread = self._loop = None

    # Using a connection

    async def _on(
        self, connections: Connections, use: Callable[[asyncpg.Connection], Awaitable[T]]
    ) -> T:
        """What `use` gives, on the loop to which the connections belong."""
        assert self._loop is not None
        if asyncio.get_running_loop() is self._loop:
            return await self._try(connections, use)
        elsewhere = asyncio.run_coroutine_threadsafe(self._try(connections, use), self._loop)
        return await asyncio.wrap_future(elsewhere)

    async def _try(
        self, connections: Connections, use: Callable[[asyncpg.Connection], Awaitable[T]]
    ) -> T:
        """What `use` gives on a connection; on another one where that is lost before it commits."""
        assert self._loop is not None
        loop = self._loop
        until = loop.time() + WAIT_SECONDS
        pause = 0.0
        while True:
            try:
                connection = await connections.take(until)
                timer = loop.call_at(until + connections.grace, connection.terminate)
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
                    timer.cancel()
                    connections.give_back(connection)
            except Problem:
                raise
            except Exception as error:
                if not isinstance(error, faults.REPEATABLE) or loop.time() >= until:
                    raise _meaning(error) from error
            connections.drop_free()
            await asyncio.sleep(pause)
            pause = RETRY_SECONDS

    def _reading(
        self, operation: Callable[..., Awaitable[T]], args: Any, kwargs: Any
    ) -> Callable[[asyncpg.Connection], Awaitable[T]]:
        """Its statements, each a transaction of its own."""
        return lambda connection: operation(PostgresTx(connection, self._compiled), *args, **kwargs)


async def _commit(connection: asyncpg.Connection, commit: str) -> None:
    """Commit, durably. Raises OutcomeUnknown where no answer comes.

    Or one with a warning: somebody has cancelled the wait for the standby, or a time-out has, and
    PostgreSQL calls that a success.
    """
    warnings: list[asyncpg.PostgresLogMessage] = []

    def listen(_: Any, message: asyncpg.PostgresLogMessage) -> None:
        if message.sqlstate == "01000":
            warnings.append(message)

    connection.add_log_listener(listen)
    try:
        tag = await connection.execute(commit)
    except faults.LOST as error:
        raise OutcomeUnknown(UNSURE) from error
    finally:
        connection.remove_log_listener(listen)
    if warnings:
        raise OutcomeUnknown(UNSURE)
    if tag != "COMMIT":  # an operation went on after a statement had failed
        raise RuntimeError(f"PostgreSQL answered COMMIT with {tag}")


def _meaning(error: Exception) -> Exception:
    """The problem that a failure of the database is; anything else as it is."""
    problem = faults.problem_from(error)
    if problem is None:
        return error
    log.error("the database failed", error=str(error) or type(error).__name__)
    return problem


async def _check(connection: asyncpg.Connection) -> None:
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        raise Unavailable("The database is read-only.")
    await connection.fetchval("SELECT lineage FROM database")


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="taskhold-postgres", daemon=True
        )
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns; the calling thread waits for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
