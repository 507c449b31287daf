"""How long a commit waits where four processes write one file: `python -m bench.hand_over`.

Each process commits a row with `synchronous=FULL` again and again for five seconds, taking turns
by SQLite's busy handler, then by the lock of `taskhold.store.sqlite.lock`.
"""

import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from taskhold.store.sqlite.lock import WriteLock
from taskhold.store.sqlite.store import connect

PROCESSES = 4
SECONDS = 5.0


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO row VALUES (1)")
    connection.execute("COMMIT")


def write(path: Path, by_lock: bool, results: "multiprocessing.Queue[list[float]]") -> None:
    """Commit until the time is over; put how long each commit took, in seconds."""
    connection = connect(path)
    lock = WriteLock(path)
    if not by_lock:
        connection.execute("PRAGMA busy_timeout = 5000")
    waits = []
    until = time.monotonic() + SECONDS
    while (began := time.monotonic()) < until:
        if by_lock:
            lock.acquire()
        _commit(connection)
        if by_lock:
            lock.release()
        waits.append(time.monotonic() - began)
    results.put(waits)


def measure(by_lock: bool) -> list[float]:
    """The waits of all processes, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.db"
        connection = connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE row (value INTEGER)")
        results: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
        processes = [
            multiprocessing.Process(target=write, args=(path, by_lock, results))
            for _ in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        waits = sorted(wait for _ in processes for wait in results.get())
        for process in processes:
            process.join()
        connection.close()
    return waits


if __name__ == "__main__":
    show: Callable[[float], str] = lambda seconds: f"{seconds * 1000:.1f} ms"  # noqa: E731
    for name, by_lock in (("busy handler", False), ("lock", True)):
        waits = measure(by_lock)
        p50, p99 = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
        print(
            f"{name}: {len(waits) / SECONDS:.0f} commits/s, "
            f"p50 {show(p50)}, p99 {show(p99)}, max {show(waits[-1])}"
        )
