"""What there is to say of a SQLite file without reading all of it."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from taskhold.errors import StartupError
from taskhold.store.appearing import PART
from taskhold.store.condition import MB, Remark, privacy, room, size, warning, well, wrong
from taskhold.store.migrations import HEAD
from taskhold.store.sqlite.exchange import KEPT
from taskhold.store.sqlite.files import wal_of
from taskhold.store.sqlite.opening import revision_of
from taskhold.store.sqlite.store import connect

LARGE_WAL = 256 * MB
FIXED = (3, 51, 3)
FIXED_BRANCHES = {(3, 44): 6, (3, 50): 7}
"""Older branches that got the same fix, and in which release (https://sqlite.org/wal.html)."""
_PRAGMAS = {"synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
"""What each connection of ours has; 2 is FULL."""


def condition(path: Path) -> Iterator[Remark]:
    """The library, the file and its folder, its schema, how it is written."""
    yield _library()
    try:
        revision = revision_of(path)
    except StartupError as error:
        yield wrong("database", str(error), "See docs/care.md: restore a backup, or move the file.")
        if path.is_file():
            yield from _file(path)
        return
    if revision is None:
        yield warning("database", f"There are no tasks at {path} yet", "A start makes the file.")
        return
    yield _schema(path, revision)
    yield from _file(path)
    yield from _beside(path)
    yield room("disk", path.parent, path.stat().st_size)
    yield from _pragmas(path)


def has_the_wal_reset_race(version: tuple[int, ...]) -> bool:
    """Whether a library can damage a file that several connections write, in a rare race."""
    fixed_in = FIXED_BRANCHES.get((version[0], version[1]))
    return version < FIXED and (fixed_in is None or version[2] < fixed_in)


def _library() -> Remark:
    sentence = f"SQLite {sqlite3.sqlite_version}"
    if has_the_wal_reset_race(sqlite3.sqlite_version_info):
        return warning(
            "library",
            f"{sentence} has the WAL-reset race, which can damage a file in rare moments; 3.51.3 "
            "has not",
            "Run one worker and no other program on the file, or take a Python with a newer SQLite "
            "(on Linux x86-64 pip install pysqlite3).",
        )
    return well("library", sentence)


def _schema(path: Path, revision: str) -> Remark:
    if revision == HEAD:
        return well("database", f"{path} has the schema {revision}, {size(path.stat().st_size)}")
    which = f"the schema {revision}" if revision else "the schema of the lesson's app"
    return warning(
        "database", f"{path} has {which}", f"The next start brings it to {HEAD}, after a snapshot."
    )


def _file(path: Path) -> Iterator[Remark]:
    is_private = True
    for each in (path, wal_of(path)):
        if each.exists() and (remark := privacy("permissions", each)):
            is_private = False
            yield remark
    if not os.access(path, os.R_OK | os.W_OK):
        is_private = False
        yield wrong("permissions", f"{path} can't be written by this user", f"chown it: {path}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        is_private = False
        yield wrong(
            "permissions",
            f"The folder {path.parent} can't be written by this user; SQLite keeps its WAL there",
            "Give the server's user the folder.",
        )
    mode = path.parent.stat().st_mode
    if os.name != "nt" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        is_private = False
        yield warning(
            "permissions",
            f"Everybody on this machine may rename and delete files in {path.parent}",
            f"chmod o-w {path.parent}",
        )
    if is_private:
        yield well("permissions", "The file is for its owner alone")
    if path.stat().st_nlink > 1:
        yield wrong(
            "names",
            f"{path} has a second name; whoever opens that one damages it",
            f"Find it (find . -samefile {path}) and remove it.",
        )


def _beside(path: Path) -> Iterator[Remark]:
    wal = wal_of(path).stat().st_size if wal_of(path).exists() else 0
    if wal > LARGE_WAL:
        yield warning(
            "WAL",
            f"{size(wal)} are committed and not written back",
            "A program reads it without end; find it (fuser) and stop it.",
        )
    else:
        yield well("WAL", f"{size(wal)} are committed and not written back yet")
    left = [
        each.name
        for each in path.parent.iterdir()
        if each.name.startswith(path.name)
        and (PART.search(each.name) or each.name.startswith(f"{path.name}-restoring"))
    ]
    if left:
        yield warning(
            "leftovers",
            f"{', '.join(sorted(left))} was never whole; a backup or restore was cut off, or runs",
            "Delete it if none runs.",
        )
    copies = [
        each for each in path.parent.glob(f"{path.name}-before-*") if not each.name.endswith("-wal")
    ]
    if copies:
        together = size(sum(each.stat().st_size for each in copies))
        restored = sum(f"-{KEPT}-" in each.name for each in copies)
        yield well(
            "old copies",
            f"{len(copies)} beside it ({restored} from before a restore), {together}; yours to "
            "keep or delete",
        )


def _pragmas(path: Path) -> Iterator[Remark]:
    try:
        with closing(connect(path, read_only=True)) as connection:
            found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS}
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    except sqlite3.Error as error:
        yield wrong("durability", f"{path} can't be opened: {error}", "Stop what holds it.")
        return
    if found != _PRAGMAS:
        odd = ", ".join(
            f"{name} is {found[name]}" for name in found if found[name] != _PRAGMAS[name]
        )
        yield wrong("durability", f"This SQLite does not do as told: {odd}", "Take another.")
    elif mode != "wal":
        yield well("durability", f"The file is in the mode {mode}; the next start switches to WAL")
    else:
        yield well(
            "durability", "WAL, synchronous FULL, foreign keys on, deleted texts overwritten"
        )
