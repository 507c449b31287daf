"""Who keeps a database, or a backup of one: by its URL, or by how its file begins."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, SmallInteger, Table

from taskhold.errors import StartupError
from taskhold.store import open_store
from taskhold.store.keeping import Advance, Examine, Keeper
from taskhold.store.migrations import HEAD
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.archive import MAGIC, Archive, CopiedRows
from taskhold.store.postgres.keeping import ARCHIVE, PostgresKeeper, count_rows
from taskhold.store.query import stamp
from taskhold.store.report import Report
from taskhold.store.rows import Rows
from taskhold.store.schema import Stored, UTCDateTime
from taskhold.store.sqlite.copying import SQLitePlace
from taskhold.store.sqlite.keeping import SQLiteKeeper, look_at_rows
from taskhold.store.sqlite.store import SQLiteStore

_COUNTER = re.compile(r"setval\('(?:\w+\.)?(\w+)_id_seq', (\d+), (true|false)\)")
_NULL = "\\N"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def keeper(url: str) -> Keeper:
    """Of the database that a URL names."""
    store = open_store(url)
    if isinstance(store, SQLiteStore):
        return SQLiteKeeper(store.path)
    return PostgresKeeper(Address.from_url(url))


def look_at_backup(path: Path, examine: Examine, advance: Advance) -> Report:
    """What there is to say of a backup, of whichever database."""
    if not is_dump(path):
        return SQLiteKeeper(path).look(examine, advance)
    with tempfile.TemporaryDirectory(prefix="taskhold-") as folder:
        copy = SQLitePlace(Path(folder) / "tasks.db", Stored.metadata.sorted_tables)
        return asyncio.run(_look_at_dump(Archive(path), copy, examine, advance))


def refuse_other_kind(kept: Keeper, path: Path) -> None:
    """Raises StartupError for a backup of the other database."""
    if is_dump(path) and isinstance(kept, SQLiteKeeper):
        raise StartupError(
            f"{path} is a backup of PostgreSQL; restore it with the URL of a PostgreSQL database"
        )
    if not is_dump(path) and isinstance(kept, PostgresKeeper):
        raise StartupError(
            f"{path} is no dump of pg_dump. A SQLite file comes into PostgreSQL by `taskhold copy`"
        )


def is_dump(path: Path) -> bool:
    """Whether a backup is one of PostgreSQL's."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise StartupError(f"{path} can't be read: {error.strerror}") from None


async def _look_at_dump(
    archive: Archive, copy: SQLitePlace, examine: Examine, advance: Advance
) -> Report:
    """Read all of it. The rows are looked at in a SQLite file, which needs no server."""
    report = Report()
    report.looked_at(ARCHIVE, 0)
    if await archive.revision() != HEAD:  # only a PostgreSQL can bring it up to date
        for count in (await count_rows(archive, 0, advance)).values():
            report.looked_at(ARCHIVE, count)
        return report
    await copy.prepare()
    tables = {table.name: table for table in Stored.metadata.tables.values()}
    counters: dict[str, int] = {}
    async with copy.transaction() as target:
        await target.clear()
        async for part in archive.parts():
            if isinstance(part, str):
                for table, number, is_used in _COUNTER.findall(part):
                    counters[table] = int(number) - (is_used == "false")
            elif part.table in tables:
                table = tables[part.table]
                await target.fill(table, _counted(_rows_of(part, table), report, advance))
            else:
                async for _ in part.lines:
                    pass
        await target.finish(counters)
    look_at_rows(copy.path, report, examine, advance)
    return report


async def _counted(
    chunks: AsyncIterator[Rows], report: Report, advance: Advance
) -> AsyncIterator[Rows]:
    done = 0
    async for rows in chunks:
        report.looked_at(ARCHIVE, len(rows))
        done += len(rows)
        advance("Reading the dump", done, done)
        yield rows


async def _rows_of(part: CopiedRows, table: Table) -> AsyncIterator[Rows]:
    """The rows of a table in the dump, as the API has their values."""
    places = [part.columns.index(column.name) for column in table.columns]
    converters = [_converter(column.type) for column in table.columns]
    left = b""
    async for lines in part.lines:
        whole, _, left = (left + lines).rpartition(b"\n")
        rows = []
        for line in whole.decode().split("\n") if whole else ():
            fields = line.split("\t")
            rows.append(
                tuple(
                    None if (text := fields[place]) == _NULL else convert(text)
                    for place, convert in zip(places, converters, strict=True)
                )
            )
        yield rows


def _converter(kind: Any) -> Callable[[str], Any]:
    """From COPY's text to the API's value.

    https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
    """
    if isinstance(kind, UTCDateTime):
        return lambda text: stamp(datetime.fromisoformat(text))
    if isinstance(kind, Boolean):
        return "t".__eq__
    if isinstance(kind, Integer | BigInteger | SmallInteger):
        return int
    return _unescaped


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
