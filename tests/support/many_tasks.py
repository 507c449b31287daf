"""Many tasks with their journal, made by SQL: over HTTP a million would take minutes."""

import sqlite3
from contextlib import closing
from pathlib import Path

from taskhold.store import open_store

_ROWS = """
WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {count})
INSERT INTO task (title, title_folded, done, created_at, updated_at, completed_at, version)
SELECT 'Prüfe Nummer ' || i * 7919 % {count}, 'prufe nummer ' || i * 7919 % {count},
    i % 3 = 0, {time}, {time}, CASE WHEN i % 3 = 0 THEN {time} END, 1 FROM number
"""
_TIME = "strftime('%Y-%m-%d %H:%M:%S.', 1.7e9 + i, 'unixepoch') || printf('%06d', i % 1000000)"
_JOURNAL = """
INSERT INTO change (owner_id, seq, at, actor, action, kind, object_id, after, operation)
SELECT 1, id, created_at, 'open', 'create', 'task', id, json_object(
    'id', id, 'title', title, 'done', json(iif(done, 'true', 'false')),
    'completed_at', replace(completed_at, ' ', 'T') || 'Z',
    'created_at', replace(created_at, ' ', 'T') || 'Z',
    'updated_at', replace(updated_at, ' ', 'T') || 'Z', 'version', version), id FROM task
"""


def make_many_tasks(path: Path, count: int) -> str:
    """The URL of a new file with so many tasks, each with the change that created it."""
    url = f"sqlite:///{path}"
    with closing(open_store(url)) as store:
        store.open()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute(_ROWS.format(count=count, time=_TIME))
        connection.execute(_JOURNAL)
    return url
