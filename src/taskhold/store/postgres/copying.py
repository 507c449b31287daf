"""All rows of a PostgreSQL database, out of it and into it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import compress
from typing import Any

import asyncpg
from sqlalchemy import Column, String, Table

from taskhold.errors import StartupError
from taskhold.store.postgres import faults
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.opening import UNLIMITED, connect, connect_to_ours, prepare
from taskhold.store.postgres.store import DIALECT
from taskhold.store.query import POSTGRES_CODECS, is_stamp
from taskhold.store.rows import CHUNK, Rows, TableRows
from taskhold.store.schema import UTCDateTime

_quoted = DIALECT.identifier_preparer.quote


class PostgresSnapshot:
    """A database at one moment, on a connection that is in a transaction."""

    def __init__(
        self, connection: asyncpg.Connection, location: str, tables: Sequence[Table]
    ) -> None:
        self._connection = connection
        self._location = location
        self._tables = tables

    async def count(self, table: Table) -> int:
        return await self._number(f"SELECT count(*) FROM {_quoted(table.name)}")

    async def chunks(self, table: Table) -> AsyncIterator[Rows]:
        rows = _rows(table)
        cursor = f"rows_of_{table.name}"
        await self._run(f"DECLARE {cursor} NO SCROLL CURSOR FOR {rows.in_key_order}")
        while chunk := await self._run(f"FETCH {CHUNK} FROM {cursor}"):
            yield rows.decode(chunk)
        await self._run(f"CLOSE {cursor}")  # an open one keeps its table from being altered

    async def counters(self) -> dict[str, int]:
        return {
            column.table.name: await self._last_id(column) for column in _counting(self._tables)
        }

    async def columns(self) -> set[str]:
        return set()

    async def _last_id(self, column: Column[Any]) -> int:
        table, name = _quoted(column.table.name), _quoted(column.name)
        ((sequence,),) = await self._run(
            f"SELECT pg_get_serial_sequence('{table}', '{column.name}')"
        )
        return await self._number(
            "SELECT greatest(last_value - (NOT is_called)::int, "
            f"(SELECT max({name}) FROM {table})) FROM {sequence}"
        )

    async def _number(self, sql: str) -> int:
        ((number,),) = await self._run(sql)
        assert isinstance(number, int)
        return number

    async def _run(self, sql: str) -> list[asyncpg.Record]:
        with _explained(self._location):
            return await self._connection.fetch(sql)


class PostgresTransaction(PostgresSnapshot):
    """A database in which nobody else writes these tables."""

    async def clear(self) -> None:
        for table in reversed(self._tables):
            await self._connection.execute(f"DELETE FROM {_quoted(table.name)}")

    async def fill(self, table: Table, chunks: AsyncIterator[Rows]) -> None:
        rows = _rows(table)
        try:
            await self._connection.copy_records_to_table(
                table.name,
                columns=[column.name for column in rows.columns],
                records=_records(rows, chunks),
            )
        except OverflowError:
            raise StartupError(
                f"The table “{table.name}” has a number that is too large for PostgreSQL; nothing "
                "was copied"
            ) from None

    async def finish(self, counters: dict[str, int]) -> None:
        for column in _counting(self._tables):
            await self._connection.execute(
                f"ALTER TABLE {_quoted(column.table.name)} ALTER COLUMN {_quoted(column.name)} "
                f"RESTART WITH {counters[column.table.name] + 1}"
            )
        await self._connection.execute(f"ANALYZE {_names(self._tables)}")


class PostgresPlace:
    """Where a database is."""

    def __init__(self, address: Address, tables: Sequence[Table]) -> None:
        self.location = address.shown
        self._address = address
        self._tables = tables

    async def revision(self) -> str | None:
        with _explained(self.location):
            connection = await connect(self._address)
            try:
                if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
                    return None
                found: str = await connection.fetchval("SELECT version_num FROM alembic_version")
                return found
            finally:
                connection.terminate()

    async def prepare(self) -> str:
        await prepare(self._address)
        async with self._connection() as connection:
            lineage: str = await connection.fetchval("SELECT lineage FROM database")
        return lineage

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresSnapshot]:
        async with self._connection() as connection:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield PostgresSnapshot(connection, self.location, self._tables)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._connection() as connection:
            await connection.execute("BEGIN")
            try:
                await connection.execute(f"LOCK TABLE {_names(self._tables)}")
            except asyncpg.LockNotAvailableError:
                raise StartupError(f"{self.location} is in use; stop its servers first") from None
            yield PostgresTransaction(connection, self.location, self._tables)
            try:
                await connection.execute("COMMIT")
            except faults.LOST as error:
                raise StartupError(
                    f"{self.location} failed while the copy was being committed; look whether it "
                    "is there"
                ) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Closing it ends its transaction, too."""
        with _explained(self.location):
            connection, _ = await connect_to_ours(self._address, **UNLIMITED)
            try:
                yield connection
            finally:
                connection.terminate()


@contextmanager
def _explained(location: str) -> Iterator[None]:
    """Turn the errors of the driver into a sentence."""
    try:
        yield
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise faults.refusal(error, location) from error


async def _records(rows: TableRows, chunks: AsyncIterator[Rows]) -> AsyncIterator[tuple[Any, ...]]:
    texts = [isinstance(column.type, String) for column in rows.columns]
    async for chunk in chunks:
        for values in compress(zip(*chunk, strict=True), texts):
            if "\0" in "".join(filter(None, values)):
                raise rows.misfit(chunk, _has_nul, "a NUL character, which PostgreSQL can't keep,")
        try:
            records = rows.encode(chunk)
        except ValueError:
            raise rows.misfit(chunk, _is_no_time, "no time") from None
        for record in records:
            yield record


def _has_nul(_: Column[Any], value: object) -> bool:
    return isinstance(value, str) and "\0" in value


def _is_no_time(column: Column[Any], value: Any) -> bool:
    return isinstance(column.type, UTCDateTime) and value is not None and not is_stamp(value)


def _rows(table: Table) -> TableRows:
    return TableRows(table, DIALECT, POSTGRES_CODECS, bytewise="C")


def _names(tables: Sequence[Table]) -> str:
    return ", ".join(_quoted(table.name) for table in tables)


def _counting(tables: Sequence[Table]) -> list[Column[Any]]:
    return [column for table in tables for column in table.columns if column.identity]
