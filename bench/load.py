"""One run of wrk, and what the server used meanwhile."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.processes import CORE_OF_THE_LOAD, cpu_seconds, tree
from bench.systems import SEEDED, Running

WORK = Path(__file__).with_name("work.lua")


class Measured(NamedTuple):
    """What one run came to. CPU and times in microseconds, per request."""

    rate: float
    """Requests a second."""
    cpu: float
    """Of the server, all its processes."""
    database_cpu: float
    """Of PostgreSQL."""
    p50: float
    p99: float


def run(
    system: Running, kind: str, connections: int, seconds: int, database: list[int]
) -> Measured | None:
    """Let wrk ask for `kind` on so many connections. Each request has to succeed.

    None where none is answered.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("There is no wrk: `apt-get install wrk`.")
    asked = system.asked
    more = "".join(f', "{name}": "{value}"' for name, value in asked.more.items())
    arguments = [kind, str(SEEDED), asked.task, asked.tasks, asked.new, more]
    arguments += [asked.token] if asked.token else []
    pids = system.processes()
    cpu, database_cpu = cpu_seconds(pids), _of_all(database)
    ended = subprocess.run(
        [
            *("taskset", "--cpu-list", str(CORE_OF_THE_LOAD)),
            *(wrk, "--threads=1", f"--connections={connections}", f"--duration={seconds}s"),
            *("--timeout=10s", f"--script={WORK}", f"http://127.0.0.1:{system.port}", "--"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    counted = json.loads(ended.stdout.splitlines()[-1])
    if counted["errors"]:
        raise SystemExit(f"{system.name}: {counted['errors']} of {counted['requests']} failed")
    requests = counted["requests"]
    if not requests:
        return None
    return Measured(
        rate=requests / counted["microseconds"] * 1e6,
        cpu=(cpu_seconds(system.processes()) - cpu) / requests * 1e6,
        database_cpu=(_of_all(database) - database_cpu) / requests * 1e6,
        p50=counted["p50"],
        p99=counted["p99"],
    )


def _of_all(postmasters: list[int]) -> float:
    return cpu_seconds([pid for each in postmasters for pid in tree(each)])
