"""All rows of a SQLite file, out of it and into it."""

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Table, insert
from sqlalchemy.dialects import sqlite as sqlite_dialect

from taskhold.errors import StartupError
from taskhold.store.query import SQLITE_CODECS
from taskhold.store.rows import CHUNK, Rows, TableRows
from taskhold.store.sqlite import adoption, faults, indexing
from taskhold.store.sqlite.lock import WriteLock
from taskhold.store.sqlite.opening import prepare, revision_of
from taskhold.store.sqlite.rebuild import quote
from taskhold.store.sqlite.store import connect

DIALECT = sqlite_dialect.dialect(paramstyle="qmark")


class SQLiteSnapshot:
    """A file at one moment, on a connection that is in a transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path, tables: Sequence[Table]) -> None:
        self._connection = connection
        self._path = path
        self._tables = tables

    async def count(self, table: Table) -> int:
        return self._number(f"SELECT count(*) FROM {quote(table.name)}")

    async def chunks(self, table: Table) -> AsyncIterator[Rows]:
        rows = _rows(table)
        kinds = [_kinds(column) for column in rows.columns]
        with _explained(self._path):
            cursor = self._connection.execute(rows.in_key_order)
        while chunk := self._fetch(cursor, rows):
            for allowed, values in zip(kinds, zip(*chunk, strict=True), strict=True):
                if not allowed.issuperset(map(type, values)):
                    raise rows.misfit(chunk, _is_of_another_type, "a value of another type")
            yield rows.decode(chunk)

    async def counters(self) -> dict[str, int]:
        return {
            table.name: self._number(
                f"SELECT max(coalesce(max({quote(column.name)}), 0), coalesce((SELECT seq "
                f"FROM sqlite_sequence WHERE name = '{table.name}'), 0)) FROM {quote(table.name)}"
            )
            for table in self._tables
            for column in table.columns
            if column.identity
        }

    async def columns(self) -> set[str]:
        with _explained(self._path):
            found = self._connection.execute(
                "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_xinfo(m.name) c "
                "WHERE m.type = 'table' AND m.rootpage > 0 AND m.name NOT GLOB 'sqlite_*'"
            )
            return {name.lower() for (name,) in found}

    def _number(self, sql: str) -> int:
        with _explained(self._path):
            (number,) = self._connection.execute(sql).fetchone()
        assert isinstance(number, int)
        return number

    def _fetch(self, cursor: sqlite3.Cursor, rows: TableRows) -> Rows:
        with _explained(self._path):
            try:
                return cursor.fetchmany(CHUNK)
            except sqlite3.OperationalError as error:
                if not str(error).startswith("Could not decode to UTF-8"):
                    raise
            self._connection.text_factory = bytes
            everything = self._connection.execute(rows.in_key_order)
            raise rows.misfit(everything, _is_not_utf8, "a text that is not UTF-8")


class SQLiteTransaction(SQLiteSnapshot):
    """A file that only this connection writes."""

    async def clear(self) -> None:
        for table in reversed(self._tables):
            self._connection.execute(f"DELETE FROM {quote(table.name)}")

    async def fill(self, table: Table, chunks: AsyncIterator[Rows]) -> None:
        rows = _rows(table)
        names = [column.name for column in rows.columns]
        statement = str(insert(table).compile(dialect=DIALECT, column_keys=names))
        async for chunk in chunks:
            self._connection.executemany(statement, rows.encode(chunk))

    async def finish(self, counters: dict[str, int]) -> None:
        for counter in counters.items():
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", counter[:1])
            if counter[1]:
                self._connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", counter)
        indexing.rebuild(self._connection.execute)


class SQLitePlace:
    """Where a file is, or may be made."""

    def __init__(self, path: Path, tables: Sequence[Table]) -> None:
        self.path = path
        self._tables = tables
        self.location = str(path)

    async def revision(self) -> str | None:
        return revision_of(self.path)

    async def prepare(self) -> str:
        lock = WriteLock(self.path)
        try:
            return prepare(self.path, lock)
        finally:
            lock.remove()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SQLiteSnapshot]:
        with _explained(self.path), closing(connect(self.path, read_only=True)) as connection:
            connection.execute("BEGIN")
            yield SQLiteSnapshot(connection, self.path, self._tables)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SQLiteTransaction]:
        lock = WriteLock(self.path)
        with _explained(self.path):
            try:
                lock.acquire()
                with closing(connect(self.path)) as connection:
                    connection.execute("PRAGMA busy_timeout = 5000")
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute("PRAGMA defer_foreign_keys = ON")
                    yield SQLiteTransaction(connection, self.path, self._tables)
                    _commit(connection, self.path)
            finally:
                lock.remove()


@contextmanager
def fresh_database(tables: Sequence[Table]) -> Iterator[SQLiteSnapshot]:
    """What the migrations make, and nothing else."""
    with tempfile.TemporaryDirectory(prefix="taskhold-") as folder:
        path = Path(folder) / "tasks.db"
        with _explained(path):
            adoption.migrate(path)
        with closing(connect(path, read_only=True)) as connection:
            yield SQLiteSnapshot(connection, path, tables)


def _commit(connection: sqlite3.Connection, path: Path) -> None:
    """Commit; then write the WAL back, which another connection would keep from happening."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if faults.primary_code(error) != faults.IOERR:
            raise
        raise StartupError(
            f"{path} failed while the copy was being committed; look whether it is there"
        ) from error
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a sentence."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        problem = faults.problem_from(error, path.parent)
        raise StartupError(f"{path}: {problem.detail if problem else error}") from error


def _rows(table: Table) -> TableRows:
    return TableRows(table, DIALECT, SQLITE_CODECS, bytewise="BINARY")


def _kinds(column: Column[Any]) -> frozenset[type]:
    """The types of values that belong into a column; SQLite keeps any."""
    kind = int if isinstance(column.type, Integer | Boolean) else str
    return frozenset((kind, type(None))) if column.nullable else frozenset((kind,))


def _is_of_another_type(column: Column[Any], value: object) -> bool:
    return type(value) not in _kinds(column)


def _is_not_utf8(_: Column[Any], value: object) -> bool:
    try:
        if isinstance(value, bytes):
            value.decode()
    except UnicodeDecodeError:
        return True
    return False
