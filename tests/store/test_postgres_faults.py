"""PostgreSQL is locked, silent, full or has no connection left: who is told what, and how soon."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path

import asyncpg
import httpx2
import pytest

from tests.support.at_once import all_at_once
from tests.support.databases import PostgreSQLDatabases
from tests.support.disk import SmallTmpfs, small_disk
from tests.support.postgresql import PostgreSQL
from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess
from tests.support.sessions import Session, nothing_is_left_on_connections
from tests.support.sql import run_sql
from tests.support.tasks import create, titles
from tests.support.unanswered import begin

Serve = Callable[..., ServerProcess]
ANSWER_SECONDS = 6.0
BACK_SECONDS = 2.0
READ_SECONDS = 1.0
NEW = {"title": "refused"}


@pytest.fixture
def database_url(cluster_url: str) -> str:
    return cluster_url


COUNT_SECONDS = 31.0
"""A count reads everything: it is given 30 seconds, and so is a connection that is silent in it."""


def is_refused(answer: httpx2.Response, status: int = 503, problem: str = "unavailable") -> None:
    """It is that problem, in time, and says when to try again."""
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")
    assert int(answer.headers["Retry-After"]) >= 1
    is_count = answer.request.url.path == "/tasks/count"
    assert answer.elapsed.total_seconds() < (COUNT_SECONDS if is_count else ANSWER_SECONDS)


Request = Callable[[httpx2.Client], httpx2.Response]
WRITES: tuple[Request, ...] = (
    lambda client: client.patch("/tasks/1", json=NEW),
    lambda client: client.post("/tasks", json=NEW),
    lambda client: client.delete("/tasks/1"),
    lambda client: client.post("/tasks", json=NEW, headers={"Idempotency-Key": "refused"}),
)
READS: tuple[Request, ...] = (
    lambda client: client.get("/tasks"),
    lambda client: client.get("/tasks/1"),
    lambda client: client.get("/changes?after=0"),
    lambda client: client.get("/tasks/count"),
)


class Answers:
    """Those of requests that are all sent at once."""

    def __init__(self, threads: ThreadPoolExecutor, client: httpx2.Client) -> None:
        self._threads = threads
        self._client = client

    def to(self, requests: tuple[Request, ...], times: int = 8) -> Callable[[], bool]:
        """Send so many; what is returned tells whether all are answered, `list` what."""
        self._waiting = [
            self._threads.submit(each, self._client) for each in islice(cycle(requests), times)
        ]
        return lambda: all(each.done() for each in self._waiting)

    def list(self) -> list[httpx2.Response]:
        return [each.result() for each in self._waiting]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


# Somebody else holds a lock


LOCKS = (
    "LOCK TABLE task IN EXCLUSIVE MODE",
    "LOCK TABLE task IN SHARE ROW EXCLUSIVE MODE",
    "SELECT id FROM task WHERE id = 1 FOR UPDATE",
    "SELECT pg_advisory_xact_lock(1)",
)


def test_while_a_lock_is_held_writes_are_refused_in_time_and_reads_do_not_notice(
    serve: Serve, cluster: PostgreSQL, cluster_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    """Each lock in a database of its own, all of them at once."""

    def hold(lock: str) -> None:
        with (
            cluster_databases.fresh(tmp_path) as url,
            serve(TASKHOLD_DATABASE_URL=url).client() as client,
            ThreadPoolExecutor(12) as threads,
        ):
            before = create(client, "there before").json()
            with Session(url) as session:
                session.execute("BEGIN")
                session.execute(lock)
                answers = Answers(threads, client)
                stuck = WRITES[:1] if "id = 1" in lock else WRITES
                answered = answers.to(stuck, times=12)
                while not answered():
                    for read in READS:
                        answer = read(client)
                        assert answer.status_code == 200
                        assert answer.elapsed.total_seconds() < READ_SECONDS
                    time.sleep(0.02)  # the others want the processor too
                for answer in answers.list():
                    is_refused(answer)
            nothing_is_left_on_connections(cluster, url)
            assert client.get("/tasks/1").json() == before
            assert create(client, "next").status_code == 201
            assert titles(client) == ["there before", "next"]

    all_at_once(hold, LOCKS)


def test_a_write_that_gets_the_lock_in_time_just_takes_longer(
    serve: Serve, database_url: str, threads: ThreadPoolExecutor
) -> None:
    with serve().client() as client:
        create(client, "there before")
        answers = Answers(threads, client)
        with Session(database_url) as session:
            session.execute("BEGIN")
            session.execute("SELECT pg_advisory_xact_lock(1)")
            answered = answers.to(WRITES[1:2], times=16)
            until = time.monotonic() + 1
            while time.monotonic() < until:
                assert client.get("/tasks/1").status_code == 200
                assert not answered()
        assert {answer.status_code for answer in answers.list()} == {201}
        assert len(titles(client)) == 17


def test_clients_that_go_away_in_the_middle_of_a_write_leave_nothing_behind(
    serve: Serve, cluster: PostgreSQL, database_url: str
) -> None:
    process = serve()
    with process.client() as client:
        create(client, "there before")
        with Session(database_url) as session:
            session.execute("BEGIN")
            session.execute("SELECT pg_advisory_xact_lock(1)")
            gone = [begin(process.url, "POST", "/tasks", {"title": "gone"}) for _ in range(8)]
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
            until = time.monotonic() + 5
            while cluster.execute(waits) == [(0,)]:
                assert time.monotonic() < until
            for connection in gone:
                connection.close()
        assert create(client, "next").status_code == 201
        nothing_is_left_on_connections(cluster, database_url)
        assert set(titles(client)) <= {"there before", "gone", "next"}
        assert titles(client).count("next") == 1


# It does not answer


def test_a_database_that_goes_silent_is_refused_in_time_and_used_again(
    serve: Serve, cluster: PostgreSQL, proxy: Proxy, database_url: str, threads: ThreadPoolExecutor
) -> None:
    process = serve(TASKHOLD_DATABASE_URL=proxy.in_front_of(database_url))
    with process.client() as client:
        create(client, "there before")
        first, second, third = (Answers(threads, client) for _ in range(3))
        proxy.black_hole()
        answered = first.to(WRITES + READS, times=16)
        began = time.monotonic()
        while time.monotonic() < began + 3:
            assert client.get("/healthz").elapsed.total_seconds() < READ_SECONDS
        second.to(WRITES + READS, times=16)
        while not answered():
            assert client.get("/healthz").elapsed.total_seconds() < READ_SECONDS
        third.to((lambda client: client.get("/readyz"), *READS), times=5)
        for answer in [*first.list(), *second.list(), *third.list()]:
            is_refused(answer)
        proxy.go_on()
        began = time.monotonic()
        assert create(client, "next").status_code == 201
        assert client.get("/readyz").status_code == 200
        assert time.monotonic() - began < BACK_SECONDS
        nothing_is_left_on_connections(cluster, database_url)
        assert titles(client) == ["there before", "next"]


def test_connections_whose_processes_hang_are_given_up_for_new_ones(
    serve: Serve, cluster: PostgreSQL, database_url: str, threads: ThreadPoolExecutor
) -> None:
    with serve().client() as client, ExitStack() as resume:
        create(client, "there before")
        answers = Answers(threads, client)
        answers.to((READS[0], WRITES[1]), times=8)
        answers.list()
        there = sorted(titles(client))
        name = database_url.rpartition("/")[2]
        pids = (
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'taskhold'"
        )
        for (pid,) in cluster.execute(pids, name):
            os.kill(pid, signal.SIGSTOP)
            resume.callback(os.kill, pid, signal.SIGCONT)
        answers.to((WRITES[1], *READS), times=16)
        for answer in answers.list():
            if answer.is_success:
                assert answer.elapsed.total_seconds() < ANSWER_SECONDS
            else:
                is_refused(answer)
        began = time.monotonic()
        assert create(client, "next").status_code == 201
        assert client.get("/readyz").status_code == 200
        assert time.monotonic() - began < BACK_SECONDS
        resume.close()
        assert "next" in titles(client)
        assert set(titles(client)) == {*there, "next", *[NEW["title"]] * 4}


# It has no connection left


@contextmanager
def no_connection_left(cluster: PostgreSQL, database_url: str) -> Iterator[Callable[[], None]]:
    """Others hold every connection; what is given takes those that have become free since."""
    with ExitStack() as sessions:

        def take_the_rest() -> None:
            try:
                while True:
                    sessions.enter_context(Session(database_url))
            except asyncpg.TooManyConnectionsError:
                pass

        take_the_rest()
        yield take_the_rest


@pytest.fixture
def small_cluster(cluster: PostgreSQL) -> Iterator[PostgreSQL]:
    """It takes few connections."""
    cluster.execute("ALTER SYSTEM SET max_connections = 16")
    cluster.restart()
    yield cluster
    cluster.execute("ALTER SYSTEM RESET max_connections")
    cluster.restart()


def test_a_server_without_a_connection_says_so_in_time_and_comes_back(
    serve: Serve, small_cluster: PostgreSQL, database_url: str, threads: ThreadPoolExecutor
) -> None:
    with serve().client() as client:
        create(client, "there before")
        answers = Answers(threads, client)
        with no_connection_left(small_cluster, database_url) as take_the_rest:
            name = database_url.rpartition("/")[2]
            ours = (
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'taskhold'"
            )
            while small_cluster.execute(ours, name):
                take_the_rest()
            answers.to(WRITES + READS, times=16)
            ready = threads.submit(client.get, "/readyz")
            for answer in answers.list():
                is_refused(answer)
                assert "connection" in answer.json()["detail"]
            is_refused(ready.result())
            assert client.get("/healthz").status_code == 200
        began = time.monotonic()
        assert create(client, "next").status_code == 201
        assert client.get("/readyz").status_code == 200
        assert time.monotonic() - began < BACK_SECONDS
        assert titles(client) == ["there before", "next"]


def test_a_server_goes_on_with_the_connections_that_it_has(
    serve: Serve, small_cluster: PostgreSQL, database_url: str, threads: ThreadPoolExecutor
) -> None:
    """One each for reads, long reads and writes; others take at once what becomes free."""
    with serve().client() as client:
        create(client, "there before")
        assert {read(client).status_code for read in READS} == {200}
        answers = Answers(threads, client)
        with no_connection_left(small_cluster, database_url) as take_the_rest:
            for _ in range(4):
                answered = answers.to((WRITES[1], *READS, WRITES[1]), times=18)
                while not answered():
                    take_the_rest()
                assert {answer.status_code for answer in answers.list()} == {200, 201}
        assert len(titles(client)) == 1 + 4 * 6


# Its disk is full


class PretendedSmallDisk:
    """A database that says of each write that its disk is full (PostgreSQL's error 53100)."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        body = "BEGIN RAISE disk_full USING MESSAGE = 'could not extend file'; END"
        self._run(f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS '{body}'")

    def fill(self, leaving: int) -> None:  # noqa: ARG002  at the first row
        self._run("CREATE TRIGGER full_disk AFTER INSERT ON task EXECUTE FUNCTION full_disk()")

    def free(self) -> None:
        self._run("DROP TRIGGER full_disk ON task")

    def _run(self, sql: str) -> None:
        run_sql(self._url, sql)


@contextmanager
def tasks_on_a_small_disk(
    cluster: PostgreSQL, database_url: str
) -> Iterator[SmallTmpfs | PretendedSmallDisk]:
    """A real one where this user may mount it."""
    folder = cluster.data.with_name("small-disk")
    with ExitStack() as undo:
        disk = undo.enter_context(small_disk(folder))
        undo.callback(cluster.execute, "DROP TABLESPACE IF EXISTS small")
        if not isinstance(disk, SmallTmpfs):
            yield PretendedSmallDisk(database_url)
            return
        owner = cluster.data.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        cluster.execute(f"CREATE TABLESPACE small OWNER taskhold LOCATION '{folder}'")
        for table in ("task", "change"):
            undo.callback(run_sql, database_url, f"ALTER TABLE {table} SET TABLESPACE pg_default")
            run_sql(database_url, f"ALTER TABLE {table} SET TABLESPACE small")
        yield disk


def test_a_full_disk_refuses_writes_and_reads_go_on(
    serve: Serve, cluster: PostgreSQL, database_url: str
) -> None:
    long_title = "x" * 480
    with serve().client() as client, tasks_on_a_small_disk(cluster, database_url) as disk:
        kept = [create(client, "there before").json()["title"]]
        for leaving in (0, 40_000):
            disk.fill(leaving)
            for number in range(200):
                answer = create(client, f"{leaving}.{number}{long_title}")
                if answer.status_code != 201:
                    break
                kept.append(answer.json()["title"])
            is_refused(answer, 507, "storage-full")
            is_refused(create(client, f"{leaving}{long_title}"), 507, "storage-full")
            assert client.get("/tasks/1").json()["title"] == "there before"
            assert client.get("/tasks/count").json() == {"count": len(kept)}
            assert client.get("/readyz").status_code == 200
            disk.free()
            kept.append(create(client, f"room again after {leaving}").json()["title"])
        assert titles(client) == kept


def test_requests_are_not_lost_with_the_network_of_the_database(
    serve: Serve, proxy: Proxy, database_url: str, threads: ThreadPoolExecutor
) -> None:
    """A cut connection that leads into silence: the second try has no more time than the first."""
    process = serve(TASKHOLD_DATABASE_URL=proxy.in_front_of(database_url))
    with process.client() as client:
        create(client, "there before")
        answers = Answers(threads, client)
        proxy.black_hole()
        answered = answers.to(WRITES[:3] + READS, times=14)
        began = time.monotonic()
        while time.monotonic() < began + 4:
            assert not answered()
            time.sleep(0.05)
        proxy.cut()
        for answer in answers.list():
            is_refused(answer)
        proxy.go_on()
        assert titles(client) == ["there before"]
