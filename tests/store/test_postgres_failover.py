"""A primary and its synchronous standby: what is acknowledged is on both, and either may die."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.postgresql import PostgreSQL, running_standby
from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess
from tests.support.tasks import create, titles, wait_until
from tests.support.writers import Writers

Serve = Callable[..., ServerProcess]
ANSWER_SECONDS = 6.0
BACK_SECONDS = 2.0
KEY = {"Idempotency-Key": "the-same"}


@pytest.fixture
def standby(cluster: PostgreSQL, cluster_url: str) -> Iterator[PostgreSQL]:
    """A server that the cluster's commits wait for."""
    with running_standby(cluster) as server:
        cluster.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        cluster.execute("SELECT pg_reload_conf()")
        wait_until(lambda: is_followed(cluster))
        yield server
    if not (cluster.data / "postmaster.pid").exists():
        cluster.start()
    cluster.execute("ALTER SYSTEM RESET synchronous_standby_names")
    cluster.execute("SELECT pg_reload_conf()")


def is_followed(primary: PostgreSQL) -> bool:
    return primary.execute("SELECT sync_state FROM pg_stat_replication") == [("sync",)]


def of_both(primary: int, standby: int, database_url: str) -> str:
    """The URL of a database on two servers, by their ports."""
    before, _, name = database_url.rpartition("@")
    return f"{before}@127.0.0.1:{primary},127.0.0.1:{standby}/{name.rpartition('/')[2]}"


def of_one(server: PostgreSQL, database_url: str) -> str:
    return server.url(database_url.rpartition("/")[2])


@pytest.fixture
def database_url(cluster: PostgreSQL, standby: PostgreSQL, cluster_url: str) -> str:
    return of_both(cluster.port, standby.port, cluster_url)


def test_when_the_standby_takes_over_nothing_acknowledged_is_lost(
    serve: Serve, cluster: PostgreSQL, standby: PostgreSQL, database_url: str
) -> None:
    process = serve()
    writers = Writers([process.url], plain=5, keyed=5)
    with process.client() as client:
        with writers.writing():
            cluster.kill()
            standby.promote()
            assert writers.wait_for_progress() < BACK_SECONDS
        writers.find_everything(client, of_one(standby, database_url))
    assert writers.slowest < ANSWER_SECONDS
    assert "Traceback" not in process.log.read_text()


def test_while_the_only_standby_is_away_no_write_is_acknowledged(
    serve: Serve, cluster: PostgreSQL, standby: PostgreSQL
) -> None:
    process = serve()
    with process.client() as client, ThreadPoolExecutor(8) as threads:
        create(client, "there before")
        standby.stop()
        unsure = create(client, "unsure")
        assert unsure.status_code == 503
        assert unsure.json()["type"] == "/problems/outcome-unknown"
        assert titles(client) == ["there before"], "what is not on both is shown to nobody"
        waiting = [threads.submit(create, client, f"{n}", {}) for n in range(4)]
        keyed = [threads.submit(create, client, "keyed", KEY) for _ in range(4)]
        answers = [unsure, *(each.result() for each in [*waiting, *keyed])]
        for answer in answers:
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.elapsed.total_seconds() < ANSWER_SECONDS
        assert client.get("/tasks/1").elapsed.total_seconds() < 1
        standby.start()
        began = time.monotonic()
        assert create(client, "keyed", KEY).status_code == 201
        assert time.monotonic() - began < BACK_SECONDS
        assert create(client, "keyed", KEY).headers["Idempotent-Replayed"] == "true"
        assert titles(client) == ["there before", "unsure", "keyed"]


def test_what_is_on_one_disk_alone_is_not_acknowledged_by_whoever_finds_it_there(
    serve: Serve, cluster: PostgreSQL, standby: PostgreSQL
) -> None:
    """Where the wait for the standby is cancelled, PostgreSQL says COMMIT, and warns.

    A repeat under the key, and a PATCH that changes nothing, only read it.
    """
    process = serve()
    waits = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with process.client() as client, ThreadPoolExecutor(1) as threads:
        create(client, "there before")
        standby.stop()
        waiting = threads.submit(create, client, "on one disk", KEY)
        wait_until(lambda: cluster.execute(waits) == [(True,)])
        answer = waiting.result()
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/outcome-unknown"
        assert titles(client) == ["there before", "on one disk"]
        assert client.patch("/tasks/2", json={"title": "on one disk"}).status_code == 503
        standby.start()
        assert create(client, "on one disk", KEY).headers["Idempotent-Replayed"] == "true"
        assert client.patch("/tasks/2", json={"title": "on one disk"}).status_code == 200


def test_a_server_that_starts_before_the_standby_is_promoted_waits_for_it(
    serve: Serve, cluster: PostgreSQL, standby: PostgreSQL
) -> None:
    cluster.kill()
    process = serve()
    with process.client() as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        answer = create(client, "refused")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        standby.promote()
        wait_until(lambda: client.get("/readyz").status_code == 200, BACK_SECONDS)
        assert create(client, "next").status_code == 201
        assert titles(client) == ["next"]
    assert "Traceback" not in process.log.read_text()


def test_a_standby_alone_is_not_written_to(
    serve: Serve, cluster: PostgreSQL, standby: PostgreSQL, database_url: str
) -> None:
    process = serve(TASKHOLD_DATABASE_URL=of_one(standby, database_url))
    with process.client() as client:
        assert client.get("/readyz").status_code == 503
        assert create(client, "refused").status_code == 503


def test_a_primary_that_falls_silent_does_not_hide_its_standby(
    serve: Serve, cluster: PostgreSQL, standby: PostgreSQL, database_url: str, proxy: Proxy
) -> None:
    """Its machine is gone: nobody says any more that the connections are closed."""
    process = serve(TASKHOLD_DATABASE_URL=of_both(proxy.port, standby.port, database_url))
    writers = Writers([process.url], plain=3, keyed=3)
    with process.client() as client:
        with writers.writing():
            proxy.black_hole()
            cluster.kill()
            standby.promote()
            assert writers.wait_for_progress() < ANSWER_SECONDS + BACK_SECONDS
        wait_until(lambda: client.get("/tasks").is_success, ANSWER_SECONDS + BACK_SECONDS)
        writers.find_everything(client, of_one(standby, database_url))
    assert writers.slowest < ANSWER_SECONDS
