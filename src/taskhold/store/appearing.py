"""A file that appears under its name when it is whole, and not before."""

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from taskhold.errors import StartupError

PART = re.compile(r"\.part-[0-9a-f]{8}(-journal|-wal|-shm)?$")
"""How the names of files end that are not whole yet, or were left behind by a crash."""


@contextmanager
def appearing(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A new file beside `path`, for its owner alone; at the end of the block it gets that name.

    An error in the block takes it away again, and what is at `path` stays. Raises StartupError
    where something is there already and is not to be overwritten, before the block or after it.
    """
    _refuse(path, overwrite=overwrite)
    part = path.with_name(f"{path.name}.part-{secrets.token_hex(4)}")
    try:
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        yield part
        sync(part)
        _give_name(part, path, overwrite=overwrite)
        sync(path.parent)
    except OSError as error:
        raise StartupError(f"{path} can't be written: {error.strerror}") from error
    finally:
        for each in (part, *part.parent.glob(f"{part.name}-*")):
            with suppress(OSError):
                each.unlink()


def _refuse(path: Path, *, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise StartupError(f"The folder {path.parent} does not exist")
    if path.is_dir():
        raise StartupError(f"{path} is a folder; name a file")
    if os.path.lexists(path) and not overwrite:
        raise StartupError(f"{path} is there already; --overwrite replaces it")


def _give_name(part: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        part.replace(path)
        return
    try:
        os.link(part, path)  # unlike rename(2) it fails where the name is taken meanwhile
    except FileExistsError:
        _refuse(path, overwrite=False)
        raise
    except OSError:  # a file system without second names
        _refuse(path, overwrite=False)
        part.rename(path)


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk (fsync(2)).

    Never a database that is open: closing a descriptor of it would drop the locks of connections in
    this process (https://sqlite.org/howtocorrupt.html, section 2.2).
    """
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """fsync(2); on macOS the one that does not stop at the disk's own cache."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def unused(folder: Path, name: str, suffix: str = "") -> Path:
    """A name with the present time in it that is not used yet."""
    for number in count(1):
        again = f"-{number}" if number > 1 else ""
        path = folder / f"{name}-{moment()}{again}{suffix}"
        if not os.path.lexists(path):
            return path
    raise AssertionError


def moment() -> str:
    """The present in UTC, for the name of a file."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
