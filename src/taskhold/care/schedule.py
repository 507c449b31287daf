"""Backups that a server makes beside its requests, and which of them it keeps.

Each is made by a process of its own, `taskhold backup`, which takes nothing from those that serve
but time that they leave. Of several servers on one folder one makes it: whoever gets the lock looks
at the names of the backups there, and so knows whether it is time.
"""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import structlog

from taskhold.metrics import Sample, ServerMeters
from taskhold.settings import Settings
from taskhold.store import open_store
from taskhold.store.appearing import PART, moment

try:
    import fcntl
except ImportError:  # Windows: one server a folder
    fcntl = None  # type: ignore[assignment]

LOOK_SECONDS = 2.0
RETRY = timedelta(minutes=15)
"""How long after a failure it is tried again, at the latest."""
STOP_SECONDS = 5.0
_MOMENT = "%Y%m%dT%H%M%SZ"

log = structlog.get_logger()


class Kept(NamedTuple):
    """A backup in the folder."""

    at: datetime
    path: Path


class Failure(NamedTuple):
    """The last time that it failed, where it has not succeeded since."""

    at: datetime
    reason: str


class Schedule:
    """The backups of one database in one folder: those that there are, and when the next is due."""

    def __init__(self, folder: Path, name: str, suffix: str, every: timedelta, keep: int) -> None:
        self.folder = folder
        self.every = every
        self._name = name
        self._suffix = suffix
        self._keep = keep
        self._pattern = re.compile(
            rf"{re.escape(name)}-(\d{{8}}T\d{{6}}Z){re.escape(suffix)}(?P<rest>.*)"
        )
        self.notes = folder / f".{name}.backups"
        """Is locked while one is made, and says what came of the last one."""

    @classmethod
    def of(cls, settings: Settings) -> "Schedule | None":
        """That of the settings; None where they have no folder."""
        if settings.backup_folder is None:
            return None
        store = open_store(settings.database_url)
        folder = Path(settings.backup_folder).absolute()
        return cls(
            folder, store.name, store.backup_suffix, settings.backups_apart, settings.backup_keep
        )

    def there(self) -> list[Kept]:
        """The backups that there are, oldest first. Raises OSError."""
        return sorted(
            Kept(datetime.strptime(matched[1], _MOMENT).replace(tzinfo=UTC), path)
            for path in self.folder.iterdir()
            if (matched := self._pattern.fullmatch(path.name)) and not matched["rest"]
        )

    def failure(self) -> Failure | None:
        """What went wrong last, where nothing has gone well since."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            noted = json.loads(self.notes.read_text(encoding="utf-8"))
            return Failure(datetime.fromisoformat(noted["failed_at"]), noted["reason"])
        return None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for one. Raises OSError."""
        backups, failure = self.there(), self.failure()
        if failure is not None and now - failure.at < min(RETRY, self.every):
            return False
        return not backups or now - backups[-1].at >= self.every

    def next_path(self) -> Path:
        """What one that is made now is called."""
        return self.folder / f"{self._name}-{moment()}{self._suffix}"

    def rotate(self) -> None:
        """Take away the oldest, and what was left behind of those that never were whole."""
        for old in self.there()[: -self._keep]:
            old.path.unlink(missing_ok=True)
        for path in self.folder.iterdir():
            matched = self._pattern.fullmatch(path.name)
            if matched and PART.fullmatch(matched["rest"]):
                path.unlink(missing_ok=True)

    @contextmanager
    def one_at_a_time(self) -> Iterator[int | None]:
        """The descriptor of the notes, locked; None where another process has it. OSError."""
        descriptor = os.open(self.notes, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if fcntl:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield None
                    return
            yield descriptor
        finally:
            os.close(descriptor)


class Backups:
    """The scheduled backups of one server process."""

    def __init__(self, settings: Settings, meters: ServerMeters) -> None:
        self.schedule = Schedule.of(settings)
        self._database_url = settings.database_url
        self._meters = meters
        self._said = ""

    async def run(self) -> bool:
        """Make one if it is time; never is there more to do at once."""
        assert self.schedule is not None
        try:
            with self.schedule.one_at_a_time() as notes:
                if notes is not None and self.schedule.is_due(datetime.now(UTC)):
                    await self._make(self.schedule, notes)
            self._said = ""
        except OSError as error:
            self._complain(f"{error.filename or self.schedule.folder}: {error.strerror}")
        return False

    def samples(self) -> list[Sample]:
        """Of the newest that there is."""
        if self.schedule is not None:
            with suppress(OSError, IndexError):
                newest = self.schedule.there()[-1]
                return [
                    Sample(
                        *("taskhold_backup_timestamp_seconds", "When the newest backup was begun."),
                        newest.at.timestamp(),
                    ),
                    Sample(
                        *("taskhold_backup_bytes", "The size of the newest backup."),
                        newest.path.stat().st_size,
                    ),
                ]
        return []

    async def _make(self, schedule: Schedule, notes: int) -> None:
        path = schedule.next_path()
        reason = await self._run_command(path)
        noted = {}
        if reason is None:
            schedule.rotate()
            self._meters.backups["succeeded"].add()
            log.info("a backup was made", file=str(path), bytes=path.stat().st_size)
        else:
            noted = {"failed_at": datetime.now(UTC).isoformat(), "reason": reason}
        os.ftruncate(notes, 0)
        os.pwrite(notes, json.dumps(noted).encode(), 0)
        if reason is not None:
            self._complain(reason)

    async def _run_command(self, path: Path) -> str | None:
        """Make the backup; why it failed, None where it didn't."""
        nice = shutil.which("nice")
        process = await asyncio.create_subprocess_exec(
            *([nice, "-n", "10"] if nice else []),
            *(sys.executable, "-m", "taskhold", "backup", str(path)),
            env=os.environ | {"TASKHOLD_DATABASE_URL": self._database_url},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await process.communicate()
        finally:
            if process.returncode is None:  # the server stops
                process.terminate()
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
        if process.returncode == 0:
            return None
        lines = said.decode(errors="replace").splitlines()
        return lines[-1].removeprefix("taskhold: ") if lines else f"exit {process.returncode}"

    def _complain(self, reason: str) -> None:
        self._meters.backups["failed"].add()
        if reason != self._said:  # else the log would have it every few seconds
            self._said = reason
            log.error("a backup failed", reason=reason)
