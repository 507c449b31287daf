"""What a server counts, in memory that its processes share, and how Prometheus reads it.

Each process has a part of the memory of its own and writes nowhere else, so nothing is locked; who
is asked adds the parts up. A process that takes the place of another one goes on with its part, so
that no counter goes back. (`docs/decisions/0027-metrics.md`)

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
MANY = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
STATUSES = 6
"""The classes of statuses: nothing, then 1xx to 5xx."""
_NANO = 1_000_000_000

Labels = dict[str, str]


class Cells:
    """The part of one process: whole numbers of 64 bits, as far as they are given out."""

    def __init__(self) -> None:
        self.memory = memoryview(bytearray(8 * 4096)).cast("q")
        self.size = 0

    def take(self, count: int) -> int:
        """The place of the first of so many."""
        place = self.size
        self.size += count
        return place


class Counter:
    """A number that grows; a gauge also falls."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._place = cells.take(1)

    def add(self, count: int = 1) -> None:
        self._cells.memory[self._place] += count

    def set(self, value: int) -> None:
        """For a gauge that one process at a time knows."""
        self._cells.memory[self._place] = value

    def in_part(self, part: memoryview) -> int:
        """Its value in the part of some process."""
        value: int = part[self._place]
        return value


class Histogram:
    """How many were at most how large, and their sum."""

    def __init__(self, cells: Cells, bounds: tuple[float, ...], unit: int = _NANO) -> None:
        """`unit`: in how many parts of 1 the sum is kept."""
        self._cells = cells
        self._bounds = bounds
        self._unit = unit
        self._place = cells.take(len(bounds) + 2)

    def observe(self, value: float) -> None:
        memory, place = self._cells.memory, self._place
        memory[place] += int(value * self._unit)
        memory[place + 1 + bisect_left(self._bounds, value)] += 1

    def lines(self, name: str, labels: Labels, parts: list[memoryview]) -> Iterator[str]:
        """As Prometheus reads it; nothing where nothing was observed."""
        places = range(self._place, self._place + len(self._bounds) + 2)
        total, *counts = (sum(part[place] for part in parts) for place in places)
        if not any(counts):
            return
        reached = list(accumulate(counts))
        for bound, count in zip((*self._bounds, "+Inf"), reached, strict=True):
            yield _line(f"{name}_bucket", labels | {"le": str(bound)}, count)
        yield _line(f"{name}_sum", labels, total / self._unit)
        yield _line(f"{name}_count", labels, reached[-1])


class Requests:
    """Those to one route by one method."""

    __slots__ = ("_cells", "_place", "durations")

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._place = cells.take(STATUSES)
        self.durations = Histogram(cells, SECONDS)

    def count(self, status: int, seconds: float) -> None:
        """One was answered; 0.6 µs (`python -m bench.metrics`)."""
        self._cells.memory[self._place + status // 100] += 1
        self.durations.observe(seconds)

    def by_class(self, parts: list[memoryview]) -> dict[str, int]:
        """How many were answered with 2xx, 3xx and so on."""
        found = {
            f"{status}xx": sum(part[self._place + status] for part in parts)
            for status in range(1, STATUSES)
        }
        return {status: count for status, count in found.items() if count}


class StoreMeters:
    """What a store counts."""

    def __init__(self, cells: Cells | None = None) -> None:
        cells = cells or Cells()
        self.commits = Histogram(cells, SECONDS)
        self.batches = Histogram(cells, MANY, unit=1)
        self.connections = Counter(cells)
        self.connections_in_use = Counter(cells)


class ServerMeters:
    """What a server counts beside its requests."""

    def __init__(self, cells: Cells) -> None:
        self.processes = Counter(cells)
        self.streams = Counter(cells)
        self.logins = {result: Counter(cells) for result in ("succeeded", "failed", "refused")}
        self.backups = {result: Counter(cells) for result in ("succeeded", "failed")}
        self.backup_seconds = Counter(cells)


class Sample(NamedTuple):
    """What is not counted, but looked up when somebody asks."""

    name: str
    help: str
    value: float
    labels: Labels = {}  # noqa: RUF012  nobody changes it


class Metrics:
    """Everything that one server counts."""

    def __init__(self, routes: Iterable[tuple[str, str]]) -> None:
        """`routes`: the methods and paths that requests are told apart by."""
        cells = self._cells = Cells()
        self.requests = {route: Requests(cells) for route in [*routes, OTHER]}
        self.others = self.requests[OTHER]
        self.store = StoreMeters(cells)
        self.server = ServerMeters(cells)
        self._gauges = (
            self.server.processes,
            self.server.streams,
            self.store.connections,
            self.store.connections_in_use,
        )
        self._parts = [cells.memory]
        self.begin()

    @property
    def size(self) -> int:
        """How many bytes one process needs."""
        return 8 * self._cells.size

    def share(self, memory: memoryview, number: int) -> None:
        """Count in this memory, which is for several processes, as the one with that number."""
        count = self._cells.size
        whole = memory.cast("B").cast("q")
        self._parts = [whole[at : at + count] for at in range(0, len(whole), count)]
        self._cells.memory = self._parts[number]
        self.begin()

    def begin(self) -> None:
        """A process that begins has nothing open, whatever the one before it had."""
        for gauge in self._gauges:
            gauge.set(0)
        self.server.processes.set(1)

    def text(self, samples: Iterable[Sample]) -> bytes:
        """What all processes have counted, and what was looked up, for Prometheus."""
        return "".join(f"{line}\n" for line in self._lines(samples)).encode()

    def _lines(self, samples: Iterable[Sample]) -> Iterator[str]:
        parts = self._parts
        yield from _head("taskhold_requests_total", "counter", "Requests answered.")
        for (method, path), requests in self.requests.items():
            for status, count in requests.by_class(parts).items():
                labels = {"method": method, "route": path, "status": status}
                yield _line("taskhold_requests_total", labels, count)
        name = "taskhold_request_seconds"
        yield from _head(name, "histogram", "From a request's headers to its answer.")
        for (method, path), requests in self.requests.items():
            yield from requests.durations.lines(name, {"method": method, "route": path}, parts)
        name = "taskhold_commit_seconds"
        yield from _head(name, "histogram", "COMMIT, until it is on disk.")
        yield from self.store.commits.lines(name, {}, parts)
        name = "taskhold_commit_writes"
        yield from _head(name, "histogram", "Writes that one COMMIT kept.")
        yield from self.store.batches.lines(name, {}, parts)
        for name, kind, text, by_label, counters in self._counters():
            yield from _head(name, kind, text)
            for value, counter in counters.items():
                labels = {by_label: value} if by_label else {}
                yield _line(name, labels, sum(counter.in_part(part) for part in parts))
        for sample in samples:
            yield from _head(sample.name, "gauge", sample.help)
            yield _line(sample.name, sample.labels, sample.value)

    def _counters(self) -> Iterator[tuple[str, str, str, str, dict[str, Counter]]]:
        server, store = self.server, self.store
        yield (
            *("taskhold_logins_total", "counter", "Logins: right, wrong, or too many."),
            *("result", server.logins),
        )
        yield (
            *("taskhold_backups_total", "counter", "Scheduled backups."),
            *("result", server.backups),
        )
        yield (
            *("taskhold_streams", "gauge", "Streams of /events that are open."),
            *("", {"": server.streams}),
        )
        yield (
            *("taskhold_processes", "gauge", "Processes that serve."),
            *("", {"": server.processes}),
        )
        yield (
            *("taskhold_connections", "gauge", "Connections to PostgreSQL that are open."),
            *("", {"": store.connections}),
        )
        yield (
            *("taskhold_connections_in_use", "gauge", "Of those, the ones in a transaction."),
            *("", {"": store.connections_in_use}),
        )


OTHER = ("", "other")
"""What is no route: pages, the libraries' files, paths that there are not."""


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Labels, value: float) -> str:
    shown = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {value}" if shown else f"{name} {value}"
