"""Disks that fail when a test says so."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

QUICK = Path("/dev/shm")  # noqa: S108
ROOM = 4 << 30


def quick_folder() -> str | None:
    """Where files are in memory, if there is much room and programs may lie there, too.

    A sync costs nothing there. Nothing is weakened: what a process has written is there when it
    is killed, and no test cuts the power. What happens before and after a sync is tested by
    `FailingDisk`.
    """
    try:
        there = os.statvfs(QUICK)
    except OSError:
        return None
    runs_programs = not there.f_flag & getattr(os, "ST_NOEXEC", 0)
    is_large = there.f_bavail * there.f_frsize >= ROOM
    return str(QUICK) if is_large and runs_programs and os.access(QUICK, os.W_OK) else None


class FailingDisk:
    """The disk under a server's SQLite: `serve(**disk.variables)`, then `with disk.fault(…)`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.faults = folder
        paths = [str(Path(__file__).parent / "failing_disk"), os.environ.get("PYTHONPATH", "")]
        self.variables = {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "DISK_FAULTS": str(folder),
        }

    @contextmanager
    def fault(self, name: str, spared: int = 0) -> Iterator[None]:
        """Until the block ends: `sync-waits`, `sync-fails` or `full` (no write succeeds).

        `sync-fails-once` and `read-fails-once` end by themselves, after `spared` good calls.
        """
        (self.faults / name).write_text(str(spared))
        try:
            yield
        finally:
            (self.faults / name).unlink(missing_ok=True)

    def has_failed_once(self) -> bool:
        """Whether the fault that happens once has happened."""
        return not any(self.faults.glob("*-once"))

    def wait_for_a_sync(self) -> None:
        """Wait until a sync is held up by `sync-waits`."""
        until = time.monotonic() + 20
        while not (self.faults / "sync-is-waiting").exists():
            assert time.monotonic() < until, "nothing was synced"
            time.sleep(0.005)
        (self.faults / "sync-is-waiting").unlink()


class SmallDisk(Protocol):
    """A disk that can be filled."""

    folder: Path
    variables: dict[str, str]

    def fill(self, leaving: int) -> None:
        """Fill it but for about so many bytes."""

    def free(self) -> None:
        """Make room again."""


class SmallTmpfs:
    """A tmpfs of 4 MB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, str] = {}

    def fill(self, leaving: int) -> None:
        ballast = self.folder / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        os.truncate(ballast, max(0, ballast.stat().st_size - leaving))

    def free(self) -> None:
        (self.folder / "ballast").unlink()


class PretendedSmallDisk:
    """SQLite is told that the disk is full."""

    def __init__(self, folder: Path, disk: FailingDisk) -> None:
        self.folder = folder
        self.variables = disk.variables
        self._full = disk.faults / "full"

    def fill(self, leaving: int) -> None:  # noqa: ARG002  at the first byte
        self._full.touch()

    def free(self) -> None:
        self._full.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A tmpfs at `folder` where this user may mount one, else the pretended disk."""
    folder.mkdir()
    mount = shutil.which("mount") or "mount"
    command = [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        yield PretendedSmallDisk(folder, FailingDisk(folder.with_name("faults-of-small-disk")))
        return
    try:
        yield SmallTmpfs(folder)
    finally:
        subprocess.run([shutil.which("umount") or "umount", "-l", str(folder)], check=True)
