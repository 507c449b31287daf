"""The tripwire: the database and its WAL have to stay the files that were opened.

Somebody may delete or replace them under us: `rm tasks.db*`, or another copy of the SQLite library
in this process that closes its last connection. What is committed then goes to a file without a
name, and is gone with the process.
"""

import os
from contextlib import suppress
from pathlib import Path

FILES_GONE = (
    "The database file or its WAL was deleted or replaced while the server ran, so nothing is "
    "saved any more. Stop every program that uses the database, then start the server again."
)


def wal_of(database: Path) -> Path:
    """Where SQLite keeps the write-ahead log of a database."""
    return database.with_name(f"{database.name}-wal")


class OpenFiles:
    """The two files as they were when they were opened."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._wal = wal_of(database)
        self._database_then = database.stat()
        self._wal_then = self._wal.stat()

    @property
    def folder(self) -> Path:
        """The folder that both are in."""
        return self._database.parent

    def wal_size(self) -> int | None:
        """The WAL's size in bytes; None where it or the database is no longer the same file."""
        with suppress(FileNotFoundError):
            now = self._wal.stat()
            if os.path.samestat(now, self._wal_then) and self._same_database():
                return now.st_size
        return None

    def only_wal_is_gone(self) -> bool:
        """Whether the WAL lost its name, the database did not, and there is no other WAL."""
        with suppress(FileNotFoundError):
            return self._same_database() and not self._wal.exists()
        return False

    def _same_database(self) -> bool:
        return os.path.samestat(self._database.stat(), self._database_then)
