"""What there is to say of a SQLite file below its rows: pages, references, counters, its index."""

import sqlite3

from taskhold.store.keeping import Known
from taskhold.store.report import Report
from taskhold.store.schema import Stored
from taskhold.store.sqlite import faults, indexing
from taskhold.store.sqlite.rebuild import quote

FILE, REFERENCES, IDS, INDEX = "pages of the file", "references", "ids", "search index"
MOST_VERDICTS = 20

RESTORE = "Stop the server and restore a backup; keep the file, since some of it can be read still."
REINDEX = "`taskhold reindex` makes it anew."
COUNT_ANEW = "Back it up and restore that: a restore sets the counters right."
_LAST_USED = {
    "task": "SELECT max(object_id) FROM change WHERE kind = 'task'",
    "list": "SELECT max(object_id) FROM change WHERE kind = 'list'",
}
"""Ids that were handed out once, though their rows may be gone."""


def check_pages(connection: sqlite3.Connection, report: Report) -> None:
    """Read all of it: each page, each index against its table, each constraint."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    report.looked_at(FILE, pages)
    try:
        found = connection.execute(f"PRAGMA integrity_check({MOST_VERDICTS})").fetchall()
    except sqlite3.DatabaseError as error:  # not even that can be read to the end
        found = [(str(error),)]
    for (verdict,) in found:
        if verdict == "ok":
            continue
        sentence = " ".join(verdict.split())
        if faults.is_of_the_index(verdict):
            report.wrong(INDEX, sentence, REINDEX)
        else:
            report.wrong(FILE, sentence, RESTORE, breaks=True)


def check_schema(connection: sqlite3.Connection, report: Report) -> None:
    """What holds between tables, in a transaction that will be undone."""
    report.looked_at(
        REFERENCES, sum(len(each.foreign_keys) for each in Stored.metadata.tables.values())
    )
    for table, rowid, other, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        sentence = f"Row {rowid} of “{table}” belongs to a row of “{other}” that isn't there"
        report.wrong(REFERENCES, sentence, RESTORE)
    _check_ids(connection, report)
    _check_index(connection, report)


def _check_ids(connection: sqlite3.Connection, report: Report) -> None:
    """Nothing may get an id that was in use before."""
    for table, used in ids_used(connection).items():
        report.looked_at(IDS)
        if used > _counted(connection, table):
            report.wrong(IDS, f"“{table}” would hand out the id {used} again", COUNT_ANEW)


def ids_used(connection: sqlite3.Connection) -> dict[str, int]:
    """The last id that each table is known to have handed out."""
    used = {}
    for table in Stored.metadata.tables.values():
        if not any(column.identity for column in table.columns):
            continue
        newest = f"SELECT max(id) FROM {quote(table.name)}"  # noqa: S608  a table of ours
        (last,) = connection.execute(newest).fetchone()
        used[table.name] = last or 0
        if table.name in _LAST_USED:
            (gone,) = connection.execute(_LAST_USED[table.name]).fetchone()
            used[table.name] = max(used[table.name], gone or 0)
    return used


def _counted(connection: sqlite3.Connection, table: str) -> int:
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    return next((int(seq) for (seq,) in found), 0)


def known(connection: sqlite3.Connection) -> Known:
    """What this database has handed out."""
    (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM change").fetchone()
    ids = {
        table: max(used, _counted(connection, table))
        for table, used in ids_used(connection).items()
    }
    return Known(seq, ids)


def count_from(connection: sqlite3.Connection, ids: dict[str, int]) -> None:
    """Hand out no id up to these any more, and none that was in use."""
    for table, used in ids_used(connection).items():
        last = max(used, ids.get(table, 0), _counted(connection, table))
        connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))


def _check_index(connection: sqlite3.Connection, report: Report) -> None:
    """Take in what waits for the index, and compare it with the texts."""
    try:
        (tasks,) = connection.execute("SELECT count(*) FROM task").fetchone()
        report.looked_at(INDEX, tasks)
        while indexing.catch_up(connection):
            pass
        connection.execute(
            "INSERT INTO task_search (task_search, rank) VALUES ('integrity-check', 1)"
        )
    except sqlite3.DatabaseError as error:
        report.wrong(INDEX, f"It does not fit the tasks ({error})", REINDEX)
