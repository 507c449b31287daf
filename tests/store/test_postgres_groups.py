"""Writes of one account that wait for each other on PostgreSQL share a transaction."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from taskhold.store.postgres import group_commit
from tests.support.journal import tasks_and_journal_agree
from tests.support.servers import LiveServer
from tests.support.sessions import Session
from tests.support.sql import run_sql
from tests.support.tasks import create, titles, wait_until

pytestmark = pytest.mark.database("postgresql")
REFUSED = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE 'no' USING ERRCODE = '53100'; END $$"""
ON_BAD = """CREATE TRIGGER refuse BEFORE INSERT ON task FOR EACH ROW
    WHEN (NEW.title = 'bad') EXECUTE FUNCTION refuse()"""

Request = Callable[[httpx2.Client], httpx2.Response]


def post(title: str, **headers: str) -> Request:
    return lambda client: client.post("/tasks", json={"title": title}, headers=headers)


def in_line(server: LiveServer, client: httpx2.Client, *requests: Request) -> list[httpx2.Response]:
    """The answers to requests that had to wait for the same lock."""
    url, lines = server.database_url, server.app.state.store._groups._lines
    with ThreadPoolExecutor(len(requests)) as threads, Session(url) as session:
        session.execute("BEGIN")
        session.execute("SELECT pg_advisory_xact_lock(1)")
        answers = [threads.submit(request, client) for request in requests]
        wait_until(lambda: len(lines.get(1, ())) == len(requests) - 1)  # the first has its turn
        session.execute("ROLLBACK")
        return [answer.result() for answer in answers]


def test_those_that_wait_share_one_transaction_and_count_on(
    server: LiveServer,
    client: httpx2.Client,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "GROUP_SECONDS", 10)  # on a machine that is busy, too
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


def test_one_that_the_database_refuses_harms_no_other(
    server: LiveServer, client: httpx2.Client, database_url: str
) -> None:
    run_sql(database_url, REFUSED, ON_BAD)
    wanted = ["one", "two", "bad", "three", "bad", "four"]
    answers = in_line(server, client, *map(post, wanted))
    assert [answer.status_code for answer in answers] == [201, 201, 507, 201, 507, 201]
    assert sorted(titles(client)) == ["four", "one", "three", "two"]
    tasks_and_journal_agree(client)


def test_repeats_under_one_key_in_one_transaction_have_one_effect(
    server: LiveServer, client: httpx2.Client, database_url: str
) -> None:
    same = post("once", **{"Idempotency-Key": "same"})
    answers = in_line(server, client, *[same] * 6)
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert sorted(map(str, replayed)) == ["None"] + ["true"] * 5
    assert titles(client) == ["once"]
