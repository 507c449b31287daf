"""The search index of a SQLite file: FTS5 with three letters at a time, brought up to date apart.

Writing into FTS5 costs 20 times what the row costs, and merging its parts now and then 150 ms. So
triggers note in `search_pending`, in the transaction of each change, which tasks the index does
not know yet, with the text that it knows instead; whoever searches looks at those as well. Many at
a time are then taken into the index, which costs less than the row. PostgreSQL's GIN does the same
(https://www.postgresql.org/docs/current/gin.html#GIN-FAST-UPDATE).

Other programs that write the file need no FTS5 for it.
"""

import sqlite3
from typing import Any

import sqlalchemy as sa

MOST_PENDING = 500
"""How many tasks may wait for the index."""
AT_ONCE = 250
MERGED_PAGES = 64
"""How much of the index one step merges at the most (https://sqlite.org/fts5.html, 6.8)."""

TABLES = frozenset(
    (
        *("task_search", "task_search_config", "task_search_data", "task_search_idx"),
        "search_pending",
    )
)
"""What is here follows from the tasks, so that no model has it and nobody copies it."""
_TABLES = (
    """
    CREATE VIRTUAL TABLE task_search USING fts5(
        search_text, content = 'task', content_rowid = 'id',
        tokenize = 'trigram case_sensitive 1', columnsize = 0
    )""",
    # Merging is done in steps of ours, never inside of a change.
    "INSERT INTO task_search (task_search, rank) VALUES ('automerge', 0)",
    "INSERT INTO task_search (task_search, rank) VALUES ('crisismerge', 1000)",
    "CREATE TABLE search_pending (task_id INTEGER PRIMARY KEY, indexed TEXT)",
)
_NOTE = """
    INSERT INTO search_pending SELECT {row}.id, {indexed}
        WHERE NOT EXISTS (SELECT 1 FROM search_pending WHERE task_id = {row}.id);
    END"""
"""What is noted first stays: it is what the index knows. Without OR IGNORE, which is another thing
in the OR REPLACE of another program (https://sqlite.org/lang_createtrigger.html)."""
_TRIGGERS = (
    "CREATE TRIGGER search_inserted AFTER INSERT ON task BEGIN"
    + _NOTE.format(row="NEW", indexed="NULL"),
    "CREATE TRIGGER search_updated AFTER UPDATE OF search_text ON task "
    "WHEN NEW.search_text IS NOT OLD.search_text BEGIN"
    + _NOTE.format(row="OLD", indexed="OLD.search_text"),
    "CREATE TRIGGER search_deleted AFTER DELETE ON task BEGIN"
    + _NOTE.format(row="OLD", indexed="OLD.search_text"),
)


def create(connection: sa.Connection) -> None:
    """Make the index of the tasks that there are, and the triggers."""
    for statement in _TABLES:
        connection.exec_driver_sql(statement)
    rebuild(connection.exec_driver_sql)
    for statement in _TRIGGERS:
        connection.exec_driver_sql(statement)


def rebuild(execute: Any) -> None:
    """Make the index anew from the texts of the tasks, all at once."""
    execute("INSERT INTO task_search (task_search) VALUES ('rebuild')")
    execute("INSERT INTO task_search (task_search) VALUES ('optimize')")
    execute("DELETE FROM search_pending")


def forget(connection: sqlite3.Connection) -> int:
    """Empty the index, damaged or not, and let every task wait for it; how many there are."""
    connection.execute("INSERT INTO task_search (task_search) VALUES ('delete-all')")
    connection.execute("DELETE FROM search_pending")
    return connection.execute("INSERT INTO search_pending SELECT id, NULL FROM task").rowcount


def is_behind(connection: sqlite3.Connection) -> bool:
    """Whether there is work: many tasks wait, or the text of one that is deleted is to go."""
    (behind,) = connection.execute(
        f"SELECT CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM search_pending "
        f"LIMIT {MOST_PENDING + 1})) > {MOST_PENDING} THEN 1 ELSE EXISTS (SELECT 1 "
        "FROM search_pending AS pending "
        "WHERE NOT EXISTS (SELECT 1 FROM task WHERE id = pending.task_id)) END"
    ).fetchone()
    return bool(behind)


def catch_up(connection: sqlite3.Connection) -> int:
    """Take some tasks into the index, in the transaction that is open; how many waited."""
    some = connection.execute(
        "SELECT pending.task_id, pending.indexed, task.search_text FROM search_pending AS pending "
        f"LEFT JOIN task ON task.id = pending.task_id LIMIT {AT_ONCE}"
    ).fetchall()
    connection.executemany(
        "INSERT INTO task_search (task_search, rowid, search_text) VALUES ('delete', ?, ?)",
        [(task_id, known) for task_id, known, _ in some if known is not None],
    )
    connection.executemany(
        "INSERT INTO task_search (rowid, search_text) VALUES (?, ?)",
        [(task_id, text) for task_id, _, text in some if text is not None],
    )
    connection.executemany(
        "DELETE FROM search_pending WHERE task_id = ?", [(task_id,) for task_id, *_ in some]
    )
    connection.execute(
        "INSERT INTO task_search (task_search, rank) VALUES ('merge', ?)", (MERGED_PAGES,)
    )
    return len(some)
