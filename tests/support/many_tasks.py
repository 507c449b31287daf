"""Many tasks with their journal, made by SQL: over HTTP a million would take minutes."""

import sqlite3
from contextlib import closing
from pathlib import Path

from taskhold.searching import searched
from taskhold.store import open_store

_ROWS = """
WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {count}),
named(i, title) AS (SELECT i, 'Prüfe Nummer ' || (i * 7919 % {count}) FROM number)
INSERT INTO task (title, title_folded, search_text, position, done, created_at, updated_at,
    completed_at, version)
SELECT title, replace(lower(title), 'ü', 'u'), searched(title), 'n' || printf('%014d', i),
    i % 3 = 0, {time}, {time}, CASE WHEN i % 3 = 0 THEN {time} END, 1 FROM named
"""
_TIME = """
strftime('%Y-%m-%d %H:%M:%S.', 'now', (i - {count}) || ' seconds') || printf('%06d', i % 1000000)
"""
"""One a second, and the last one now: nothing is forgotten by age."""
_JOURNAL = """
INSERT INTO change (owner_id, seq, at, actor, action, kind, object_id, after, operation)
SELECT 1, id, created_at, 'open', 'create', 'task', id, json_object(
    'id', id, 'title', title, 'done', json(iif(done, 'true', 'false')),
    'completed_at', replace(completed_at, ' ', 'T') || 'Z',
    'notes', '', 'due', NULL, 'priority', 'none', 'tags', json('[]'),
    'list_id', NULL, 'parent_id', NULL, 'position', position,
    'created_at', replace(created_at, ' ', 'T') || 'Z',
    'updated_at', replace(updated_at, ' ', 'T') || 'Z', 'version', version), id FROM task
"""


def make_many_tasks(path: Path, count: int) -> str:
    """The URL of a new file with so many tasks, each with the change that created it."""
    url = f"sqlite:///{path}"
    with closing(open_store(url)) as store:
        store.open()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("searched", 1, lambda title: searched(title, ""))
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute(_ROWS.format(count=count, time=_TIME.format(count=count)))
        connection.execute(_JOURNAL)
    return url
