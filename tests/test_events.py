"""`GET /events`: what happens, as it happens, without a gap, whichever process wrote it."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.accounts import cookies_of, log_in, make_accounts
from tests.support.commands import said
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


async def heard_by(url: str, readers: int, events: int, follow: threading.Barrier) -> list[str]:
    """What each of many readers was sent until it had so many events, without its comments."""

    async def read() -> str:
        address = httpx2.URL(url)
        stream, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await stream.readuntil(b": following\n\n")
        connected.release()
        text = b""
        while text.count(b"\ndata: ") < events or not text.endswith(b"\n\n\r\n"):
            text += await stream.read(65_536)
        writer.close()
        return re.sub(r"\r\n[0-9a-f]+\r\n", "", "\r\n" + text[2:].decode())

    connected = asyncio.Semaphore(0)
    reading = [asyncio.create_task(read()) for _ in range(readers)]
    for _ in reading:
        await connected.acquire()
    await asyncio.to_thread(follow.wait)
    return await asyncio.wait_for(asyncio.gather(*reading), SECONDS)


def test_many_readers_hear_the_same_whichever_process_they_ask(serve: Serve) -> None:
    servers = serve(), serve()
    follow = threading.Barrier(3)

    def read(server: ServerProcess) -> list[str]:
        return asyncio.run(heard_by(server.url, 100, 20, follow))

    with ThreadPoolExecutor(2) as threads, servers[0].client() as client:
        reading = [threads.submit(read, server) for server in servers]
        follow.wait(SECONDS)
        began = time.monotonic()
        for number in range(20):
            client.post("/tasks", json={"title": str(number)})
        heard = {text for each in reading for text in each.result()}
        took = time.monotonic() - began
        changes = client.get("/changes", params={"after": 0}).json()["changes"]
    (text,) = heard
    assert [json.loads(data) for data in re.findall("^data: (.+)$", text, re.MULTILINE)] == changes
    assert took < 5


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


def memory_of(process: ServerProcess) -> int:
    """What it has in memory, in MB (proc_pid_status(5))."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) // 1024


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="NOT TESTED HERE: a server's memory is read from /proc, which this system lacks",
)
@pytest.mark.database("sqlite")
def test_what_waits_for_sleeping_readers_is_small_however_long_the_texts(serve: Serve) -> None:
    """Each stops at another place of a journal of 20 MB."""
    process = serve()
    address = httpx2.URL(process.url)
    with process.client() as client, ExitStack() as stack:
        client.post("/tasks", json={"title": "long"})
        for number in range(50):
            notes = chr(0x1D100 + number) * 50_000
            assert client.patch("/tasks/1", json={"notes": notes}).status_code == 200
        before = memory_of(process)
        for place in range(40):
            asleep = stack.enter_context(socket.socket())
            asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            asleep.connect((address.host, address.port))
            head = f"GET /events?after={place} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n\r\n"
            asleep.sendall(head.encode())
            assert asleep.recv(12) == b"HTTP/1.1 200"
        with following(process.url, after=0) as awake:
            assert len(awake.take(51)) == 51
        assert memory_of(process) - before < 150


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


def test_an_accounts_readers_hear_all_of_its_operations_and_nobody_elses(
    serve: Serve, database_url: str
) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    here, there = serve(), serve()
    with here.client() as client, there.client() as other, ExitStack() as stack:
        ada, bob = ({"Cookie": cookies_of(log_in(client, name))} for name in ("ada", "bob"))
        client.cookies.clear()
        streams = [
            [stack.enter_context(following(server.url, 0, **who)) for server in (here, there)]
            for who in (ada, bob)
        ]

        def send(method: str, path: str, body: Any, sender: httpx2.Client = other) -> Any:
            answer = sender.request(method, path, json=body, headers=ada)
            assert answer.is_success, answer.text
            return answer.json() if answer.content else None

        list_id = send("POST", "/lists", {"name": "Moving"})["id"]
        task = {"title": "one of many", "tags": ["home"], "list_id": list_id}
        many = [{"op": "create", "task": task} for _ in range(120)]
        send("POST", "/tasks/batch", {"operations": many})
        send("PATCH", "/tags/home", {"tag": "house"}, client)
        send("DELETE", f"/lists/{list_id}", None)
        last = send("GET", "/changes", None)["cursor"]
        send("POST", f"/changes/{last}/undo", {})
        own = {"title": "bob's"}
        assert client.post("/tasks", json=own, headers=bob).status_code == 201

        for who, followers, count in (
            (ada, streams[0], 1 + 120 + 120 + 2 * 121),
            (bob, streams[1], 1),
        ):
            first, second = (
                client.get("/changes", params={"after": after, "limit": 500}, headers=who).json()
                for after in (0, min(count, 500))
            )
            assert not second["changes"]
            for stream in followers:
                assert stream.take(count) == first["changes"]


def test_a_quiet_stream_ends_soon_after_its_login_does(serve: Serve, database_url: str) -> None:
    names = ("ada", "disabled", "changed", "removed")
    ids = make_accounts(database_url, *({"username": name} for name in names))
    here, there = serve(), serve()
    with here.client() as client, ExitStack() as stack:

        def logged_in(name: str) -> dict[str, str]:
            session = {"Cookie": cookies_of(log_in(client, name))}
            client.cookies.clear()
            return session

        def token(name: str, **fields: Any) -> tuple[str, dict[str, str]]:
            body = {"name": "t", "scopes": ["read"]} | fields
            made = client.post("/tokens", json=body, headers=sessions[name]).json()
            return f"/tokens/{made['id']}", {"Authorization": f"Bearer {made['token']}"}

        sessions = {name: logged_in(name) for name in names}
        ada, ended = sessions["ada"], logged_in("ada")
        revoked, by_revoked = token("ada")
        soon = datetime.now(UTC) + timedelta(seconds=4)
        _, by_expired = token("ada", expires_at=soon.isoformat())
        followers = {
            "a revoked token": by_revoked,
            "an expired token": by_expired,
            "an ended session": ended,
            "a disabled account": sessions["disabled"],
            "a token of a disabled account": token("disabled")[1],
            "a session before the password changed": sessions["changed"],
            "a removed account": sessions["removed"],
        }
        streams = {
            name: stack.enter_context(following(there.url, None, **login))
            for name, login in followers.items()
        }
        with following(there.url, None, **ada) as stays:
            time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()))
            for method, path, body, login in (
                ("DELETE", revoked, None, ada),
                ("POST", "/logout", {}, ended),
                ("PATCH", f"/users/{ids[1]}", {"disabled": True}, ada),
                ("PATCH", f"/users/{ids[2]}", {"password": "another horse battery"}, ada),
                ("DELETE", f"/users/{ids[3]}", None, ada),
            ):
                answer = client.request(method, path, json=body, headers=login)
                assert answer.is_success, (path, answer.text)
            began = time.monotonic()
            with ThreadPoolExecutor(len(streams)) as threads:
                endings = {
                    name: threads.submit(
                        lambda stream: (list(stream.changes()), time.monotonic()), s
                    )
                    for name, s in streams.items()
                }
                for name, ending in endings.items():
                    heard, at = ending.result()
                    assert heard == [], name
                    assert at - began < 8, f"{name} goes on for {at - began:.1f} s"
            client.post("/tasks", json={"title": "for those who stay"}, headers=ada)
            assert len(stays.take(1)) == 1


def test_what_a_command_writes_is_heard_although_it_ends_at_once(
    serve: Serve, database_url: str
) -> None:
    with following(serve().url, 0) as stream:
        assert said(database_url, "seed", "--tasks", "1")
        began = time.monotonic()
        assert stream.take(1)[0]["action"] == "create"
        assert time.monotonic() - began < 3


@pytest.mark.database("sqlite")
def test_what_any_program_writes_to_the_file_is_heard_soon(serve: Serve, database_url: str) -> None:
    """Also where the numbers of rows that were deleted are given out again."""
    ids = make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    here, there = serve(), serve()
    with here.client() as client:
        ada, bob = ({"Cookie": cookies_of(log_in(client, name))} for name in ("ada", "bob"))
        client.cookies.clear()
        with following(there.url, None, **ada) as stream:
            run_sql(database_url, "INSERT INTO task (title, done) VALUES ('outside', 0)")
            assert stream.take(1)[0]["actor"] == "outside"
            for turn in range(3):
                for _ in range(5):
                    client.post("/tasks", json={"title": "the newest rows"}, headers=bob)
                if turn == 1:
                    assert client.delete(f"/users/{ids[1]}", headers=ada).status_code == 204
                began = time.monotonic()
                client.post("/tasks", json={"title": "a row of the same number"}, headers=ada)
                assert stream.take(1)[0]["actor"] == "ada"
                assert time.monotonic() - began < 3


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
