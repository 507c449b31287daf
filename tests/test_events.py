"""`GET /events`: what happens, as it happens, without a gap, whichever process wrote it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from tests.support.problems import check_problem
from tests.support.servers import LiveServer, ServerProcess
from tests.support.sql import run_sql

Serve = Callable[..., ServerProcess]
Event = dict[str, Any]
SECONDS = 20


class Stream:
    """An open stream, read event by event."""

    def __init__(self, answer: httpx2.Response) -> None:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        self._lines = answer.iter_lines()
        assert next(self._lines).startswith(":"), "it says at once that it is connected"
        assert next(self._lines) == ""

    def changes(self) -> Iterator[Event]:
        """The changes that come, until the server ends the stream."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                change: Event = json.loads(fields["data"])
                assert fields.keys() == {"event", "id", "data"}
                assert (fields["event"], fields["id"]) == ("change", str(change["seq"]))
                yield change
                fields = {}

    def take(self, count: int) -> list[Event]:
        changes = self.changes()
        return [next(changes) for _ in range(count)]


@contextmanager
def following(url: str, after: int | None = None, **headers: str) -> Iterator[Stream]:
    """A stream of a client of its own."""
    parameters = {} if after is None else {"after": after}
    with (
        httpx2.Client(base_url=url, timeout=SECONDS) as client,
        client.stream("GET", "/events", params=parameters, headers=headers) as answer,
    ):
        yield Stream(answer)


def test_each_change_is_an_event_and_the_same_as_in_the_journal(
    server: LiveServer, client: httpx2.Client
) -> None:
    client.post("/tasks", json={"title": "before"})
    with following(server.url) as stream:
        client.post("/tasks", json={"title": "é\u2028\n".strip()}, headers={"Idempotency-Key": "k"})
        client.patch("/tasks/2", json={"done": True})
        client.patch("/tasks/2", json={"done": True})  # changes nothing
        client.delete("/tasks/2")
        events = stream.take(3)
    assert events == client.get("/changes", params={"after": 1}).json()["changes"]
    assert [event["action"] for event in events] == ["create", "update", "delete"]


def test_a_reader_goes_on_without_a_gap_where_it_left(
    server: LiveServer, client: httpx2.Client
) -> None:
    def write() -> None:
        with httpx2.Client(base_url=server.url, timeout=SECONDS) as writer:
            for number in range(150):
                writer.post("/tasks", json={"title": str(number)})

    writing = [threading.Thread(target=write) for _ in range(2)]
    for thread in writing:
        thread.start()
    seen: list[int] = []
    while len(seen) < 300:
        with following(server.url, after=0, **{"Last-Event-ID": str(len(seen))}) as stream:
            seen += [event["seq"] for event in stream.take(min(37, 300 - len(seen)))]
    for thread in writing:
        thread.join()
    assert seen == list(range(1, 301))


def test_every_process_tells_what_the_others_write(serve: Serve) -> None:
    first, second = serve(), serve("--workers", "2")
    with (
        following(first.url, after=0) as one,
        following(second.url, after=0) as other,
        first.client() as at_first,
        second.client() as at_second,
    ):
        took = []
        for number in range(5):
            began = time.monotonic()
            for client in (at_first, at_second):
                client.post("/tasks", json={"title": str(number)})
            assert [event["seq"] for event in one.take(2)] == [2 * number + 1, 2 * number + 2]
            assert [event["seq"] for event in other.take(2)] == [2 * number + 1, 2 * number + 2]
            took.append(time.monotonic() - began)
    assert sorted(took)[2] < 1.0


def test_many_readers_hear_the_same(server: LiveServer, client: httpx2.Client) -> None:
    heard: list[list[Event]] = []

    def read() -> None:
        with following(server.url, after=0) as stream:
            heard.append(stream.take(20))

    reading = [threading.Thread(target=read) for _ in range(30)]
    for thread in reading:
        thread.start()
    for number in range(20):
        client.post("/tasks", json={"title": str(number)})
    for thread in reading:
        thread.join(SECONDS)
    changes = client.get("/changes", params={"after": 0}).json()["changes"]
    assert heard == [changes] * 30


def test_a_reader_that_reads_nothing_holds_up_nobody(serve: Serve) -> None:
    process = serve()
    asleep = socket.socket()
    asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = httpx2.URL(process.url)
    with asleep, following(process.url, after=0) as awake, process.client() as client:
        asleep.connect((address.host, address.port))
        asleep.sendall(f"GET /events HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n\r\n".encode())
        for letter in "ab" * 100:  # more than the sockets between hold
            client.post("/tasks", json={"title": letter * 500})
            client.patch("/tasks/1", json={"title": "𝄞" * 499 + letter})
        newest = client.get("/changes").json()["cursor"]
        assert awake.take(newest)[-1]["seq"] == newest


def test_a_reader_that_goes_leaves_nothing_behind(
    server: LiveServer, client: httpx2.Client
) -> None:
    readers = server.app.state.feed.readers
    client.post("/tasks", json={"title": "a"})
    with following(server.url, after=0) as one, following(server.url, after=0) as other:
        assert len(one.take(1)) == len(other.take(1)) == 1
        assert len(readers) == 2
    client.head("/events")
    until = time.monotonic() + SECONDS
    while readers:
        client.post("/tasks", json={"title": "a"})
        assert time.monotonic() < until, "the server still holds the streams"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_ends_the_streams_at_once(workers: str, serve: Serve) -> None:
    process = serve("--workers", workers)
    with following(process.url) as stream, process.client() as client:
        client.post("/tasks", json={"title": "the last one"})
        assert len(stream.take(1)) == 1
        began = time.monotonic()
        process.process.terminate()
        assert list(stream.changes()) == []
        assert process.process.wait(SECONDS) == 0
        assert time.monotonic() - began < 5


def test_what_cant_be_followed_is_refused(client: httpx2.Client) -> None:
    for status, path, headers in (
        (410, "/events?after=1", {}),
        (410, "/events", {"Last-Event-ID": "1"}),
        (422, "/events?after=-1", {}),
        (422, "/events?after=x", {}),
        (422, "/events?limit=1", {}),
        (422, "/events", {"Last-Event-ID": "x"}),
        (422, "/events", {"Last-Event-ID": "9" * 30}),
        (401, "/events", {"X-Forwarded-For": "192.0.2.1"}),
    ):
        answer = client.get(path, headers=headers)
        assert answer.status_code == status, path
        check_problem(answer)
    head = client.head("/events")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream")


@pytest.mark.database("postgresql")
def test_events_go_on_when_the_connections_that_carry_them_are_lost(
    serve: Serve, database_url: str
) -> None:
    one, other = serve(), serve()
    lost = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    with following(one.url, after=0) as stream, other.client() as client:
        for number in range(1, 4):
            client.post("/tasks", json={"title": str(number)})
            assert stream.take(1)[0]["seq"] == number
            run_sql(database_url, lost)


@pytest.mark.timeout(120)
@pytest.mark.database("postgresql")
def test_a_quiet_stream_says_that_it_lives(serve: Serve, long: bool) -> None:
    """Every 15 seconds; other wake-ups, of which PostgreSQL's store has some, are no such sign.

    Of SQLite's it is heard by the patient client of tests/test_serve.py, which waits as long.
    """
    with serve().client() as client, client.stream("GET", "/events", timeout=20) as answer:
        lines = answer.iter_lines()
        assert [next(lines), next(lines)] == [": following", ""]
        for _ in range(4 if long else 1):
            began = time.monotonic()
            assert [next(lines), next(lines)] == [": nothing new", ""]
            assert 14 < time.monotonic() - began < 17
