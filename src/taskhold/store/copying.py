"""A whole database into another one: exact, all or nothing, compared before it counts.

    source, in one snapshot ── rows in the order of their keys ──> target, in one transaction:
                                                      filled, read back, compared, committed

In between, values have the API's form. That is what the two sides are compared by.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import compress
from typing import Protocol

from sqlalchemy import Table

from taskhold.encoding import as_json
from taskhold.errors import Problem, StartupError
from taskhold.store import open_store
from taskhold.store.migrations import HEAD
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.copying import PostgresPlace
from taskhold.store.rows import Rows
from taskhold.store.schema import Database, UTCDateTime
from taskhold.store.sqlite.copying import SQLitePlace, fresh_database
from taskhold.store.sqlite.store import SQLiteStore

_NOT_EMPTY = "{} is not empty; name a new database as the target"

Advance = Callable[[str, int, int], None]
"""Told what goes on, and how many of how many rows are done."""


class Snapshot(Protocol):
    """A database at one moment."""

    async def count(self, table: Table) -> int: ...

    def chunks(self, table: Table) -> AsyncIterator[Rows]:
        """All rows in the order of their keys, `CHUNK` at a time."""

    async def counters(self) -> dict[str, int]:
        """The last id that each table has handed out."""

    async def columns(self) -> set[str]:
        """Each `table.column` that there is, where other programs may have made some."""


class Transaction(Snapshot, Protocol):
    """A database that nobody else writes."""

    async def clear(self) -> None: ...

    async def fill(self, table: Table, chunks: AsyncIterator[Rows]) -> None: ...

    async def finish(self, counters: dict[str, int]) -> None:
        """What is left to do when every row is there."""


class Place(Protocol):
    """Where a database is, or may be made."""

    @property
    def location(self) -> str: ...

    async def revision(self) -> str | None:
        """Of its schema; empty for the lesson's file, None where nothing of ours is.

        Changes nothing.
        """

    async def prepare(self) -> str:
        """Bring it to this version's schema, made first where it is missing; its lineage."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]: ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits at the end of the block; an error in it leaves everything as it was."""


class Tally:
    """Rows that pass, counted; and one SHA-256 for all those of a table."""

    def __init__(self, doing: str, total: int, advance: Advance) -> None:
        self.counts: dict[str, int] = {}
        self._hashes: dict[str, str] = {}
        self._doing = doing
        self._total = total
        self._advance = advance

    async def passing(self, table: Table, chunks: AsyncIterator[Rows]) -> AsyncIterator[Rows]:
        """The chunks. Both sides have to come in chunks of the same size."""
        digest = hashlib.sha256()
        self.counts[table.name] = 0
        async for rows in chunks:
            digest.update(as_json(rows))
            self.counts[table.name] += len(rows)
            self._advance(self._doing, sum(self.counts.values()), self._total)
            await asyncio.sleep(0)  # SQLite never waits, and Ctrl-C comes in only here
            yield rows
        self._hashes[table.name] = digest.hexdigest()

    def of(self, table: Table) -> tuple[int, str]:
        return self.counts[table.name], self._hashes[table.name]


async def copy(
    source_url: str,
    target_url: str,
    tables: Sequence[Table],
    advance: Advance,
    warn: Callable[[str], None],
) -> dict[str, int]:
    """How many rows of each table were copied, and found to be the same on both sides.

    Each table has to come behind those that its rows refer to. Raises StartupError where it can't
    be done; then the target is as empty as it was.
    """
    source, target = _place(source_url, tables), _place(target_url, tables)
    try:
        await _prepare(source, target)
        async with source.snapshot() as old, target.transaction() as new:
            with fresh_database(tables) as fresh:
                for foreign in sorted(await old.columns() - await fresh.columns()):
                    warn(f"“{foreign}” in {source.location} is not Taskhold's and is not copied")
                for table in tables:
                    if not await _is_untouched(table, new, fresh):
                        raise StartupError(_NOT_EMPTY.format(target.location))
            return await _copy(old, new, tables, advance)
    except Problem as problem:
        raise StartupError(problem.detail) from problem


def _place(url: str, tables: Sequence[Table]) -> Place:
    store = open_store(url)
    if isinstance(store, SQLiteStore):
        return SQLitePlace(store.path, tables)
    return PostgresPlace(Address.from_url(url), tables)


async def _prepare(source: Place, target: Place) -> None:
    """Bring both to this version's schema, unless a look at them says that they can't be copied."""
    if source.location == target.location:
        raise StartupError("The source and the target are the same database")
    if await source.revision() is None:
        raise StartupError(f"There are no tasks at {source.location}")
    if await target.revision() not in (None, HEAD):
        raise StartupError(_NOT_EMPTY.format(target.location))
    if await source.prepare() == await target.prepare():
        raise StartupError(f"{target.location} is the source, or already a copy of it")


async def _is_untouched(table: Table, target: Snapshot, fresh: Snapshot) -> bool:
    """Whether there are the rows that the migrations make, whenever they made them."""
    if table.name == Database.__tablename__:
        return True  # each has a lineage of its own
    if await target.count(table) != await fresh.count(table):
        return False
    timeless = [not isinstance(column.type, UTCDateTime) for column in table.columns]
    there, made = [
        [tuple(compress(row, timeless)) async for rows in place.chunks(table) for row in rows]
        for place in (target, fresh)
    ]
    return there == made


async def _copy(
    old: Snapshot, new: Transaction, tables: Sequence[Table], advance: Advance
) -> dict[str, int]:
    total = sum([await old.count(table) for table in tables])
    copied, found = Tally("Copying", total, advance), Tally("Comparing", total, advance)
    await new.clear()
    for table in tables:
        await new.fill(table, copied.passing(table, old.chunks(table)))
    counters = await old.counters()
    await new.finish(counters)
    for table in tables:
        async for _ in found.passing(table, new.chunks(table)):
            pass
        if found.of(table) != copied.of(table):
            raise StartupError(
                f"The table “{table.name}” came out different in the target; nothing was copied"
            )
    if await new.counters() != counters:
        raise StartupError("The target would give ids out again; nothing was copied")
    return copied.counts
