"""How soon an edit reaches many streams, and what a stream takes: `python -m bench.streams [URL]`.

A real `taskhold serve` on one core and everything else on another: 1, 100 and 1,000 readers of one
account, then edits one after the other, written by the same server and by a second one on the same
database. Printed are the time from sending an edit to its event's arrival at each reader, the
server's memory (RSS) per stream, and its CPU while nothing happens. Without a URL, on a new SQLite
file; that of a PostgreSQL should name a database without an account. Linux, and
`ulimit -n` of 4,096.
"""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

READERS = 1, 100, 1_000
EDITS = 40
PAUSE_SECONDS = 0.1
IDLE_SECONDS = 20.0
PATIENCE_SECONDS = 60.0
SERVER_CORE, OTHER_CORE = 0, 1
BODY = {"title": "Write the report", "notes": "The figures are in the shared folder.\n" * 10}
_ID = re.compile(rb"\nid: (\d+)\n")


class Reader(asyncio.Protocol):
    """A stream that notes when each event came; nothing of it is kept."""

    def __init__(self, arrivals: "Arrivals") -> None:
        self._arrivals = arrivals
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        data = self._rest + data
        end = 0
        for found in _ID.finditer(data):
            self._arrivals.note(int(found[1]), now)
            end = found.end()
        self._rest = data[max(end, len(data) - 30) :]  # an id may come in two parts
        if b": following" in data:
            self._arrivals.connected += 1

    def connection_lost(self, _: Exception | None) -> None:
        self._arrivals.lost += 1


class Arrivals:
    """When the events came to all readers."""

    def __init__(self) -> None:
        self.connected = 0
        self.lost = 0
        self.times: dict[int, list[float]] = {}

    def note(self, seq: int, at: float) -> None:
        self.times.setdefault(seq, []).append(at)

    async def wait_for(self, seq: int, readers: int) -> list[float]:
        """The times at which all readers had that event."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.times.get(seq, ())) < readers:  # noqa: ASYNC110  nothing is to wake it
                await asyncio.sleep(0.002)
        return self.times.pop(seq)


class Server:
    """`taskhold serve` on one core."""

    def __init__(self, url: str, core: int) -> None:
        command = [sys.executable, "-m", "taskhold", "serve", "--port", "0", "--database-url", url]
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],  # noqa: S607
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r"http://[^/\s]+", self.process.stdout.readline())
        assert found is not None
        self.port = urlsplit(found[0]).port

    def memory(self) -> int:
        """What it has in memory, in KB (proc_pid_status(5))."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1])

    def cpu_seconds(self) -> float:
        """proc_pid_stat(5), fields 14 and 15."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def edit(self, method: str, path: str, body: Any) -> int:
        """Send one; the id of the task."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        content = json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        answer = await reader.read()
        writer.close()
        assert answer[9:11] == b"20", answer
        return int(json.loads(answer.partition(b"\r\n\r\n")[2])["id"])


@contextmanager
def serving(url: str, core: int) -> Iterator[Server]:
    """A server, until the block ends."""
    server = Server(url, core)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def cursor(port: int | None) -> int:
    """The newest `seq`."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/changes") as answer:
        return int(json.load(answer)["cursor"])


async def measure(url: str, readers: int, *, by_another: bool) -> None:
    """Print one line."""
    with serving(url, SERVER_CORE) as server, serving(url, OTHER_CORE) as another:
        writer = another if by_another else server
        arrivals = Arrivals()
        loop = asyncio.get_running_loop()

        async def connect(count: int) -> list[Reader]:
            wanted = arrivals.connected + count
            made = [
                (await loop.create_connection(lambda: Reader(arrivals), "127.0.0.1", server.port))[
                    1
                ]
                for _ in range(count)
            ]
            while arrivals.connected < wanted:  # noqa: ASYNC110  nothing is to wake it
                await asyncio.sleep(0.01)
            return made

        task_id = await writer.edit("POST", "/tasks", BODY)
        for first in await connect(1):  # what is loaded at the first stream is not a stream's
            first.transport.abort()
        await asyncio.sleep(1)
        before = server.memory()
        open_streams = await connect(readers)
        await asyncio.sleep(1)
        used, cpu = server.memory(), server.cpu_seconds()
        await asyncio.sleep(IDLE_SECONDS)
        idle = (server.cpu_seconds() - cpu) / IDLE_SECONDS
        took: list[float] = []
        seq = cursor(server.port)
        arrivals.times.clear()
        for number in range(EDITS):
            began = time.perf_counter()
            changed = BODY | {"title": f"Edit {number}"}
            await writer.edit("PATCH", f"/tasks/{task_id}", changed)
            seq += 1
            took += [at - began for at in await arrivals.wait_for(seq, readers)]
            await asyncio.sleep(random.uniform(0, PAUSE_SECONDS))  # noqa: S311, nothing of it is secret
        took.sort()
        after = server.memory()
        for each in open_streams:
            each.transport.abort()
    assert arrivals.lost <= 1 + readers
    p50, p99, most = took[len(took) // 2], took[len(took) * 99 // 100], took[-1]
    where = "another process" if by_another else "the same process"
    print(
        f"{readers:5,} readers, edits in {where:16}: p50 {p50 * 1e3:4.0f} ms, "
        f"p99 {p99 * 1e3:4.0f} ms, max {most * 1e3:4.0f} ms; "
        f"{(used - before) / readers:5.1f} KB a stream, {(after - before) / readers:5.1f} KB after "
        f"the edits; {idle:.1%} of a core while idle",
        flush=True,
    )


async def main(url: str) -> None:
    """Measure everything."""
    for readers in READERS:
        for by_another in (False, True):
            await measure(url, readers, by_another=by_another)


if __name__ == "__main__":
    os.sched_setaffinity(0, {OTHER_CORE})
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(main(sys.argv[1] if sys.argv[1:] else f"sqlite:///{folder}/tasks.db"))
