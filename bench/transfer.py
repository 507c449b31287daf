"""Exports and imports: `python -m bench.transfer [TASKS] [SERVER_URL]`.

So many made-up tasks (100,000 by default) are exported in each format, and each file is imported
into a fresh database: a SQLite file, or with a URL, a database that is made on that PostgreSQL
server. Printed: seconds, seconds of the processor, and the largest memory of the process.

Then the largest of these imports is done once more beside a server on which one client goes on
creating tasks of the same account: how long each of these took, meanwhile and otherwise.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

TASKHOLD = [sys.executable, "-m", "taskhold"]
FILES = ("tasks.jsonl", "journal.jsonl", "tasks.csv", "tasks.ics", "todo.txt")
QUIET_SECONDS = 5.0


class Databases:
    """Fresh ones, by their URLs."""

    def __init__(self, folder: Path, server_url: str | None) -> None:
        self._folder = folder
        self._server_url = server_url
        self._numbers = count(1)

    def fresh(self) -> str:
        """The URL of another one."""
        number = next(self._numbers)
        if self._server_url is None:
            return f"sqlite:///{self._folder / f'{number}.db'}"
        name = f"bench_{os.getpid()}_{number}"
        asyncio.run(_execute(self._server_url, f"CREATE DATABASE {name} ENCODING 'UTF8'"))
        return urlsplit(self._server_url)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        """Forget it."""
        if self._server_url is None:
            Path(url.removeprefix("sqlite:///")).unlink()
        else:
            name = urlsplit(url).path.removeprefix("/")
            asyncio.run(_execute(self._server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, sql: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def run(url: str, *words: str) -> str:
    """Run a command; how long it took, and what it took."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*TASKHOLD, *words],
        env=os.environ | {"TASKHOLD_DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    processor = used.ru_utime + used.ru_stime
    return f"{seconds:7.1f} s {processor:7.1f} s {used.ru_maxrss / 1000:7.0f} MB"


def creations(url: str, goes_on: Callable[[], bool]) -> list[float]:
    """How many seconds each creation took, as long as it goes on."""
    times = []
    with httpx2.Client(base_url=url, timeout=30) as client:
        while goes_on():
            began = time.perf_counter()
            assert client.post("/tasks", json={"title": "meanwhile"}).status_code == 201
            times.append(time.perf_counter() - began)
    return times


def show(name: str, times: list[float]) -> None:
    """Print one line."""
    ordered = sorted(times)
    half, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    print(
        f"{name:24} {len(times):6} created, half within {half:6.1f} ms, 99% within {p99:6.1f} ms, "
        f"longest {ordered[-1] * 1000:6.1f} ms"
    )


def beside_a_server(url: str, file: Path) -> None:
    """Import while a client writes."""
    server = subprocess.Popen(
        [*TASKHOLD, "serve", "--port", "0"],
        env=os.environ | {"PYTHONUNBUFFERED": "1", "TASKHOLD_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+?(?=/docs)", server.stdout.readline())
        assert found is not None
        until = time.monotonic() + QUIET_SECONDS
        show("with nothing else", creations(found.group(), lambda: time.monotonic() < until))
        done = threading.Event()
        took: list[str] = []

        def work() -> None:
            took.append(run(url, "import", str(file)))
            done.set()

        importing = threading.Thread(target=work)
        importing.start()
        show("while it is imported", creations(found.group(), lambda: not done.is_set()))
        importing.join()
        print(f"the import itself        {took[0]}")
    finally:
        server.terminate()
        server.wait()


def main(tasks: int, server_url: str | None) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = Databases(folder, server_url)
        first = databases.fresh()
        print(f"{tasks:,} tasks on {'SQLite' if server_url is None else 'PostgreSQL'}")
        print(f"{'seed':24} {run(first, 'seed', '--tasks', str(tasks), '--random-seed', '1')}")
        for file in FILES:
            options = ["--journal"] if file.startswith("journal") else []
            print(f"export {file:17} {run(first, 'export', str(folder / file), *options)}")
        databases.drop(first)
        for file in FILES:
            new = databases.fresh()
            print(f"import {file:17} {run(new, 'import', str(folder / file))}")
            databases.drop(new)
        new = databases.fresh()
        beside_a_server(new, folder / "tasks.csv")
        databases.drop(new)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        sys.argv[2] if len(sys.argv) > 2 else None,
    )
