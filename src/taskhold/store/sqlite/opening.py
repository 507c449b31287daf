"""From a path to a database that can be used: look first, then snapshot, then migrate.

Nothing is written before the look is over, so a file that can't be served stays as it was.
"""

import os
import re
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import structlog

from taskhold.errors import StartupError
from taskhold.store.appearing import appearing, moment, sync
from taskhold.store.migrations import HEAD, REVISIONS, WITHOUT_LIVING_TASKS
from taskhold.store.sqlite import adoption, faults, indexing
from taskhold.store.sqlite.backup import copy_file
from taskhold.store.sqlite.files import wal_of
from taskhold.store.sqlite.lock import WriteLock

CHECK_SECONDS = 0.4
"""How long the start may look for damage."""
NOTICE_SECONDS = 1.0
"""How long another process may have the database before a person is told."""

NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs"),
        *("lustre", "beegfs", "gpfs", "ocfs2", "gfs2", "fuse.sshfs", "fuse.glusterfs"),
        *("fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.davfs", "fuse.gcsfuse"),
    )
)
_OCTAL = re.compile(r"\\([0-7]{3})")
"""How mountinfo writes spaces, tabs, line ends and backslashes."""
MOUNTS = Path("/proc/self/mountinfo")

log = structlog.get_logger()


def prepare(path: Path, lock: WriteLock) -> str:
    """Make `path` a database of this version, and say its lineage. One process at a time does it.

    Raises StartupError for a folder that can't be written, a file that is no database or is
    damaged, one that a newer version made, and one on a network file system.
    """
    lineage = None
    try:
        _check_folder(path)
        if not lock.try_acquire():
            _wait_for(lock, path)
        lineage = _prepare(path)
    except OSError as error:
        raise StartupError(f"{path.parent} can't be written: {error.strerror}") from None
    except sqlite3.Error as error:
        raise explain(path, error) from error
    finally:
        if lineage is None:
            lock.remove()
        else:
            lock.release()
    return lineage


def _wait_for(lock: WriteLock, path: Path) -> None:
    said = "waiting for another process that has the database"
    notice = threading.Timer(NOTICE_SECONDS, log.warning, [said], {"path": str(path)})
    notice.start()
    try:
        lock.acquire()
    finally:
        notice.cancel()


def revision_of(path: Path) -> str | None:
    """What `prepare` would find: empty for the lesson's file, None where there is nothing of ours.

    Writes nothing. Raises StartupError as `prepare` does.
    """
    try:
        _check_folder(path)
        return _look(path)[0] if path.exists() and path.stat().st_size else None
    except OSError as error:
        raise StartupError(f"{path} can't be read: {error.strerror}") from None
    except sqlite3.Error as error:
        raise explain(path, error) from error


def _prepare(path: Path) -> str:
    is_new = _create(path)
    revision, has_a_good_index = _look(path)
    if revision != HEAD:
        snapshot = None if is_new else _take_snapshot(path)
        try:
            adoption.migrate(path)
        except BaseException:
            if snapshot:
                snapshot.unlink()
            raise
    return _switch_on(path, has_a_good_index=has_a_good_index)


def network_file_system(path: Path, mounts: str) -> str | None:
    """The type of the network file system that `path` is on; None where it is a local one.

    `mounts` is the text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
    """
    best, found = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), before.split()[4])
        is_above = path.is_relative_to(point)
        if is_above and len(point) >= len(best):
            best, found = point, after.split()[0]
    return found if found in NETWORK_FILE_SYSTEMS else None


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise StartupError(f"The folder {path.parent} does not exist")
    if path.is_dir():
        raise StartupError(f"{path} is a folder; the database has to be a file")
    if MOUNTS.exists():
        kind = network_file_system(path.parent.resolve(), MOUNTS.read_text())
        if kind:
            raise StartupError(
                f"{path.parent} is on a network file system ({kind}), where SQLite can lose "
                f"data; put the database on a local disk"
            )


def _create(path: Path) -> bool:
    """Make the file, for its owner alone; whether it was new or empty."""
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if not os.access(path, os.R_OK | os.W_OK):
            raise StartupError(f"{path} can't be written: it is read-only for this user")
        return path.stat().st_size == 0
    except OSError as error:
        raise StartupError(f"{path} can't be written: {error.strerror}") from None


def _look(path: Path) -> tuple[str | None, bool]:
    """The revision of the schema; empty for the lesson's file, None where there is none of ours.

    And whether the search index is well. Reads only, but for what SQLite itself does after a crash
    of the program that wrote last.
    """
    with closing(sqlite3.connect(uri_to_look(path), uri=True)) as connection:
        tables = tables_of(connection)
        is_well = _check_for_damage(connection)
        return revision_in(connection, path, tables), is_well


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """The names of all tables, in lower case."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name.lower() for (name,) in found}


def revision_in(connection: sqlite3.Connection, path: Path, tables: set[str]) -> str | None:
    """The revision of the schema; empty for the lesson's file, None where there is none of ours.

    Raises StartupError for a newer one, and for one that can't be brought to this one.
    """
    if "alembic_version" not in tables:
        adoption.check(connection, path, tables)
        return "" if "task" in tables else None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    revision: str | None = row and row[0]
    if revision in WITHOUT_LIVING_TASKS:
        adoption.check_names(connection, path, tables, revision)
    if revision not in REVISIONS:
        raise StartupError(
            f"{path} was written by a newer Taskhold (its schema is {revision}); start that version"
        )
    return revision


def uri_to_look(path: Path) -> str:
    """How to open the file for reading, leaving nothing beside it (https://sqlite.org/uri.html)."""
    if path.with_name(f"{path.name}-journal").exists():
        mode = "rw"  # the program that wrote last crashed, and its journal has to be rolled back
    elif not wal_of(path).exists() and _in_wal_mode(path):
        mode = "ro&immutable=1"  # nobody has it open, and a WAL would be made just to look
    else:
        mode = "ro"
    return f"file:{quote(str(path))}?mode={mode}"


def _in_wal_mode(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"  # https://sqlite.org/fileformat2.html


def _check_for_damage(connection: sqlite3.Connection) -> bool:
    """`PRAGMA quick_check`, for as long as a start may take; a large file is checked in part.

    False where nothing but the search index is damaged.
    """
    until = time.monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    try:
        verdicts = [verdict for (verdict,) in connection.execute("PRAGMA quick_check(20)")]
    except sqlite3.OperationalError as error:
        if faults.primary_code(error) != faults.INTERRUPT:
            raise
        return True
    finally:
        connection.set_progress_handler(None, 0)
    bad = [verdict for verdict in verdicts if verdict != "ok"]
    for verdict in bad:
        if not faults.is_of_the_index(verdict):
            raise sqlite3.DatabaseError(verdict.splitlines()[-1])
    return not bad


def _take_snapshot(path: Path) -> Path:
    snapshot = path.with_name(f"{path.name}-before-{HEAD}-{moment()}")
    with appearing(snapshot) as part:
        copy_file(path, part)
    log.warning("the database is changed to this version's schema", snapshot=str(snapshot))
    return snapshot


def _switch_on(path: Path, *, has_a_good_index: bool) -> str:
    """WAL mode, which the file remembers; then the row about the database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StartupError(f"{path} can't be used in WAL mode (it stays {mode})")
        lineage: str = connection.execute("SELECT lineage FROM database").fetchone()[0]
        if not has_a_good_index:
            log.warning("the search index is damaged and is made anew", path=str(path))
            connection.execute("BEGIN IMMEDIATE")
            indexing.forget(connection)
            connection.execute("COMMIT")
        while adoption.is_behind(connection):
            connection.execute("BEGIN IMMEDIATE")
            adoption.fold_titles(connection)
            connection.execute("COMMIT")
    sync(path.parent)
    return lineage


def explain(path: Path, error: sqlite3.Error) -> StartupError:
    """What an error of SQLite means, in a sentence about the file."""
    code = faults.primary_code(error)
    if code == faults.NOTADB:
        return StartupError(f"{path} is not a SQLite database; it was left as it is")
    if faults.is_full(error, path.parent):
        return StartupError(f"The disk that holds {path} is full")
    if faults.is_busy(error):
        return StartupError(f"{path} is locked by another program; stop it, then start again")
    if code in (faults.CORRUPT, 0):
        return StartupError(f"{path} is damaged ({error}) and was left as it is; restore a backup")
    return StartupError(f"{path} can't be opened: {error}")
