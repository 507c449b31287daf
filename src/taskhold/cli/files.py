"""Files that a command reads and writes; `-` is standard input and output."""

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from taskhold.errors import StartupError
from taskhold.store.sqlite.opening import sync

STANDARD = "-"
Write = Callable[[bytes], None]


@contextmanager
def output(path: str) -> Iterator[Write]:
    """Writes into a file of its owner's alone, which gets its name when it is whole and on disk.

    After a failure there is what was there before. Raises StartupError where it can't be written.
    """
    if path == STANDARD:
        with _standard_output() as write:
            yield write
        return
    target = Path(path).resolve()
    with _explained(path):
        if target.is_dir():
            raise StartupError(f"{path} is a folder", exit_code=2)
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with target.open("wb") as device:
                yield _explaining(device.write, path)
            return
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb", buffering=1024 * 1024) as file:
                yield _explaining(file.write, path)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
        sync(target.parent)


@contextmanager
def source(path: str) -> Iterator[tuple[BinaryIO, int]]:
    """A file to read, and how many bytes it has; 0 where that is not known."""
    if path == STANDARD:
        if sys.stdin.isatty():
            raise StartupError("there is nothing on standard input", exit_code=2)
        yield sys.stdin.buffer, 0
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise StartupError(f"{path} can't be read: {error.strerror}") from None
    with file:
        yield file, os.fstat(file.fileno()).st_size


@contextmanager
def _standard_output() -> Iterator[Write]:
    try:
        yield _explaining(sys.stdout.buffer.write, "standard output")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _forget_standard_output()
        raise StartupError("nobody reads standard output any more") from None


def _forget_standard_output() -> None:
    """Else Python writes what is left to it when it ends, and fails aloud."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explaining(write: Callable[[bytes], int], name: str) -> Write:
    """An error of the file is none of the database, in whose block it is written."""

    def explained(data: bytes) -> None:
        try:
            write(data)
        except BrokenPipeError:
            _forget_standard_output()
            raise StartupError("nobody reads standard output any more") from None
        except OSError as error:
            raise StartupError(f"{name} can't be written: {error.strerror}") from None

    return explained


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StartupError(f"{path} can't be written: {error.strerror}") from None
