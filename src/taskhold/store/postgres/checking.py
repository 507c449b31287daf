"""What there is to say of a PostgreSQL database below its rows."""

from typing import Any

import asyncpg

from taskhold.store.keeping import Known
from taskhold.store.postgres.store import DIALECT
from taskhold.store.report import Report
from taskhold.store.schema import Stored

PAGES, INDEXES, REFERENCES, IDS = "pages of the server", "indexes", "references", "ids"

RESTORE = "Restore a backup, and look at the disk of the database's server."
COUNT_ANEW = "Back it up and restore that: a restore sets the counters right."
REINDEX = "`REINDEX INDEX` in psql makes it anew, and `taskhold reindex` that of the texts."
_INDEXES = """
SELECT relname::text, indisvalid AND indisready FROM pg_index JOIN pg_class ON oid = indexrelid
WHERE indrelid = ANY (SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name)
"""
_CONSTRAINTS = """
SELECT conname::text, convalidated FROM pg_constraint
WHERE contype = 'f'
AND conrelid = ANY (SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name)
"""
_FAILURES = "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
_LAST_USED = {
    "task": "SELECT max(object_id) FROM change WHERE kind = 'task'",
    "list": "SELECT max(object_id) FROM change WHERE kind = 'list'",
}
"""Ids that were handed out once, though their rows may be gone."""
_quoted = DIALECT.identifier_preparer.quote


async def check(connection: asyncpg.Connection, report: Report) -> None:
    """What the server knows of the tables: it keeps its constraints and indexes itself."""
    names = list(Stored.metadata.tables)
    report.looked_at(PAGES)
    if failures := await connection.fetchval(_FAILURES):
        report.wrong(PAGES, f"{failures} pages had a wrong checksum", RESTORE, breaks=True)
    for name, is_good in await connection.fetch(_INDEXES, names):
        report.looked_at(INDEXES)
        if not is_good:
            report.wrong(INDEXES, f"“{name}” is not used, since making it failed", REINDEX)
    for name, is_good in await connection.fetch(_CONSTRAINTS, names):
        report.looked_at(REFERENCES)
        if not is_good:
            report.wrong(REFERENCES, f"“{name}” was never checked", RESTORE)
    for table, used in (await ids_used(connection)).items():
        report.looked_at(IDS)
        if used > await _counted(connection, table):
            report.wrong(IDS, f"“{table}” would hand out the id {used} again", COUNT_ANEW)


async def ids_used(connection: asyncpg.Connection) -> dict[str, int]:
    """The last id that each table is known to have handed out."""
    used = {}
    for table in Stored.metadata.tables.values():
        if any(column.identity for column in table.columns):
            last: int = await connection.fetchval(
                f"SELECT coalesce(max(id), 0) FROM {_quoted(table.name)}"  # noqa: S608
            )
            gone: int | None = None
            if table.name in _LAST_USED:
                gone = await connection.fetchval(_LAST_USED[table.name])
            used[table.name] = max(last, gone or 0)
    return used


async def known(connection: asyncpg.Connection) -> Known:
    """What this database has handed out."""
    seq: int = await connection.fetchval("SELECT coalesce(max(seq), 0) FROM change")
    ids = {
        table: max(used, await _counted(connection, table))
        for table, used in (await ids_used(connection)).items()
    }
    return Known(seq, ids)


async def count_from(connection: asyncpg.Connection, ids: dict[str, int]) -> None:
    """Hand out no id up to these any more, and none that was in use."""
    for table, used in (await ids_used(connection)).items():
        last = max(used, ids.get(table, 0), await _counted(connection, table))
        await connection.execute(
            f"ALTER TABLE {_quoted(table)} ALTER COLUMN id RESTART WITH {last + 1}"
        )


async def _counted(connection: asyncpg.Connection, table: str) -> int:
    sequence = await connection.fetchval(
        "SELECT pg_get_serial_sequence(quote_ident($1), 'id')", table
    )
    found: Any = await connection.fetchval(
        f"SELECT last_value - (NOT is_called)::int FROM {sequence}"  # noqa: S608
    )
    return int(found)
