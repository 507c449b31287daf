"""What is old is forgotten, by settings: the trash after 30 days, the journal after a year."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.support.servers import LiveServer
from tests.support.sql import run_sql

SECONDS = 20


def age(url: str, table: str, column: str, days: float, where: str = "seq > 0") -> None:
    """Make rows look as if they had been written so many days earlier."""
    if url.startswith("postgresql"):
        earlier = f"{column} - interval '{days} days'"
    else:
        earlier = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{days} days')"
    run_sql(url, f"UPDATE {table} SET {column} = {earlier} WHERE {where}")  # noqa: S608


def until(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What `look` gives once it is as wanted; fails with what it gave last."""
    deadline = time.monotonic() + SECONDS
    while not wanted(found := look()):
        assert time.monotonic() < deadline, f"still {found} after {SECONDS} s"
        time.sleep(0.02)
    return found


def add(client: httpx2.Client, **fields: Any) -> int:
    answer = client.post("/tasks", json=fields)
    assert answer.status_code == 201, answer.text
    task_id: int = answer.json()["id"]
    return task_id


def test_the_trash_is_purged_by_age_and_nothing_of_it_is_left(database_url: str) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        parent = add(client, title="secret parent", notes="secret", tags=["secret"])
        child = add(client, title="secret child", parent_id=parent)
        client.delete(f"/tasks/{parent}")
        young, kept = add(client, title="young"), add(client, title="kept")
        client.delete(f"/tasks/{young}")
    age(database_url, "trashed_task", "deleted_at", 30.1, f"task_id <> {young}")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        trash = until(lambda: client.get("/trash").json(), lambda found: len(found) == 1)
        assert [task["id"] for task in trash] == [young]
        changes = client.get("/changes?after=0&limit=500").json()["changes"]
        of_purged = [each for each in changes if each["id"] in (parent, child)]
        assert [each["action"] for each in of_purged][-2:] == ["purge", "purge"]
        assert {each["actor"] for each in of_purged[-2:]} == {"retention"}
        assert all(each["before"] is None and each["after"] is None for each in of_purged)
        assert "secret" not in client.get("/changes?after=0&limit=500").text
        assert "secret" not in client.get(f"/tasks/{parent}/history").text
        assert client.post(f"/trash/{parent}/restore").status_code == 404
        assert client.post("/changes/1/undo").status_code == 410
        assert [task["id"] for task in client.get("/tasks").json()] == [kept]
        assert add(client, title="next") > kept, "an id is never used twice"


def test_trash_days_says_how_long_the_trash_is_kept(database_url: str) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        gone, old = add(client, title="gone"), add(client, title="old")
        client.delete(f"/tasks/{old}")
        client.delete(f"/tasks/{gone}")
    age(database_url, "trashed_task", "deleted_at", 3, f"task_id = {gone}")
    age(database_url, "trashed_task", "deleted_at", 1, f"task_id = {old}")
    with (
        LiveServer(database_url, trash_days=2) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        trash = until(lambda: client.get("/trash").json(), lambda found: len(found) == 1)
        assert [task["id"] for task in trash] == [old]


def test_the_journal_is_pruned_by_age_and_goes_on_counting(database_url: str) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        tasks = [add(client, title=f"old {number}") for number in range(60)]
        client.patch(f"/tasks/{tasks[0]}", json={"title": "newer"})
        newest = client.get("/changes").json()["cursor"]
    age(database_url, "change", "at", 366, f"seq < {newest}")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        until(lambda: client.get("/changes?after=0").status_code, lambda status: status == 410)
        until(
            lambda: client.get(f"/changes?after={newest - 2}").status_code,
            lambda status: status == 410,
        )
        kept = client.get(f"/changes?after={newest - 1}").json()
        assert [change["seq"] for change in kept["changes"]] == [newest]
        assert client.get("/tasks/count").json() == {"count": 60}
        assert client.get(f"/tasks/{tasks[1]}/history").json() == [], "pruned, but it is there"
        assert client.get("/tasks/999/history").status_code == 404
        assert client.post("/changes/1/undo").status_code == 410
        undone = client.post(f"/changes/{newest}/undo").json()["changes"]
        assert [change["seq"] for change in undone] == [newest + 1]
        assert client.get(f"/tasks/{tasks[0]}").json()["title"] == "old 0"


def test_a_journal_that_is_old_altogether_keeps_its_newest_change(database_url: str) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        for number in range(30):
            add(client, title=f"old {number}")
    age(database_url, "change", "at", 4000)
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        until(lambda: client.get("/changes?after=28").status_code, lambda status: status == 410)
        assert client.get("/changes").json()["cursor"] == 30
        add(client, title="new")
        (change,) = client.get("/changes?after=30").json()["changes"]
        assert change["seq"] == 31


def test_old_answers_are_forgotten_without_a_new_one(database_url: str) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        for number in range(3):
            headers = {"Idempotency-Key": f"key-{number}"}
            client.post("/tasks", json={"title": "x"}, headers=headers)
    age(database_url, "kept_answer", "at", 1.1, "key <> 'key-2'")
    with LiveServer(database_url):
        kept = until(
            lambda: run_sql(database_url, "SELECT key FROM kept_answer"),
            lambda rows: len(rows) == 1,
        )
    assert kept == [("key-2",)]


@pytest.mark.database("sqlite")
def test_what_another_program_wrote_is_found_whatever_its_accents(
    server: LiveServer, client: httpx2.Client
) -> None:
    known: dict[str, Any] = {"etag": '""', "tasks": []}

    def ask() -> Any:
        """As a client that keeps what it has."""
        answer = client.get("/tasks?q=grosse", headers={"If-None-Match": known["etag"]})
        if answer.status_code == 200:
            known.update(etag=answer.headers["etag"], tasks=answer.json())
        return known["tasks"]

    run_sql(server.database_url, "INSERT INTO task (title, done) VALUES ('Café Größe', 0)")
    found = until(ask, bool)
    assert [task["title"] for task in found] == ["Café Größe"]
    run_sql(server.database_url, "UPDATE task SET title = 'Über 100%'")
    until(lambda: client.get("/tasks?q=uber%20100%25").json(), bool)
    assert client.get("/tasks?q=grosse").json() == []


@pytest.mark.database("sqlite")
def test_the_search_index_takes_in_what_waits_for_it(
    server: LiveServer, client: httpx2.Client
) -> None:
    operations = [{"op": "create", "task": {"title": f"number {n:04}"}} for n in range(200)]
    for _ in range(4):
        answer = client.post("/tasks/batch", json={"operations": operations})
        assert answer.status_code == 200, answer.text
    pending = "SELECT count(*) FROM search_pending"
    until(lambda: run_sql(server.database_url, pending)[0][0], lambda count: count <= 500)
    assert len(client.get("/tasks?q=number%200042").json()) == 4
    client.delete("/tasks/1")
    gone = "SELECT count(*) FROM search_pending WHERE task_id = 1"
    until(lambda: run_sql(server.database_url, gone)[0][0], lambda count: count == 0)
    matches = "SELECT rowid FROM task_search WHERE task_search MATCH '\"number 0000\"'"
    assert (1,) not in run_sql(server.database_url, matches)
