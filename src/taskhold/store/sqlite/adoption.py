"""Files that other programs write: the lesson's app, before Taskhold and beside it.

A file that the lesson's app made is adopted in place. Afterwards that app, or anything that knows
the lesson's columns, may go on writing it: defaults fill in our columns, and triggers write the
journal as the actor `outside`, in the transaction of the write. Our own writes set `version`
themselves and journal a delete before they do it, which is how the triggers tell them apart.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from taskhold.errors import StartupError
from taskhold.folding import fold_title
from taskhold.searching import searched
from taskhold.store.migrations import WITHOUT_LIVING_TASKS, upgrade
from taskhold.store.sqlite import indexing
from taskhold.store.sqlite.rebuild import rebuild

NOW = "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
"""The present in UTC, as SQLAlchemy writes a `DATETIME`: SQLite has milliseconds only."""

_TEXT = ("VARCHAR", "TEXT", "CHAR", "NVARCHAR", "STRING")
_TIME = ("DATETIME", "TIMESTAMP")
_NUMBER = ("INTEGER", "BIGINT", "INT")
_TYPES = {
    "id": ("INTEGER",),
    "title": _TEXT,
    "done": ("BOOLEAN", "BOOL"),
    "created_at": _TIME,
    "updated_at": _TIME,
    "completed_at": _TIME,
    "version": _NUMBER,
    "owner_id": _NUMBER,
    "title_folded": _TEXT,
}
OUR_COLUMNS = {
    "id": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
    "created_at": f"DATETIME DEFAULT {NOW} NOT NULL",
    "updated_at": f"DATETIME DEFAULT {NOW} NOT NULL",
    "completed_at": "DATETIME",
    "version": "INTEGER DEFAULT 0 NOT NULL",
    "owner_id": "INTEGER DEFAULT 1 NOT NULL REFERENCES account (id)",
    "title_folded": "TEXT DEFAULT '' NOT NULL",
}
"""As the first migration makes them on SQLite."""
_OUR_TABLES = {
    "0001": {"database", "account", "change", "kept_answer"},
    "0003": {"setup_code", "session", "browser", "login_attempt", "token", "audit_entry"},
    "0004": {"list", "task_tag", "trashed_task", *indexing.TABLES},
    "0005": {"imported"},
}
"""Beside `task`, by the revision that makes them."""
_ADDED = frozenset(
    (
        *("notes", "due", "due_up", "due_down", "priority", "tags", "list_id", "parent_id"),
        *("position", "search_text"),
    )
)
"""Columns that later migrations add; what another program keeps under such a name is its own."""

_WITHOUT_ROWID = "SELECT 1 FROM pragma_index_list('task') WHERE origin = 'pk'"


def check(connection: sqlite3.Connection, path: Path, tables: set[str]) -> None:
    """Raises StartupError where a file without our schema can't be adopted. Reads only."""
    check_names(connection, path, tables)
    if "task" not in tables:
        return
    columns = {
        name.lower(): (declared.partition("(")[0].strip().upper(), primary)
        for _, name, declared, _, _, primary in connection.execute("PRAGMA table_info(task)")
    }
    for name in ("id", "title", "done"):
        if name not in columns:
            raise StartupError(f"{path} has a table “task” without a column “{name}”")
    for name, (declared, _) in columns.items():
        if declared not in _TYPES.get(name, (declared,)):
            raise StartupError(
                f"{path}: the column “{name}” of the table “task” is {declared or 'untyped'}, "
                f"but Taskhold needs {_TYPES[name][0]}; rename that column, then start again"
            )
    keys = [name for name, (_, primary) in columns.items() if primary]
    if keys != ["id"] or connection.execute(_WITHOUT_ROWID).fetchone():
        raise StartupError(f"{path}: the column “id” of the table “task” is not its rowid")


def check_names(
    connection: sqlite3.Connection, path: Path, tables: set[str], revision: str = ""
) -> None:
    """Raises StartupError where another program has what a later revision is to make."""
    for since, ours in _OUR_TABLES.items():
        if since > revision and (taken := sorted(ours & tables)):
            raise StartupError(
                f"{path} has a table “{taken[0]}” of another program; name another file"
            )
    if revision not in ("", *WITHOUT_LIVING_TASKS):
        return  # these columns are ours
    names = [name.lower() for _, name, *_ in connection.execute("PRAGMA table_info(task)")]
    if taken := [name for name in names if name in _ADDED]:
        raise StartupError(
            f"{path}: the table “task” has a column “{taken[0]}” of another program, and Taskhold "
            "needs that name; rename the column, then start again"
        )


def migrate(path: Path) -> None:
    """Bring the schema up to date, in one transaction: all of it or nothing (sqlite3.Error)."""
    with closing(sqlite3.connect(path, isolation_level=None)) as driver_connection:
        driver_connection.execute("PRAGMA synchronous = FULL")
        driver_connection.execute("PRAGMA foreign_keys = OFF")  # else DROP TABLE would cascade
        # Views and triggers may name the table that is rebuilt.
        driver_connection.execute("PRAGMA legacy_alter_table = ON")
        engine = sa.create_engine(
            "sqlite://", creator=lambda: driver_connection, poolclass=sa.StaticPool
        )
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                upgrade(connection)
                connection.commit()
        except sa.exc.DBAPIError as error:
            raise error.orig or error from None


def extend_table(connection: sa.Connection) -> None:
    """Rebuild the lesson's `task` with our columns and AUTOINCREMENT; all else of it stays."""
    rebuild(connection.exec_driver_sql, "task", OUR_COLUMNS, key="id")


_FIRST_JSON = (
    "json_object('id', id, 'title', title, "
    "'done', json(CASE WHEN done THEN 'true' ELSE 'false' END), "
    "'completed_at', replace(completed_at, ' ', 'T') || 'Z', "
    "'created_at', replace(created_at, ' ', 'T') || 'Z', "
    "'updated_at', replace(updated_at, ' ', 'T') || 'Z', 'version', version)"
)
"""A task as the first revision of the schema had it; a later one completes it."""


def journal_everything(connection: sa.Connection) -> None:
    """Journal each row of an adopted `task` as created, by what is known of it."""
    execute = connection.exec_driver_sql
    execute(f"UPDATE task SET created_at = {_as_time('created_at')}")
    execute(
        "UPDATE task SET version = 1, updated_at = created_at, "
        "completed_at = CASE WHEN done THEN created_at END"
    )
    execute(
        "INSERT INTO change (owner_id, seq, at, actor, action, kind, object_id, after, operation) "
        f"SELECT 1, row_number() OVER (ORDER BY id), {NOW}, 'outside', 'create', 'task', id, "
        f"{_FIRST_JSON}, row_number() OVER (ORDER BY id) FROM task ORDER BY id"
    )


def create_triggers(connection: sa.Connection) -> None:
    """Make the triggers that journal what other programs write.

    A task that is deleted leaves its subtasks at the top. They are journaled before it, as if they
    had been moved first: so undoing it puts it back before them.
    """
    below = "FROM task WHERE owner_id = OLD.owner_id AND parent_id = OLD.id"
    operation = (
        "(SELECT operation FROM trashed_task WHERE owner_id = OLD.owner_id AND task_id = OLD.id)"
    )
    changed = "NEW.title IS NOT OLD.title OR NEW.done IS NOT OLD.done"
    this_row = "FROM task WHERE id = NEW.id"
    last_action = (
        "(SELECT action FROM change WHERE owner_id = OLD.owner_id AND kind = 'task' "
        "AND object_id = OLD.id ORDER BY seq DESC LIMIT 1)"
    )
    for statement in (
        f"""
        CREATE TRIGGER task_inserted_outside AFTER INSERT ON task WHEN NEW.version = 0 BEGIN
            UPDATE task SET version = 1, title_folded = '', search_text = lower(NEW.title),
                position = 'n' || printf('%014d', NEW.id),
                created_at = {_as_time("created_at")}, updated_at = {NOW},
                completed_at = CASE WHEN NEW.done THEN {NOW} END WHERE id = NEW.id;
            {_journal("create", "NULL", this_row)}
        END""",
        f"""
        CREATE TRIGGER task_updated_outside AFTER UPDATE OF title, done ON task
        WHEN NEW.version = OLD.version AND ({changed}) BEGIN
            UPDATE task SET version = OLD.version + 1, title_folded = '',
                search_text = lower(NEW.title)
                    || substr(OLD.search_text, instr(OLD.search_text || char(10), char(10))),
                updated_at = max({NOW}, OLD.updated_at),
                completed_at = CASE WHEN NOT NEW.done THEN NULL
                    WHEN OLD.done THEN OLD.completed_at ELSE {NOW} END WHERE id = NEW.id;
            UPDATE task_tag SET done = NEW.done
                WHERE owner_id = NEW.owner_id AND task_id = NEW.id;
            {_journal("update", _as_json("OLD"), this_row)}
        END""",
        f"""
        CREATE TRIGGER task_deleted_outside AFTER DELETE ON task
        WHEN {last_action} IS NOT 'delete' BEGIN
            INSERT INTO change (owner_id, seq, at, actor, action, kind, object_id, before,
                operation)
            SELECT OLD.owner_id, newest + 1 + (SELECT count(*) {below}), {NOW}, 'outside',
                'delete', 'task', OLD.id, {_as_json("OLD")}, newest + 1
                FROM (SELECT coalesce(max(seq), 0) AS newest FROM change
                    WHERE owner_id = OLD.owner_id);
            INSERT OR REPLACE INTO trashed_task
                (owner_id, task_id, seq, operation, deleted_at, body)
            SELECT owner_id, object_id, seq, operation, at, before FROM change
                WHERE owner_id = OLD.owner_id AND seq = (SELECT max(seq) FROM change
                    WHERE owner_id = OLD.owner_id);
            DELETE FROM task_tag WHERE owner_id = OLD.owner_id AND task_id = OLD.id;
            INSERT INTO change (owner_id, seq, at, actor, action, kind, object_id, before, after,
                operation)
            SELECT owner_id, {operation} - 1 + row_number() OVER (ORDER BY id), {NOW}, 'outside',
                'update', 'task', id, {_AS_JSON}, json_set({_AS_JSON}, '$.parent_id', NULL,
                '$.updated_at', replace(max({NOW}, updated_at), ' ', 'T') || 'Z',
                '$.version', version + 1), {operation} {below};
            UPDATE task SET parent_id = NULL, version = version + 1,
                updated_at = max({NOW}, updated_at)
                WHERE owner_id = OLD.owner_id AND parent_id = OLD.id;
        END""",
    ):
        connection.exec_driver_sql(statement)


def drop_triggers(connection: sa.Connection) -> None:
    """Drop them, before a revision makes them anew."""
    for event in ("inserted", "updated", "deleted"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS task_{event}_outside")


def fold_titles(connection: sqlite3.Connection) -> None:
    """Fold what other programs wrote, which no trigger can, in the transaction that is open."""
    unfolded = connection.execute(
        f"SELECT id, title, notes, tags FROM task WHERE {UNFOLDED} LIMIT {FOLDED_AT_ONCE}"
    ).fetchall()
    connection.executemany(
        "UPDATE task SET title_folded = ?, search_text = ? WHERE id = ? AND title = ?",
        [
            (fold_title(title), searched(title, notes, *json.loads(tags)), task_id, title)
            for task_id, title, notes, tags in unfolded
        ],
    )


def is_behind(connection: sqlite3.Connection) -> bool:
    """Whether another program has written what is not folded yet."""
    (behind,) = connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM task WHERE {UNFOLDED})"
    ).fetchone()
    return bool(behind)


UNFOLDED = "owner_id = 1 AND title_folded = '' AND title <> ''"
FOLDED_AT_ONCE = 500


def _journal(action: str, before: str, source: str) -> str:
    seq = "(SELECT coalesce(max(seq), 0) + 1 FROM change WHERE owner_id = NEW.owner_id)"
    return f"""
            INSERT INTO change (owner_id, seq, at, actor, action, kind, object_id,
                before, after, operation)
            SELECT NEW.owner_id, {seq}, {NOW}, 'outside', '{action}', 'task', NEW.id,
                {before}, {_AS_JSON}, {seq} {source};"""


def _as_json(row: str) -> str:
    """SQL for a row of `task` as the API shows it."""

    def stamp(column: str) -> str:
        return f"replace({row}.{column}, ' ', 'T') || 'Z'"

    return (
        f"json_object('id', {row}.id, 'title', {row}.title, "
        f"'done', json(CASE WHEN {row}.done THEN 'true' ELSE 'false' END), "
        f"'completed_at', {stamp('completed_at')}, 'notes', {row}.notes, 'due', {row}.due, "
        f"'priority', CASE {row}.priority WHEN 1 THEN 'low' WHEN 2 THEN 'medium' "
        f"WHEN 3 THEN 'high' ELSE 'none' END, 'tags', json({row}.tags), "
        f"'list_id', {row}.list_id, 'parent_id', {row}.parent_id, 'position', {row}.position, "
        f"'created_at', {stamp('created_at')}, 'updated_at', {stamp('updated_at')}, "
        f"'version', {row}.version)"
    )


_AS_JSON = _as_json("task")


def _as_time(column: str) -> str:
    """SQL for a time that another program wrote in the form in which we keep times."""
    digits = "????-??-?? ??:??:??.??????".replace("?", "[0-9]")
    parsed = f"strftime('%Y-%m-%d %H:%M:%f000', {column})"
    return f"CASE WHEN {column} GLOB '{digits}' THEN {column} ELSE coalesce({parsed}, {NOW}) END"
