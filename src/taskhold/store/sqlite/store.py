"""Operations on one SQLite file: reads on the event loop, writes in group commits."""

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import AsyncIterator, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import quote

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from taskhold.errors import StartupError, Unavailable
from taskhold.metrics import StoreMeters
from taskhold.store import Advance, Operation, P, Row, Statement, T, Tx
from taskhold.store.query import SQLITE_CODECS, CompiledQueries, Query, now
from taskhold.store.schema import Database, table
from taskhold.store.sqlite import adoption, faults, indexing
from taskhold.store.sqlite.files import FILES_GONE, OpenFiles, wal_of
from taskhold.store.sqlite.group_commit import GroupCommit
from taskhold.store.sqlite.growth import JournalGrowth
from taskhold.store.sqlite.lock import WriteLock
from taskhold.store.sqlite.opening import prepare
from taskhold.store.sqlite.write import drive
from taskhold.store.watching import Watch, Watches

DIALECT = sqlite_dialect.dialect(paramstyle="qmark")
LOOK_SECONDS = 0.05
"""How late a change that another process wrote is seen by those who watch."""
LINEAGE = Query(select(table(Database).c.lineage))

log = structlog.get_logger()


class SQLiteTx:
    """One transaction on one connection. Its methods are coroutines that never suspend."""

    __slots__ = ("_compiled", "_connection", "_execute", "_now")
    has_trips = False

    def __init__(self, connection: sqlite3.Connection, compiled: CompiledQueries) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._compiled = compiled
        self._now: str | None = None

    @property
    def now(self) -> str:
        if self._now is None:
            self._now = now()
        return self._now

    async def one(self, query: Query, /, **parameters: Any) -> Row | None:
        compiled = self._compiled[query]
        rows = self._execute(compiled.sql, compiled.encode(parameters)).fetchall()
        return compiled.decode(rows[0]) if rows else None

    async def one_beside(
        self, statement: Statement, query: Query, /, **parameters: Any
    ) -> Row | None:
        await self.run(statement.query, **statement.parameters)
        return await self.one(query, **parameters)

    async def all(self, query: Query, /, **parameters: Any) -> list[Row]:
        compiled = self._compiled[query]
        rows = self._execute(compiled.sql, compiled.encode(parameters)).fetchall()
        return [compiled.decode(row) for row in rows]

    async def run(self, query: Query, /, **parameters: Any) -> int:
        compiled = self._compiled[query]
        return self._execute(compiled.sql, compiled.encode(parameters)).rowcount

    async def many(self, query: Query, /, rows: Iterable[dict[str, Any]]) -> None:
        compiled = self._compiled[query]
        self._connection.executemany(compiled.sql, map(compiled.encode, rows))


class SQLiteStore:
    """A store on one SQLite file. Opens on first use and belongs to no event loop."""

    backup_suffix = ".db"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = str(path)
        self.name = path.stem
        self.lineage = ""
        self.meters = StoreMeters()
        self._opening = threading.Lock()
        self._compiled = CompiledQueries(DIALECT, SQLITE_CODECS)
        self._watches = Watches()
        self._looking: asyncio.Task[None] | None = None
        self._is_open = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`sqlite:///tasks.db`, in the current folder, or `sqlite:////var/lib/tasks.db`."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise StartupError(f"{url} is not a database URL", exit_code=2) from None
        if not parsed.database or parsed.database == ":memory:" or parsed.host or parsed.query:
            raise StartupError(
                "The database URL should name a file, like sqlite:///tasks.db", exit_code=2
            )
        return cls(Path(parsed.database).resolve())  # SQLite puts the WAL beside the file itself

    def open(self) -> None:
        with self._opening:
            if self._is_open:
                return
            lock = WriteLock(self.path)
            self.lineage = prepare(self.path, lock)
            self._reader = connect(self.path, read_only=True)
            self._reading = threading.Lock()
            self._reader.execute("SELECT 1 FROM database").fetchone()  # makes the WAL, if none is
            self._files = OpenFiles(self.path)
            self._writer = GroupCommit(connect(self.path), lock, self._files, self.meters)
            self._long = threading.local()
            self._long_readers = ThreadPoolExecutor(2, thread_name_prefix="taskhold-read")
            self._finish = weakref.finalize(
                self, _close, self._writer, self._long_readers, self._reader, lock
            )
            self._is_open = True

    def close(self) -> None:
        with self._opening:
            if self._is_open:
                self._is_open = False
                self._finish()

    async def start(self) -> None:
        await asyncio.to_thread(self.open)

    async def stop(self) -> None:
        await asyncio.to_thread(self.close)

    async def read(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if not self._is_open:
            self.open()
        try:
            with self._reading:
                tx = SQLiteTx(self._reader, self._compiled)
                result: T = drive(_coroutine(operation, tx, *args, **kwargs))
                return result
        except sqlite3.Error as error:
            raise faults.problem_from(error, self.path.parent) or error from error

    async def read_shared(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Each is over before another begins, so there is nothing to share."""
        return await self.read(operation, *args, **kwargs)

    async def read_long(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if not self._is_open:
            self.open()

        def run() -> T:
            if not hasattr(self._long, "reader"):
                self._long.reader = connect(self.path, read_only=True)
            tx = SQLiteTx(self._long.reader, self._compiled)
            result: T = drive(_coroutine(operation, tx, *args, **kwargs))
            return result

        try:
            return await asyncio.get_running_loop().run_in_executor(self._long_readers, run)
        except sqlite3.Error as error:
            raise faults.problem_from(error, self.path.parent) or error from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Tx]:
        if not self._is_open:
            self.open()
        try:
            with closing(connect(self.path, read_only=True)) as connection:
                connection.execute("BEGIN")
                yield SQLiteTx(connection, self._compiled)
        except sqlite3.Error as error:
            raise faults.problem_from(error, self.path.parent) or error from error

    async def write(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """One writer at a time holds the whole file, so its owner needs no lock of their own."""
        return await self._write(owner_id, operation, args, kwargs, is_long=False)

    async def write_long(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._write(owner_id, operation, args, kwargs, is_long=True)

    async def _write(
        self, owner_id: int, operation: Operation[..., T], args: Any, kwargs: Any, *, is_long: bool
    ) -> T:
        if not self._is_open:
            self.open()

        def run() -> Coroutine[Any, Any, T]:
            tx = SQLiteTx(self._writer.connection, self._compiled)
            return _coroutine(operation, tx, *args, **kwargs)

        result: T = await self._writer.run(run, is_long=is_long)
        self._watches.wake((owner_id,))
        return result

    def watch(self, owner_id: int) -> Watch:
        watch = self._watches.add(owner_id)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_for_others())
        return watch

    async def _look_for_others(self) -> None:
        """Wake those whose journal has grown, whoever wrote the file."""
        growth = JournalGrowth()
        while self._watches:
            with suppress(Unavailable, sqlite3.Error):
                if not self._is_open:
                    raise Unavailable("The database is closed.")
                with self._reading:
                    owner_ids = growth.look(self._reader)
                if owner_ids is None:
                    self._watches.wake_all()
                else:
                    self._watches.wake(owner_ids)
            await asyncio.sleep(LOOK_SECONDS)

    async def tidy(self) -> bool:
        """Fold what other programs wrote, and take what was written into the search index."""
        if not self._is_open or self._writer.broken:
            return False
        try:
            with self._reading:
                to_fold = adoption.is_behind(self._reader)
                to_index = indexing.is_behind(self._reader)
        except sqlite3.Error as error:
            raise faults.problem_from(error, self.path.parent) or error from error

        async def step() -> None:
            if to_fold:
                adoption.fold_titles(self._writer.connection)
            else:
                self._catch_up()

        if to_fold or to_index:
            await self._writer.run(step, is_long=True)
        return to_fold or to_index

    async def reindex(self, advance: Advance) -> None:
        """In steps. Until a task is in the index again, searches look at it as well."""
        if not self._is_open:
            self.open()

        async def forget() -> int:
            return indexing.forget(self._writer.connection)

        async def catch_up() -> int:
            return self._catch_up()

        done, total = 0, await self._writer.run(forget, is_long=True)
        while taken := await self._writer.run(catch_up, is_long=True):
            done += taken  # also what was written meanwhile
            advance(min(done, total), total)

    def _catch_up(self) -> int:
        """Take some tasks into the index; where it is damaged, begin it anew."""
        try:
            return indexing.catch_up(self._writer.connection)
        except sqlite3.DatabaseError as error:
            if not faults.is_of_the_index(str(error)):
                raise
            log.warning("the search index is damaged and is made anew", error=str(error))
            return indexing.forget(self._writer.connection)

    def sizes(self) -> list[tuple[str, str, int]]:
        with suppress(OSError):
            return [
                (
                    *("taskhold_database_bytes", "The size of the file."),
                    self.path.stat().st_size,
                ),
                (
                    *("taskhold_wal_bytes", "What is committed and not written back yet."),
                    wal_of(self.path).stat().st_size,
                ),
            ]
        return []

    async def check(self) -> None:
        if not self._is_open:
            raise Unavailable("The database is not open yet.")
        if self._writer.broken or self._files.wal_size() is None:
            raise Unavailable(self._writer.broken or FILES_GONE)

        await self.read(_ask, LINEAGE)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with every promise switched on: FULL, foreign keys. It makes no file."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: an fsync that reaches the disk
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA secure_delete = ON")  # what is purged is overwritten
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA busy_timeout = 100")
    return connection


async def _ask(tx: Tx, query: Query) -> Row | None:
    return await tx.one(query)


def _coroutine(operation: Operation[P, T], /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, T]:
    """An operation is written as `async def`, so what it returns can be driven."""
    return cast("Coroutine[Any, Any, T]", operation(*args, **kwargs))


def _close(
    writer: GroupCommit,
    long_readers: ThreadPoolExecutor,
    reader: sqlite3.Connection,
    lock: WriteLock,
) -> None:
    """Leave one file behind: the last connection to close writes the WAL back and removes it."""
    long_readers.shutdown()
    reader.close()
    writer.close()
    lock.remove()
