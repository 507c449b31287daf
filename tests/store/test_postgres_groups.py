"""Writes of one account that wait for each other on PostgreSQL share a transaction."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import bindparam, delete

from taskhold.errors import NotFound, Unavailable
from taskhold.journal.operations import Author
from taskhold.store import Tx, open_store
from taskhold.store.postgres import group_commit, store
from taskhold.store.query import Query
from taskhold.store.schema import table
from taskhold.tasks import operations
from taskhold.tasks.models import Task, TaskCreate
from tests.support.journal import tasks_and_journal_agree
from tests.support.proxy import Fate, Proxy
from tests.support.servers import LiveServer
from tests.support.sessions import Session
from tests.support.sql import run_sql
from tests.support.tasks import create, titles, wait_until

pytestmark = pytest.mark.database("postgresql")
REFUSED = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE 'no' USING ERRCODE = '53100'; END $$"""
ON_BAD = "FOR EACH ROW WHEN (NEW.title = 'bad') EXECUTE FUNCTION refuse()"
REFUSING = {
    "its statement": f"CREATE TRIGGER refuse BEFORE INSERT ON task {ON_BAD}",
    "the commit": "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON task "
    f"DEFERRABLE INITIALLY DEFERRED {ON_BAD}",
}
ENDING_ONCE = (
    "CREATE SEQUENCE ends",
    """CREATE FUNCTION end_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('ends') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER end_once BEFORE INSERT ON task FOR EACH ROW
    WHEN (NEW.title = 'bad') EXECUTE FUNCTION end_once()""",
)

Request = Callable[[httpx2.Client], httpx2.Response]


def post(title: str, **headers: str) -> Request:
    return lambda client: client.post("/tasks", json={"title": title}, headers=headers)


@pytest.fixture(autouse=True)
def _one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that wait, on a machine that is busy, too."""
    monkeypatch.setattr(group_commit, "GROUP_SECONDS", 10)


@contextmanager
def sent_in_line(
    server: LiveServer, client: httpx2.Client, *requests: Request
) -> Iterator[list[Future[httpx2.Response]]]:
    """Requests that had to wait for the same lock, in this order; in the block it is theirs."""
    url, lines = server.database_url, server.app.state.store._groups._lines
    with ThreadPoolExecutor(len(requests)) as threads, Session(url) as session:
        session.execute("BEGIN")
        session.execute("SELECT pg_advisory_xact_lock(1)")
        answers = []
        for before, request in enumerate(requests):
            answers.append(threads.submit(request, client))
            wait_until(lambda: 1 in lines and len(lines[1]) == before)  # noqa: B023, the first has its turn
        session.execute("ROLLBACK")
        yield answers


def in_line(server: LiveServer, client: httpx2.Client, *requests: Request) -> list[httpx2.Response]:
    """Their answers."""
    with sent_in_line(server, client, *requests) as answers:
        return [answer.result() for answer in answers]


@pytest.fixture
def behind_proxy(proxy: Proxy, cluster_url: str) -> Iterator[LiveServer]:
    with LiveServer(proxy.in_front_of(cluster_url)) as server:
        yield server


@pytest.fixture
def proxied(behind_proxy: LiveServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=behind_proxy.url, timeout=30) as client:
        yield client


def test_those_that_wait_share_one_transaction_and_count_on(
    server: LiveServer, client: httpx2.Client, database_url: str
) -> None:
    answers = in_line(server, client, *(post(f"task {number}") for number in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert run_sql(database_url, "SELECT count(DISTINCT xmin::text) FROM task") == [(1,)]
    assert [each["seq"] for each in client.get("/changes?after=0").json()["changes"]] == [
        *range(1, 9)
    ]
    assert len({answer.json()["position"] for answer in answers}) == 8
    tasks_and_journal_agree(client)


def test_one_that_is_refused_harms_no_other(server: LiveServer, client: httpx2.Client) -> None:
    create(client, "there before")
    stale: dict[str, Any] = {"json": {"done": True}, "headers": {"If-Match": '"none"'}}
    answers = in_line(
        server,
        client,
        post("first"),
        lambda client: client.patch("/tasks/1", **stale),
        lambda client: client.delete("/tasks/99"),
        post("second"),
    )
    assert [answer.status_code for answer in answers] == [201, 412, 404, 201]
    assert sorted(titles(client)) == ["first", "second", "there before"]
    tasks_and_journal_agree(client)


@pytest.mark.parametrize("refusing", REFUSING)
def test_one_that_the_database_refuses_harms_no_other(
    refusing: str, server: LiveServer, client: httpx2.Client, database_url: str
) -> None:
    run_sql(database_url, REFUSED, REFUSING[refusing])
    wanted = ["one", "two", "bad", "three", "bad", "four"]
    answers = in_line(server, client, *map(post, wanted))
    assert [answer.status_code for answer in answers] == [201, 201, 507, 201, 507, 201]
    assert titles(client) == ["one", "two", "three", "four"]
    tasks_and_journal_agree(client)


def test_of_those_that_have_seen_the_same_version_one_wins(
    server: LiveServer, client: httpx2.Client
) -> None:
    seen = {"If-Match": create(client, "seen by all").headers["ETag"]}

    def patch(title: str) -> Request:
        return lambda client: client.patch("/tasks/1", json={"title": title}, headers=seen)

    answers = in_line(server, client, *map(patch, "abcd"))
    assert [answer.status_code for answer in answers] == [200, 412, 412, 412]
    assert [answer.json()["current"]["title"] for answer in answers[1:]] == ["a"] * 3
    assert client.get("/tasks/1").json()["version"] == 2
    tasks_and_journal_agree(client)


def test_what_a_lost_connection_has_undone_is_done_again(
    server: LiveServer, client: httpx2.Client, database_url: str
) -> None:
    run_sql(database_url, *ENDING_ONCE)
    answers = in_line(server, client, *map(post, ["one", "bad", "two"]))
    assert [answer.status_code for answer in answers] == [201] * 3
    assert [answer.json()["title"] for answer in answers] == titles(client) == ["one", "bad", "two"]
    assert run_sql(database_url, "SELECT last_value FROM ends") == [(2,)]
    tasks_and_journal_agree(client)


def test_nobody_is_answered_before_the_commit_that_they_share(
    behind_proxy: LiveServer, proxied: httpx2.Client, proxy: Proxy, cluster_url: str
) -> None:
    proxy.next_commits(Fate.held_back)
    requests = [post("one"), lambda client: client.delete("/tasks/99"), post("two")]
    with sent_in_line(behind_proxy, proxied, *requests) as answers:
        proxy.wait_for_a_commit()
        assert [answer.done() for answer in answers] == [False] * 3
        assert run_sql(cluster_url, "SELECT count(*) FROM task") == [(0,)]
        proxy.go_on()
        assert [answer.result().status_code for answer in answers] == [201, 404, 201]
    assert titles(proxied) == ["one", "two"]


@pytest.mark.parametrize("fate", [Fate.never_arrives, Fate.answer_is_lost])
def test_where_the_common_commit_is_unclear_nobody_is_told_that_it_was_kept(
    fate: Fate, behind_proxy: LiveServer, proxied: httpx2.Client, proxy: Proxy
) -> None:
    proxy.next_commits(fate)
    wanted = ["one", "two", "three"]
    answers = in_line(behind_proxy, proxied, *map(post, wanted))
    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (503, "/problems/outcome-unknown")
    }
    assert titles(proxied) == (wanted if fate is Fate.answer_is_lost else [])
    tasks_and_journal_agree(proxied)


@pytest.mark.parametrize("fate", [Fate.never_arrives, Fate.answer_is_lost])
def test_where_the_common_commit_is_unclear_each_key_settles_it(
    fate: Fate, behind_proxy: LiveServer, proxied: httpx2.Client, proxy: Proxy
) -> None:
    proxy.next_commits(fate)
    wanted = ["one", "two", "three"]
    keyed = [post(title, **{"Idempotency-Key": title}) for title in wanted]
    answers = in_line(behind_proxy, proxied, *keyed)
    assert [answer.status_code for answer in answers] == [201] * 3
    assert [answer.json()["title"] for answer in answers] == wanted
    assert sorted(titles(proxied)) == sorted(wanted)
    tasks_and_journal_agree(proxied)


def test_repeats_under_one_key_in_one_transaction_have_one_effect(
    server: LiveServer, client: httpx2.Client, database_url: str
) -> None:
    same = post("once", **{"Idempotency-Key": "same"})
    answers = in_line(server, client, *[same] * 6)
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert sorted(map(str, replayed)) == ["None"] + ["true"] * 5
    assert titles(client) == ["once"]


# What can't be timed from outside, on the store itself


WRITE_NOTHING = Query(delete(Task).where(table(Task).c.owner_id == bindparam("owner_id")))


def test_one_that_is_refused_after_it_has_written_harms_no_other(
    database_url: str, client: httpx2.Client
) -> None:
    async def play() -> list[Any]:
        mine = open_store(database_url)
        await mine.start()

        async def add(tx: Tx, title: str) -> Any:
            made = await operations.create(tx, Author(1, "local"), TaskCreate(title=title))
            if title == "bad":
                raise NotFound("Task")
            return made

        writes = [mine.write(1, add, title) for title in ("one", "bad", "two")]
        ended = await asyncio.gather(*writes, return_exceptions=True)
        await mine.stop()
        return ended

    one, refused, two = asyncio.run(play())
    assert isinstance(refused, NotFound)
    assert [one["title"], two["title"]] == titles(client) == ["one", "two"]


def test_one_without_time_to_run_alone_is_not_told_what_another_did(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WAIT_SECONDS", 1.0)

    async def play() -> None:
        mine = open_store(database_url)
        await mine.start()
        loop = asyncio.get_running_loop()
        other_comes = asyncio.Event()

        async def write(_: Tx) -> str:
            await other_comes.wait()
            return "kept"

        async def fail_late(tx: Tx) -> None:
            while loop.time() < began + 1.05:
                await tx.run(WRITE_NOTHING, owner_id=-1)
            raise NotFound("Task")

        began = loop.time()
        first = asyncio.ensure_future(mine.write(1, write))
        await asyncio.sleep(0)
        late = asyncio.ensure_future(mine.write(1, fail_late))
        other_comes.set()
        with pytest.raises(Unavailable):
            await first
        with pytest.raises((NotFound, Unavailable)):
            await late
        await mine.stop()

    asyncio.run(play())


def test_a_store_that_stops_leaves_nobody_waiting(database_url: str) -> None:
    async def play() -> None:
        mine = open_store(database_url)
        await mine.start()
        never = asyncio.Event()

        async def wait(_: Tx) -> None:
            await never.wait()

        writes = [asyncio.ensure_future(mine.write(owner, wait)) for owner in (1, 1, 2)]
        await asyncio.sleep(0)
        await mine.stop()
        ended = await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), 10)
        assert [type(each) for each in ended] == [asyncio.CancelledError] * 3

    asyncio.run(play())
