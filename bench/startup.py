"""How long commands take from the shell's view: `python -m bench.startup [--runs 20]`.

Each is run again and again on a server in a process of its own and on a SQLite file, with 50 tasks.
First of all the server itself: until `/readyz` answers 200, on that file.
Told are the median and the slowest in milliseconds, and the median of the processor time. Python
keeps what it compiles, as it does where Taskhold is installed.
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.processes import cpu_seconds

REMOTE = ("--help", "--version", "list", "list --json", "show 1", "done 1", "log", "search task")
LOCAL = ("list", "done 1")


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **variables}


def _run(words: str, variables: Mapping[str, str], stdin: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "taskhold", *words.split()],
        env=_environment(variables),
        input=stdin,
        text=True,
        capture_output=True,
        check=True,
    )


def measure(words: str, variables: Mapping[str, str], runs: int) -> str:
    """A line of the table."""
    _run(words, variables)
    walls, processors = [], []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        _run(words, variables)
        walls.append((time.perf_counter() - began) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        processors.append(used * 1000)
    return _line(words, walls, processors)


def measure_ready(variables: Mapping[str, str], runs: int) -> str:
    """How long a server takes from its start until it is ready, and the processor time of that."""
    walls, processors = [], []
    for _ in range(runs):
        began = time.perf_counter()
        with _serving(variables) as (server, url):
            with urllib.request.urlopen(f"{url}/readyz"):  # noqa: S310, http
                walls.append((time.perf_counter() - began) * 1000)
            processors.append(cpu_seconds([server.pid]) * 1000)
    return _line("serve (until it is ready)", walls, processors)


@contextmanager
def _serving(variables: Mapping[str, str]) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    server = subprocess.Popen(
        [sys.executable, "-m", "taskhold", "serve", "--port", "0"],
        env=_environment({**variables, "PYTHONUNBUFFERED": "1"}),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+?(?=/docs)", server.stdout.readline())
        assert found
        yield server, found.group()
    finally:
        server.terminate()
        server.wait()


def _line(words: str, walls: list[float], processors: list[float]) -> str:
    return (
        f"{statistics.median(walls):7.0f} {max(walls):7.0f} {statistics.median(processors):7.0f}"
        f"  taskhold {words}"
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        home = {"XDG_CONFIG_HOME": folder, "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        local = {**home, "TASKHOLD_DATABASE_URL": f"sqlite:///{folder}/tasks.db"}
        _run("add - --due today", local, "".join(f"task {number}\n" for number in range(50)))
        print(" median slowest     cpu  (ms)")
        print(measure_ready(local, runs))
        with _serving(local) as (_, url):
            remote = {**home, "TASKHOLD_URL": url}
            print(" median slowest     cpu  on a server (ms)")
            for words in REMOTE:
                print(measure(words, remote, runs))
            terminal = {**remote, "FORCE_COLOR": "1"}
            print(measure("list", terminal, runs), "(as on a terminal)")
        print(" median slowest     cpu  on a SQLite file (ms)")
        for words in LOCAL:
            print(measure(words, local, runs))


if __name__ == "__main__":
    main()
