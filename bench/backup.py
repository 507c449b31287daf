"""What a backup costs those who write meanwhile: `python -m bench.backup [tasks]`.

A file of 200,000 tasks, about 290 MB. One writer commits with an fsync each, as the server does,
while another process copies the file, in each of the ways that there are.
"""

from taskhold.store.sqlite.library import choose

choose()  # as the command line does

import multiprocessing  # noqa: E402
import sqlite3  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from contextlib import closing  # noqa: E402
from pathlib import Path  # noqa: E402

from taskhold.store.appearing import sync  # noqa: E402
from taskhold.store.sqlite.backup import copy_file  # noqa: E402
from taskhold.store.sqlite.group_commit import CHECKPOINT_BYTES  # noqa: E402
from taskhold.store.sqlite.store import connect  # noqa: E402

ALONE_SECONDS = 4


def by_steps(source: Path, target: Path) -> None:
    """As `taskhold backup` does it."""
    target.touch()
    copy_file(source, target)


def at_once(source: Path, target: Path) -> None:
    """In one step, with one fsync at the end."""
    with closing(connect(source, read_only=True)) as old, closing(sqlite3.connect(target)) as new:
        new.execute("PRAGMA synchronous = OFF")
        old.backup(new)
    sync(target)


def by_vacuum(source: Path, target: Path) -> None:
    """VACUUM INTO, which writes all tables and indexes anew."""
    with closing(connect(source)) as old:
        old.execute("VACUUM INTO ?", (str(target),))
    sync(target)


def write_while(path: Path, is_going_on: Callable[[], bool]) -> list[float]:
    """Commit one small change after the other; how long each took, in ms."""
    took = []
    with closing(connect(path)) as writer:
        while is_going_on():
            began = time.perf_counter()
            writer.execute("BEGIN IMMEDIATE")
            writer.execute(
                "UPDATE task SET notes = notes || 'x' WHERE id = ?", (len(took) % 1000 + 1,)
            )
            writer.execute("COMMIT")
            wal = path.with_name(f"{path.name}-wal")
            if len(took) % 100 == 0 and wal.stat().st_size > CHECKPOINT_BYTES:
                writer.execute("PRAGMA busy_timeout = 100")
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                writer.execute("PRAGMA busy_timeout = 0")
            took.append((time.perf_counter() - began) * 1000)
    return sorted(took)


def report(name: str, took: list[float], seconds: float, size: int) -> None:
    """One line."""
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(
        f"{name:10} {seconds:5.2f} s {size / 1e6:6.0f} MB   {len(took):6} commits: "
        f"p50 {p50:.2f}, p99 {p99:.2f}, max {took[-1]:.0f} ms"
    )


def main(tasks: int) -> None:
    """Measure each way twice."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "tasks.db"
        subprocess.run(  # noqa: S603  our own command
            (sys.executable, "-m", "taskhold", "seed", "--tasks", str(tasks)),
            env={"TASKHOLD_DATABASE_URL": f"sqlite:///{path}"},
            check=True,
        )
        until = time.monotonic() + ALONE_SECONDS
        alone = write_while(path, lambda: time.monotonic() < until)
        report("alone", alone, ALONE_SECONDS, path.stat().st_size)
        for way in (by_steps, at_once, by_vacuum) * 2:
            target = path.with_name(way.__name__)
            target.unlink(missing_ok=True)
            copying = multiprocessing.get_context("spawn").Process(target=way, args=(path, target))
            began = time.monotonic()
            copying.start()
            took = write_while(path, copying.is_alive)
            report(way.__name__, took, time.monotonic() - began, target.stat().st_size)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
