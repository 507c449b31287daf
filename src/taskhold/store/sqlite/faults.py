"""What SQLite's error codes mean for the person who asked (https://sqlite.org/rescode.html)."""

import errno
import shutil
import sqlite3
from pathlib import Path

from taskhold.errors import ACCOUNT_REMOVED, Problem, StorageFull, Unauthenticated, Unavailable

BUSY, LOCKED, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB = (
    5,
    6,
    8,
    9,
    10,
    11,
    13,
    14,
    26,
)
FOREIGN_KEY = "FOREIGN KEY constraint failed"
"""SQLite's words; pysqlite3 doesn't tell the extended code."""
DISK_FAILS = "The disk that holds the database fails; nothing was saved."
SMALLEST_FREE = 32 * 1024
"""Bytes of free space below which an I/O error means a full disk: the size of a `-shm` file."""


def primary_code(error: sqlite3.Error) -> int:
    """The error's primary result code; 0 where the library gives none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock."""
    return primary_code(error) in (BUSY, LOCKED)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is not what SQLite wrote."""
    return primary_code(error) in (CORRUPT, NOTADB) and not is_of_the_index(str(error))


def is_of_the_index(message: str) -> bool:
    """Whether what SQLite says is damaged is the search index, which can be made anew."""
    return "fts5" in message.lower()


def is_full(error: sqlite3.Error, folder: Path) -> bool:
    """Whether the disk of `folder` is full. A `-shm` file that can't grow is an I/O error only."""
    code = primary_code(error)
    return code == FULL or (code == IOERR and shutil.disk_usage(folder).free < SMALLEST_FREE)


def problem_from(  # noqa: PLR0911
    error: sqlite3.Error | OSError, folder: Path
) -> Problem | None:
    """The problem that this failure of the database is; None where it is a mistake of ours."""
    if isinstance(error, OSError):
        return StorageFull() if error.errno == errno.ENOSPC else Unavailable(DISK_FAILS)
    if is_full(error, folder):
        return StorageFull()
    if str(error) == FOREIGN_KEY:
        return Unauthenticated(ACCOUNT_REMOVED)
    if is_busy(error):
        return Unavailable("The database is locked by another program; nothing was saved.")
    if is_damage(error):
        return Unavailable("The database file is damaged; restore a backup.")
    if primary_code(error) == CORRUPT:
        return Unavailable("The search index is damaged; `taskhold reindex` makes it anew.")
    if primary_code(error) in (IOERR, READONLY, CANTOPEN):
        return Unavailable(DISK_FAILS)
    return None
