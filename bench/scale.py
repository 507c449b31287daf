"""What it costs to have many tasks: `uv run --group bench python -m bench.scale`.

A thousand tasks in one account, a hundred thousand, a million, and a million over a thousand
accounts, each in a new database: made by `taskhold seed`, served by `taskhold serve`, then asked
for one after the other on one connection, as `bench.million` does. Told are the half and 99 of 100
of the times of each operation in milliseconds, the best of some rounds; the CPU of the server; the
size of the database and the memory of the server.

    python -m bench.scale --sizes 1000 100000 --spread     # some minutes
    python -m bench.scale --database postgresql --json scale.json

The databases are made first, as many at once as there are cores. Linux, with two cores.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.postgresql import find_binaries, running_postgresql
from tests.support.sql import run_sql

from bench.million import TIMES, Cases, Client, Paths, Taken, measure_once
from bench.processes import CORE_OF_THE_LOAD, CORE_OF_THE_SERVER, cpu_seconds, memory_mib
from bench.systems import PASSWORD, Running, taskhold

SIZES = (1_000, 100_000, 1_000_000)
SPREAD = (1_000_000, 1_000)
"""Tasks, and over how many accounts."""
ROUNDS = 3
NAME = "account{}"
ASKED = (
    "one task",
    "first page",
    "sort=-due, deep",
    "sort=title, deep",
    "done=false",
    "list_id; sort=position",
    "tag, common",
    "due_after, due_before: a week",
    "q: two words",
    "q: three or four letters",
)
"""Of `bench.million`."""
WRITTEN = ("create", "patch", "delete")


class Cost(NamedTuple):
    """Of one operation."""

    p50: float
    p99: float
    cpu: float
    """Microseconds of the server."""


def main() -> None:
    """Measure each size."""
    options = arguments()
    figures = []
    with ExitStack() as stack:
        sizes = [(size, 0) for size in options.sizes] + options.spread
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in sizes]
        urls = new_databases(options.database, folders, stack)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(fill, urls, *zip(*sizes, strict=True)))
        os.sched_setaffinity(0, {CORE_OF_THE_LOAD})
        for (tasks, accounts), folder, url in zip(sizes, folders, urls, strict=True):
            figure = {"tasks": tasks, "accounts": accounts, "database": options.database}
            figures.append(figure | measure(url, folder, accounts))
            show(figures[-1])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def new_databases(kind: str, folders: list[Path], stack: ExitStack) -> list[str]:
    """Their URLs. A PostgreSQL runs on the server's core."""
    if kind == "sqlite":
        return [f"sqlite:///{folder}/tasks.db" for folder in folders]
    os.sched_setaffinity(0, {CORE_OF_THE_SERVER})  # which it inherits
    postgresql = stack.enter_context(running_postgresql(find_binaries(None)))
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    return [postgresql.create_database() for _ in folders]


def fill(url: str, tasks: int, accounts: int) -> None:
    """Make the tasks: in open mode, or evenly in so many accounts."""
    seed = [sys.executable, "-m", "bench.scale", "--fill", url, str(tasks), str(accounts)]
    subprocess.run(seed, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not url.startswith("sqlite"):
        run_sql(url, "VACUUM ANALYZE", "CHECKPOINT" if is_superuser(url) else "SELECT 1")


def is_superuser(url: str) -> bool:
    """Whether it may ask for a checkpoint."""
    return run_sql(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(True,)]


def fill_here(url: str, tasks: int, accounts: int) -> None:
    """The same, in this process."""
    from taskhold.accounts import operations
    from taskhold.accounts.passwords import hash_password
    from taskhold.audit.operations import COMMAND
    from taskhold.cli.seeding import seed
    from taskhold.store import open_store

    async def make_accounts() -> None:
        password = hash_password(PASSWORD)
        with closing(open_store(url)) as store:
            store.open()
            for number in range(accounts):
                fields = {"username": NAME.format(number), "password": password, "admin": True}
                await store.write(operations.ACCOUNTS, operations.add, COMMAND, fields)

    asyncio.run(make_accounts())
    for number in range(max(1, accounts)):
        words = ["--tasks", str(tasks // max(1, accounts)), "--database-url", url]
        words += ["--user", NAME.format(number)] if accounts else []
        seed.main(words, standalone_mode=False)


def measure(url: str, folder: Path, accounts: int) -> dict[str, Any]:
    """The costs of all operations, and sizes."""
    name = NAME.format(accounts // 2) if accounts else None
    running = taskhold(folder, url, account=name)
    try:
        client = Client(f"http://127.0.0.1:{running.port}", running.asked.token)
        cases = Cases(client, random.Random(1))  # noqa: S311
        costs = {name: cost(running, client, paths) for name, paths in cases.all() if name in ASKED}
        for name in WRITTEN:
            costs[name] = cost(running, Writer(client, name), cycle([""]))
        return {
            "costs": {name: each._asdict() for name, each in costs.items()},
            "memory": memory_mib(running.processes()),
            "size": size_mib(url, folder),
        }
    finally:
        running.stop()


class Writer(Client):
    """Writes instead of reading; what it changes it has made."""

    def __init__(self, client: Client, kind: str) -> None:
        self.connection, self.headers = client.connection, client.headers
        self._kind = kind
        self._numbers = iter(range(10**9))
        wanted = (ROUNDS + 1) * TIMES if kind == "delete" else 0
        self._made = [self._create() for _ in range(wanted)]
        self._one = self._create()

    def get(self, _: str) -> bytes:
        if self._kind == "create":
            return b"%d" % self._create()
        if self._kind == "delete":
            return self.send("DELETE", f"/tasks/{self._made.pop()}")
        title = f"Write the report {next(self._numbers)}"
        return self.send("PATCH", f"/tasks/{self._one}", {"title": title})

    def _create(self) -> int:
        title = f"Write the report {next(self._numbers)}"
        task_id: int = json.loads(self.send("POST", "/tasks", {"title": title}))["id"]
        return task_id


def cost(running: Running, client: Client, paths: Paths) -> Cost:
    """The best of some rounds."""
    for path in islice(paths, TIMES // 10):
        client.get(path)
    rounds: list[tuple[Taken, float]] = []
    for _ in range(ROUNDS):
        before = cpu_seconds(running.processes())
        taken = measure_once(client, paths)
        rounds.append((taken, (cpu_seconds(running.processes()) - before) / TIMES * 1e6))
    return Cost(
        min(taken.p50 for taken, _ in rounds),
        min(taken.p99 for taken, _ in rounds),
        min(cpu for _, cpu in rounds),
    )


def size_mib(url: str, folder: Path) -> float:
    """How large the database is."""
    if url.startswith("sqlite"):
        files = (folder / f"tasks.db{suffix}" for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists()) / 2**20
    ((size,),) = run_sql(url, "SELECT pg_database_size(current_database())")
    return float(size) / 2**20


def show(figure: dict[str, Any]) -> None:
    """Print a table."""
    where = f"{figure['accounts']:,} accounts" if figure["accounts"] else "one account"
    print(f"{figure['tasks']:,} tasks, {where}, {figure['database']}: ", end="")
    print(f"{figure['size']:.0f} MiB, the server {figure['memory']:.0f} MiB")
    for name, each in figure["costs"].items():
        print(
            f"  {name:32} p50 {each['p50']:7.2f} ms  p99 {each['p99']:7.2f} ms  "
            f"CPU {each['cpu']:7.0f} µs"
        )
    print(flush=True)


def pairs(text: str) -> tuple[int, int]:
    """`1000000/1000`: tasks, and over how many accounts."""
    tasks, _, accounts = text.partition("/")
    return int(tasks), int(accounts)


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.scale")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument(
        "--spread", type=pairs, nargs="*", default=[SPREAD], metavar="TASKS/ACCOUNTS"
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fill"]:
        fill_here(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
