"""What a failover costs, and whether it loses anything: `python -m bench.failover`.

Three machines, as far as one can hold them: each an etcd, a Patroni and its PostgreSQL, set up by
`docs/scale/patroni/patroni.yaml`. Before them two `taskhold serve`, and clients that write without
a pause and repeat what was not answered with 2xx under its Idempotency-Key. Then a machine fails:

    --fault kill-leader       SIGKILL to all that runs on the leader's
    --fault freeze-leader     SIGSTOP to it: its connections stay open and nothing answers; SIGCONT
                              after the failover, so that it still takes itself for the leader
    --fault kill-standby      the same of the synchronous standby's
    --fault freeze-standby

At the end each task that was acknowledged has to be there, once. With `--asynchronous` nothing
waits for a standby, and each is a second behind when the leader fails: that shows what is lost.

Linux; needs etcd, Patroni (`pip install "patroni[etcd3,psycopg3]"`) and PostgreSQL's programs. As
root they run as `nobody`.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from bench.cluster import (
    PATIENCE_SECONDS,
    Machine,
    free_port,
    members,
    start_cluster,
    wait_until_healthy,
)

FAULTS = ("kill-leader", "freeze-leader", "kill-standby", "freeze-standby")
WRITERS = 8
SETTLE_SECONDS = 5.0


class Answer(NamedTuple):
    """What a client heard, and when."""

    at: float
    status: int
    """0 where the connection broke."""
    problem: str


class Clients:
    """Writers that never give up, and all that they heard."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self.acknowledged: list[tuple[float, str]] = []
        self.repeated = 0
        self.answers: list[Answer] = []
        self._threads = [
            threading.Thread(target=self._write, args=(ports[each % len(ports)],), daemon=True)
            for each in range(WRITERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def longest_silence(self, since: float) -> float:
        """Seconds between one acknowledged write and the next, at the most."""
        times = sorted(at for at, _ in self.acknowledged if at >= since - 1)
        return max(after - before for before, after in itertools.pairwise(times))

    def wait_for_one(self, since: float) -> None:
        """Until a write is acknowledged after `since`."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.acknowledged or self.acknowledged[-1][0] < since:
            if time.monotonic() > until:
                raise SystemExit(f"no write in {PATIENCE_SECONDS:.0f} s: {self.answers[-5:]}")
            time.sleep(0.05)

    def _write(self, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        while not self._stopping.is_set():
            title = f"task {next(self._numbers)}"
            while not self._stopping.is_set():
                answer, replayed = self._send(connection, title)
                self.answers.append(answer)
                if answer.status == 201:
                    self.repeated += replayed
                    self.acknowledged.append((answer.at, title))
                    break
                time.sleep(0.1)

    def _send(self, connection: http.client.HTTPConnection, title: str) -> tuple[Answer, bool]:
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": title.replace(" ", "-"),
        }
        try:
            connection.request("POST", "/tasks", json.dumps({"title": title}), headers)
            response = connection.getresponse()
            body = json.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Answer(time.monotonic(), 0, type(error).__name__), False
        replayed = response.getheader("Idempotent-Replayed") == "true"
        problem = body.get("type", "").removeprefix("/problems/")
        return Answer(time.monotonic(), response.status, problem), replayed


def main() -> None:
    """Measure, and fail where an acknowledged write is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fault", choices=FAULTS, default=FAULTS[0])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--asynchronous", action="store_true")
    parser.add_argument("--patroni", default=shutil.which("patroni"))
    parser.add_argument("--etcd", default=shutil.which("etcd"))
    parser.add_argument("--postgresql", help="PostgreSQL's folder of programs", required=True)
    programs = parser.parse_args()
    if not (programs.patroni and programs.etcd):
        parser.error("there is no patroni or no etcd; name them with --patroni and --etcd")
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # which cleans up
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="taskhold-failover-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        run(programs, folder, stack)


def run(programs: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    """A cluster, two servers, the clients, the faults, the count."""
    machines, url = start_cluster(programs, folder, stack)
    ports = [serve(url, folder, stack) for _ in range(2)]
    clients = Clients(ports)
    stack.callback(clients.stop)
    for _ in range(programs.times):
        time.sleep(SETTLE_SECONDS)
        fail(programs.fault, machines, clients, lag=1.0 if programs.asynchronous else 0)
    time.sleep(SETTLE_SECONDS)
    clients.stop()
    missing = asyncio.run(count(url, [title for _, title in clients.acknowledged]))
    print(
        f"{len(clients.acknowledged)} writes acknowledged, {clients.repeated} of them by a "
        f"repeated key; {missing['lost']} lost, {missing['twice']} done twice, "
        f"{missing['gaps']} gaps in the journal"
    )
    if any(missing.values()):
        sys.exit(1)


def fail(fault: str, machines: list[Machine], clients: Clients, lag: float) -> None:
    """Let one machine fail, say what the clients saw, and bring it back."""
    roles = {member["role"]: member["name"] for member in members(machines)}
    name = roles["leader" if fault.endswith("leader") else "sync_standby"]
    failing = next(machine for machine in machines if machine.name == name)
    others = [machine for machine in machines if machine is not failing]
    number = signal.SIGSTOP if fault.startswith("freeze") else signal.SIGKILL
    if lag:
        failing.stop_sending()
        time.sleep(lag)
    began = time.monotonic()
    failing.send(number)
    clients.wait_for_one(began + 0.5)
    time.sleep(SETTLE_SECONDS)
    heard = Counter(
        f"{answer.status} {answer.problem}".strip()
        for answer in list(clients.answers)
        if answer.at >= began and answer.status != 201
    )
    print(
        f"{fault} ({name}): no write for {clients.longest_silence(began):.1f} s; "
        f"meanwhile {dict(heard)}",
        flush=True,
    )
    if number == signal.SIGSTOP:
        failing.send(signal.SIGCONT)
    else:
        failing.start()
    wait_until_healthy(machines, others)


def serve(url: str, folder: Path, stack: ExitStack) -> int:
    """The port of a `taskhold serve`."""
    port = free_port()
    log = (folder / f"taskhold-{port}.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "taskhold", "serve", f"--port={port}"],
        env=os.environ | {"TASKHOLD_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=log,
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    if not process.stdout.readline():
        raise SystemExit(Path(log.name).read_text())
    return port


async def count(url: str, acknowledged: list[str]) -> dict[str, int]:
    """What is wrong in the database."""
    connection = await asyncpg.connect(url, target_session_attrs=SessionAttribute.read_write)
    rows = await connection.fetch("SELECT title, count(*) AS times FROM task GROUP BY title")
    gaps = await connection.fetchval("SELECT max(seq) - count(*) FROM change")
    await connection.close()
    times = {row["title"]: row["times"] for row in rows}
    return {
        "lost": sum(title not in times for title in acknowledged),
        "twice": sum(number > 1 for number in times.values()),
        "gaps": gaps,
    }


if __name__ == "__main__":
    main()
