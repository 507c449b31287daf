"""How long forgetting holds a writer: `python -m bench.retention [TASKS]`.

A file with so many tasks (20,000 by default), all of them deleted long ago, and their changes as
old; `taskhold serve` forgets all of it while one client goes on changing a task. Printed: the time
of a change while there is work, and afterwards, when there is none.
"""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx2

IDLE_CHANGES = 500


def prepare(folder: Path, count: int) -> None:
    """Make the tasks, and make them old."""
    taskhold = [sys.executable, "-m", "taskhold"]
    subprocess.run([*taskhold, "seed", "--tasks", str(count)], cwd=folder, check=True)
    with closing(sqlite3.connect(folder / "tasks.db")) as connection, connection:
        connection.execute("DELETE FROM task")  # a trigger puts them into the trash
        for table, column in (("change", "at"), ("trashed_task", "deleted_at")):
            connection.execute(f"UPDATE {table} SET {column} = '2020-01-01 00:00:00.000000'")  # noqa: S608


def changes(client: httpx2.Client, task_id: int, goes_on: object) -> list[float]:
    """How many seconds each change took, as long as it goes on."""
    times: list[float] = []
    while goes_on(len(times)):  # type: ignore[operator]
        began = time.perf_counter()
        answer = client.patch(f"/tasks/{task_id}", json={"title": f"change {len(times)}"})
        times.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    return times


def show(name: str, times: list[float]) -> None:
    """Print one line."""
    ordered = sorted(times)
    p99 = ordered[int(len(ordered) * 0.99)] * 1000
    longest = ordered[-1] * 1000
    print(f"{name:20} {len(times):6} changes, p99 {p99:6.1f} ms, longest {longest:6.1f} ms")


def main(count: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, count)
        server = subprocess.Popen(
            [sys.executable, "-m", "taskhold", "serve", "--port", "0"],
            cwd=folder,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+?(?=/docs)", server.stdout.readline())
            assert found is not None
            with (
                httpx2.Client(base_url=found.group(), timeout=30) as client,
                closing(sqlite3.connect(folder / "tasks.db", timeout=5)) as look,
            ):
                task_id = client.post("/tasks", json={"title": "mine"}).json()["id"]
                old = "SELECT EXISTS (SELECT 1 FROM change WHERE at < '2021-01-01')"
                began = time.perf_counter()
                busy = changes(
                    client, task_id, lambda n: n % 50 or look.execute(old).fetchone() == (1,)
                )
                print(f"forgot {count:,} tasks in {time.perf_counter() - began:.1f} s")
                show("while it forgets", busy)
                show("afterwards", changes(client, task_id, lambda n: n < IDLE_CHANGES))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
