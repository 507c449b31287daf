"""Files that a command reads and writes; `-` is standard input and output."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from taskhold.errors import StartupError
from taskhold.store.appearing import appearing

STANDARD = "-"
BUFFER_BYTES = 1024 * 1024
Write = Callable[[bytes], None]


@contextmanager
def output(path: str, *, overwrite: bool) -> Iterator[Write]:
    """Writes into a file of its owner's alone, which gets its name when it is whole and on disk.

    Raises StartupError where it can't be written. An error of the file is none of the database's,
    in whose block it is written.
    """
    if path == STANDARD:
        yield _explaining(sys.stdout.buffer.write, "standard output")
        _explaining(lambda _: sys.stdout.buffer.flush(), "standard output")(b"")
        return
    target = Path(path).resolve()
    if target.exists() and not (stat.S_ISREG(target.stat().st_mode) or target.is_dir()):
        with target.open("wb", buffering=0) as device:
            yield _explaining(device.write, path)
        return
    with (
        appearing(target, overwrite=overwrite) as part,
        part.open("wb", buffering=BUFFER_BYTES) as file,
    ):
        yield _explaining(file.write, path)


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


def _explaining(write: Callable[[bytes], object], name: str) -> Write:
    def explained(data: bytes) -> None:
        try:
            write(data)
        except BrokenPipeError:
            # Else Python writes what is left to it when it ends, and fails aloud.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise StartupError("nobody reads standard output any more") from None
        except OSError as error:
            raise StartupError(f"{name} can't be written: {error.strerror}") from None

    return explained
