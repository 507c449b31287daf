"""PostgreSQL dies or is cut off: nothing acknowledged is lost, nothing is done twice."""

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.support.at_once import all_at_once
from tests.support.databases import PostgreSQLDatabases
from tests.support.journal import tasks_and_journal_agree
from tests.support.postgresql import PostgreSQL
from tests.support.proxy import Fate, Proxy
from tests.support.servers import ServerProcess
from tests.support.sessions import nothing_is_left_on_connections
from tests.support.tasks import create, titles
from tests.support.unanswered import begin
from tests.support.writers import Writers

Serve = Callable[..., ServerProcess]
BACK_SECONDS = 2.0
ANSWER_SECONDS = 6.0
KEY = {"Idempotency-Key": "the-same"}


@pytest.fixture
def database_url(cluster_url: str) -> str:
    return cluster_url


@pytest.fixture
def client(serve: Serve, proxy: Proxy, database_url: str) -> Iterator[httpx2.Client]:
    """A client of a server that reaches its database by way of the proxy."""
    with serve(TASKHOLD_DATABASE_URL=proxy.in_front_of(database_url)).client() as client:
        yield client


def at_once(
    threads: ThreadPoolExecutor, work: Callable[[int], httpx2.Response], times: int
) -> list[Future[httpx2.Response]]:
    return [threads.submit(work, number) for number in range(times)]


def is_unsure(answer: httpx2.Response) -> None:
    """It says that nobody knows whether it was saved, and when to try again."""
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/outcome-unknown")
    assert int(answer.headers["Retry-After"]) >= 1


# It dies under load


@pytest.mark.timeout(900)
def test_every_acknowledged_write_survives_a_crash_of_the_database(
    serve: Serve, cluster: PostgreSQL, database_url: str, long: bool
) -> None:
    process = serve()
    writers = Writers([process.url], plain=6, keyed=6)
    with process.client() as client:
        for _ in range(20 if long else 3):
            with writers.writing():
                cluster.kill()
                cluster.start()
                assert writers.wait_for_progress() < BACK_SECONDS
            writers.find_everything(client, database_url)
    assert writers.slowest < ANSWER_SECONDS
    assert "Traceback" not in process.log.read_text()


def test_every_connection_is_terminated_under_load_again_and_again(
    serve: Serve, cluster: PostgreSQL, database_url: str
) -> None:
    process = serve()
    writers = Writers([process.url], plain=6, keyed=6)
    until = time.monotonic() + 4
    terminated = 0
    with process.client() as client:
        with writers.writing():
            while time.monotonic() < until:
                terminated += terminate_all(cluster)  # none, while the next ones are being opened
                assert client.get("/tasks?limit=1").status_code == 200
            assert writers.wait_for_progress() < BACK_SECONDS
        writers.find_everything(client, database_url)
    assert terminated > 20
    assert writers.slowest < ANSWER_SECONDS
    assert "Traceback" not in process.log.read_text()


def terminate_all(cluster: PostgreSQL) -> int:
    """How many connections of servers there were."""
    return len(
        cluster.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'taskhold' AND datname LIKE 'test%'"
        )
    )


# It dies while nobody asks


@pytest.mark.parametrize("ends", ["crashes", "stops"])
def test_after_a_restart_of_the_database_the_first_requests_on_every_connection_succeed(
    ends: str, serve: Serve, cluster: PostgreSQL
) -> None:
    process = serve()
    with process.client() as client, ThreadPoolExecutor(16) as threads:
        for turn in range(3):
            writes = at_once(threads, lambda n: create(client, f"{n}"), 8)
            reads = at_once(threads, lambda _: client.get("/tasks"), 8)
            assert {each.result().status_code for each in writes} == {201}
            assert {each.result().status_code for each in reads} == {200}
            (cluster.kill if ends == "crashes" else cluster.stop)()
            cluster.start()
            if turn == 1:
                assert client.get("/tasks/1").status_code == 200
                assert create(client, "alone").status_code == 201
        assert len(titles(client)) == 3 * 8 + 1
    assert "Traceback" not in process.log.read_text()


def test_after_every_connection_was_cut_the_first_requests_succeed(
    client: httpx2.Client, proxy: Proxy
) -> None:
    with ThreadPoolExecutor(16) as threads:
        for _ in range(3):
            writes = at_once(threads, lambda n: create(client, f"{n}"), 8)
            reads = at_once(threads, lambda _: client.get("/tasks"), 8)
            assert {each.result().status_code for each in writes} == {201}
            assert {each.result().status_code for each in reads} == {200}
            proxy.cut()
    assert len(titles(client)) == 3 * 8


def test_a_server_that_slept_through_a_restart_of_the_database_answers_its_first_requests(
    serve: Serve, cluster: PostgreSQL
) -> None:
    """The ends of its connections and the requests come to it in the same moment."""
    process = serve()
    with process.client() as client, ThreadPoolExecutor(16) as threads, ExitStack() as undo:
        for turn in range(3):
            at_work = at_once(threads, lambda n: create(client, f"{n}"), 8)
            at_work += at_once(threads, lambda _: client.get("/tasks"), 8)
            assert {each.result().status_code for each in at_work} == {200, 201}
            process.process.send_signal(signal.SIGSTOP)
            undo.callback(process.process.send_signal, signal.SIGCONT)
            cluster.kill()
            cluster.start()
            asked = [begin(process.url, "GET", "/tasks") for _ in range(8)]
            asked += [begin(process.url, "POST", "/tasks", {"title": f"{turn}"}) for _ in range(8)]
            process.process.send_signal(signal.SIGCONT)
            for number, connection in enumerate(asked):
                with connection:
                    status = b"HTTP/1.1 200" if number < 8 else b"HTTP/1.1 201"
                    assert connection.recv(12, socket.MSG_WAITALL) == status
        assert len(titles(client)) == 3 * 16
    assert "Traceback" not in process.log.read_text()


# It is cut off while it commits


@pytest.mark.parametrize("fate", [Fate.never_arrives, Fate.answer_is_lost])
def test_a_write_whose_commit_is_unclear_says_so(
    fate: Fate, client: httpx2.Client, proxy: Proxy
) -> None:
    path = create(client, "there before").headers["Location"]
    committed = fate is Fate.answer_is_lost
    proxy.next_commits(fate)
    is_unsure(create(client, "new"))
    assert titles(client) == ["there before", *["new"] * committed]
    proxy.next_commits(fate)
    is_unsure(client.patch(path, json={"title": "changed"}))
    assert client.get(path).json()["title"] == ("changed" if committed else "there before")
    proxy.next_commits(fate)
    is_unsure(client.delete(path))
    assert client.get(path).status_code == (404 if committed else 200)
    tasks_and_journal_agree(client)


@pytest.mark.parametrize("fate", [Fate.never_arrives, Fate.answer_is_lost])
def test_under_a_key_an_unclear_commit_is_settled_at_once(
    fate: Fate, client: httpx2.Client, proxy: Proxy
) -> None:
    committed = fate is Fate.answer_is_lost
    proxy.next_commits(fate)
    created = create(client, "new", KEY)
    assert created.status_code == 201
    assert ("Idempotent-Replayed" in created.headers) == committed
    path = created.headers["Location"]
    proxy.next_commits(fate)
    change = {"Idempotency-Key": "change", "If-Match": created.headers["ETag"]}
    changed = client.patch(path, json={"title": "changed"}, headers=change)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    proxy.next_commits(fate)
    assert client.delete(path, headers={"Idempotency-Key": "delete"}).status_code == 204
    assert titles(client) == []
    assert client.get("/changes").json()["cursor"] == 3


def test_under_a_key_a_commit_that_is_unclear_twice_is_settled_by_a_repeat(
    client: httpx2.Client, proxy: Proxy
) -> None:
    proxy.next_commits(Fate.never_arrives, times=2)
    is_unsure(create(client, "new", KEY))
    assert titles(client) == []
    assert create(client, "new", KEY).status_code == 201
    assert titles(client) == ["new"]


def test_a_commit_that_is_held_back_is_unsure_until_it_gets_through(
    serve: Serve, cluster: PostgreSQL, cluster_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    """The database is asked to commit after the server has given the connection up."""
    busy = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'taskhold' AND state <> 'idle' "
        "AND datname = current_database()"
    )

    def hold_back(key: str | None) -> None:
        headers = {"Idempotency-Key": key} if key else {}
        with (
            cluster_databases.fresh(tmp_path) as url,
            Proxy(cluster.port) as proxy,
            serve(TASKHOLD_DATABASE_URL=proxy.in_front_of(url)).client() as client,
        ):
            create(client, "there before")
            proxy.next_commits(Fate.held_back)
            began = time.monotonic()
            is_unsure(create(client, "late", headers))
            assert time.monotonic() - began < ANSWER_SECONDS
            proxy.go_on()
            until = time.monotonic() + 12
            while cluster.execute(busy, url.rpartition("/")[2]):
                assert time.monotonic() < until
                time.sleep(0.02)
            there = titles(client)
            assert there in (["there before"], ["there before", "late"])
            repeated = create(client, "late", headers)
            assert repeated.status_code == 201
            if key:
                assert titles(client) == ["there before", "late"]
            else:
                assert titles(client) == [*there, "late"]

    all_at_once(hold_back, (None, "the-same"))


def test_a_server_that_dies_right_after_its_answer_leaves_those_in_line_unharmed(
    client: httpx2.Client, proxy: Proxy
) -> None:
    """Each connection is handed on to the next in line in the moment in which it ends."""
    with ThreadPoolExecutor(16) as threads:
        for turn in range(12):
            proxy.next_commits(Fate.then_cut, times=8)
            writes = at_once(threads, lambda n, turn=turn: create(client, f"{turn}.{n}"), 16)  # type: ignore[misc]
            answers = [each.result() for each in writes]
            assert [each.text for each in answers if each.status_code != 201] == []
    assert len(titles(client)) == 12 * 16


# A request that fails in its middle


def test_nothing_of_a_failed_request_is_left_on_its_connection(
    serve: Serve, cluster: PostgreSQL, database_url: str
) -> None:
    process = serve()
    with process.client() as client, ThreadPoolExecutor(16) as threads:
        stale = {"If-Match": create(client, "contended").headers["ETag"]}
        client.patch("/tasks/1", json={"title": "changed since"})
        for _ in range(4):
            failing = [
                *at_once(threads, lambda _: client.delete("/tasks/99"), 4),
                *at_once(threads, lambda _: client.delete("/tasks/1", headers=stale), 4),
            ]
            assert {each.result().status_code for each in failing} == {404, 412}
        nothing_is_left_on_connections(cluster, database_url)
        assert titles(client) == ["changed since"]


def test_no_request_sets_anything_for_those_that_come_after_it(
    serve: Serve, cluster: PostgreSQL, database_url: str
) -> None:
    cluster.execute("ALTER SYSTEM SET log_statement = 'all'")
    cluster.execute("ALTER SYSTEM SET log_line_prefix = '%d|'")
    cluster.restart()
    name = database_url.rpartition("/")[2]
    with serve().client() as client:
        for _ in range(2):  # of the second one the server has the answer
            create(client, "a task", KEY)
        client.patch("/tasks/1", json={"done": True})
        client.patch("/tasks/1", json={"done": True})
        client.delete("/tasks/1", headers={"If-Match": '"another"'})
        for path in ("", "/1", "/99", "/count", "?sort=title", "?offset=5000", "/1/history"):
            client.get(f"/tasks{path}")
        client.get("/changes?after=0")
        client.delete("/tasks/1")
    cluster.execute("ALTER SYSTEM RESET ALL")
    cluster.restart()
    log = (cluster.data / "server.log").read_text()
    ran = re.findall(rf"^{name}\|LOG:  (?:statement|execute \S+): (.+)", log, re.MULTILINE)
    assert len(ran) > 40
    sets = re.compile(r"(?i)\bset_config\b|(^|;)\s*(RE)?SET\s+(?!LOCAL)")
    assert [sql for sql in ran if sets.search(sql)] == []
