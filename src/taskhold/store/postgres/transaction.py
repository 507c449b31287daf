"""One transaction on PostgreSQL: how it begins, what an operation sees of it, how it ends."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import asyncpg

from taskhold.errors import OutcomeUnknown
from taskhold.store import Row, Statement
from taskhold.store.postgres import faults
from taskhold.store.query import CompiledQueries, Query, now

UNSURE = (
    "The database went away while this was being saved; whether it was kept is not known. "
    "Repeat it with the same Idempotency-Key."
)

HOLD = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({:d})"
"""Begin and hold an account, in one trip, before anything is read or counted. Whatever isolation a
role has by default: what is read after the lock has to be what the one before has committed."""

COMMIT = "COMMIT"
COMMIT_WHAT_WAS_READ = f"SELECT pg_logical_emit_message(true, 'taskhold', ''); {COMMIT}"
"""For a write that changes nothing, since its key was used or nothing differs. It may have read
what another one has committed here, but not yet on the standby; with a line of its own in the WAL
its COMMIT waits for that too."""


MANY = 200
"""Rows that one trip writes."""
WORTH_COPYING = 10
"""Rows from which on COPY takes less than as many INSERTs: a thousand tasks take a third."""


class PostgresTx:
    """One transaction on one connection, or the statements of one read.

    `answered` is called after each statement.
    """

    __slots__ = ("_answered", "_compiled", "_connection", "_now", "has_written")
    has_trips = True

    def __init__(
        self,
        connection: asyncpg.Connection,
        compiled: CompiledQueries,
        answered: Callable[[], None] | None = None,
    ) -> None:
        self._connection = connection
        self._compiled = compiled
        self._answered = answered
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

    async def one_beside(
        self, statement: Statement, query: Query, /, **parameters: Any
    ) -> Row | None:
        self.has_written = True
        sql = self._compiled.beside(statement.query, query)
        first, then = self._compiled[statement.query], self._compiled[query]
        values = (*first.encode(statement.parameters), *then.encode(parameters))
        rows = await self._connection.fetch(sql, *values)
        if self._answered:
            self._answered()
        return then.decode(rows[0]) if rows else None

    async def all(self, query: Query, /, **parameters: Any) -> list[Row]:
        compiled = self._compiled[query]
        self.has_written |= compiled.writes
        rows = await self._connection.fetch(compiled.sql, *compiled.encode(parameters))
        if self._answered:
            self._answered()
        return [compiled.decode(row) for row in rows]

    async def run(self, query: Query, /, **parameters: Any) -> int:
        compiled = self._compiled[query]
        self.has_written |= compiled.writes
        tag = await self._connection.execute(compiled.sql, *compiled.encode(parameters))
        if self._answered:
            self._answered()
        return int(tag.rpartition(" ")[2])

    async def many(self, query: Query, /, rows: Iterable[dict[str, Any]]) -> None:
        compiled = self._compiled[query]
        self.has_written |= compiled.writes
        encoded = map(compiled.encode, rows)
        while some := list(islice(encoded, MANY)):
            if compiled.table is not None and len(some) >= WORTH_COPYING:
                await self._connection.copy_records_to_table(
                    compiled.table, columns=compiled.columns, records=some
                )
            else:
                await self._connection.executemany(compiled.sql, some)
            if self._answered:
                self._answered()


async def commit(connection: asyncpg.Connection, *, has_written: bool) -> None:
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
        tag = await connection.execute(COMMIT if has_written else COMMIT_WHAT_WAS_READ)
    except faults.LOST as error:
        raise OutcomeUnknown(UNSURE) from error
    finally:
        connection.remove_log_listener(listen)
    if warnings:
        raise OutcomeUnknown(UNSURE)
    if tag != "COMMIT":  # an operation went on after a statement had failed
        raise RuntimeError(f"PostgreSQL answered COMMIT with {tag}")
