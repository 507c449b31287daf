"""One moment of a file that others go on writing, as another file.

By SQLite's online backup, page for page, so that what is checked in the copy is what is served:
VACUUM INTO would write every table and index anew and hide what is damaged in them
(`docs/decisions/0028-backups.md`).
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from taskhold.store.appearing import sync_descriptor

PAGES = 1024
"""How many are copied before Ctrl-C and the progress are looked at."""
STEPS_TO_SYNC = 8
"""After how many of those what was written is put on the disk. One fsync of everything at the end
would make the commits of others wait for it."""

Copied = Callable[[int, int], None]
"""Told how many pages of how many are there."""


def copy_file(source: Path, target: Path, copied: Copied | None = None) -> None:
    """Fill `target`, an empty file, with one moment of a database; sqlite3.Error."""
    with closing(sqlite3.connect(f"file:{quote(str(source))}?mode=rw", uri=True)) as connection:
        copy_connection(connection, target, copied)


def copy_connection(
    connection: sqlite3.Connection, target: Path, copied: Copied | None = None
) -> None:
    """The same from a connection, which is in no transaction."""
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA query_only = ON")
    # A transaction of our own: without it the copy would begin anew with each commit of another
    # process (https://sqlite.org/c3ref/backup_finish.html). In WAL mode it holds up no writer.
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    descriptor = os.open(target, os.O_RDWR | os.O_CLOEXEC)
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = OFF")  # one that is not whole is thrown away
            copy.execute("PRAGMA synchronous = OFF")
            steps = 0

            def step(_: int, remaining: int, total: int) -> None:
                nonlocal steps
                steps += 1
                if steps % STEPS_TO_SYNC == 0:
                    sync_descriptor(descriptor)
                if copied is not None:
                    copied(total - remaining, total)

            connection.backup(copy, pages=PAGES, progress=step)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, which needs no others
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
