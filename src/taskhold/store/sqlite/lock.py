"""The turn to write, handed from process to process.

SQLite's own busy handler polls: with four writing processes its slowest commit waited 1.3 s
(`docs/decisions/0004-hand-over.md`). `flock` wakes the next process at once. It is taken on
a file of its own: closing any descriptor of the database file would drop SQLite's locks
(https://sqlite.org/howtocorrupt.html, section 2.2).
"""

import contextlib
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: SQLite's own locks alone
    fcntl = None  # type: ignore[assignment]


class WriteLock:
    """An exclusive lock on `{database}-lock`; one thread of a process uses it at a time."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + "-lock")
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take it if nobody has it; never waits. Raises OSError where the file can't be made."""
        return self._acquire(wait=False)

    def acquire(self) -> None:
        """Take it, however long that takes."""
        self._acquire(wait=True)

    def release(self) -> None:
        if fcntl and self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def remove(self) -> None:
        """Let go of the lock and take its file away, unless somebody is using it right now."""
        with contextlib.suppress(OSError):
            if fcntl and self.try_acquire():
                self.path.unlink(missing_ok=True)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _acquire(self, *, wait: bool) -> bool:
        if not fcntl:
            return True
        flags = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        while True:
            if self._descriptor is None:
                flags_to_open = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                self._descriptor = os.open(self.path, flags_to_open, 0o600)
            try:
                fcntl.flock(self._descriptor, flags)
            except BlockingIOError:
                return False
            if self._is_at_its_path():
                return True
            os.close(self._descriptor)  # another process removed the file when it stopped
            self._descriptor = None

    def _is_at_its_path(self) -> bool:
        assert self._descriptor is not None
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))
