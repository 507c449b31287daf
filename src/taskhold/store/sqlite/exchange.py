"""Another file in the place of a database that nobody uses: at each moment the old one or the new.

hold ── nobody has it open ──> second name for the old one ──> the new one takes its name
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from taskhold.errors import StartupError
from taskhold.store.appearing import sync, unused
from taskhold.store.sqlite import faults
from taskhold.store.sqlite.files import wal_of
from taskhold.store.sqlite.lock import WriteLock

TURN_SECONDS = 1.0
"""How long a process that is stopping may take to let go."""
KEPT = "before-restore"


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A database that nobody else has open, and nobody can open meanwhile; no WAL is beside it.

    None where there is no file, or where it is no database any more. Raises StartupError while
    anybody uses it.
    """
    lock = WriteLock(path)
    in_use = StartupError(
        f"{path} is in use: stop the server, and whatever else has it open, and try again"
    )
    try:
        until = time.monotonic() + TURN_SECONDS
        while not lock.try_acquire():
            if time.monotonic() > until:
                raise in_use
            time.sleep(0.05)
        connection = _alone(path, in_use) if path.exists() else None
        try:
            yield connection
        finally:
            if connection is not None:
                connection.close()
    finally:
        lock.remove()


def _alone(path: Path, in_use: StartupError) -> sqlite3.Connection | None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=TURN_SECONDS)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # Fails where anybody else has it open; else writes the WAL back and takes it away: it would
        # be taken for the new file's (https://sqlite.org/howtocorrupt.html, section 1.4).
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        connection.close()
        if faults.is_busy(error):
            raise in_use from None
        if not faults.is_damage(error):
            raise
        return None
    return connection


def exchange(path: Path, new: Path) -> Path | None:
    """Give `path` to the file `new`; where the old one is kept, None where there is none.

    To be called while `path` is held.
    """
    kept = None
    if path.exists():
        kept = unused(path.parent, f"{path.name}-{KEPT}")
        _keep(path, kept)
        sync(path.parent)
    new.replace(path)
    sync(path.parent)
    return kept


def belong_as_before(path: Path, new: Path) -> None:
    """Give the new file to whom the old one belongs, where root restores for a server's user."""
    if os.name != "nt" and os.geteuid() == 0:
        owner = (path if path.exists() else path.parent).stat()
        os.chown(new, owner.st_uid, owner.st_gid)


def forget_second_names(path: Path) -> None:
    """Take away what a restore left that was cut off between the old file and the new one.

    SQLite may not open a file by two names (https://sqlite.org/howtocorrupt.html, section 2.5).
    """
    if not path.exists() or path.stat().st_nlink == 1:
        return
    for other in path.parent.glob(f"{path.name}-{KEPT}-*"):
        if other.samefile(path):
            other.unlink()


def _keep(path: Path, kept: Path) -> None:
    wal = wal_of(path)
    if wal.exists():  # only where it is no database any more: else the WAL was written back
        shutil.copyfile(wal, wal_of(kept))
        wal.unlink()
    with suppress(FileNotFoundError):
        path.with_name(f"{path.name}-shm").unlink()
    try:
        os.link(path, kept)
    except OSError:  # a file system without second names
        shutil.copyfile(path, kept)
        kept.chmod(0o600)
        with kept.open("rb+") as file:
            os.fsync(file.fileno())
