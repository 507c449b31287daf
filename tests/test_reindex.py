"""`taskhold reindex`: what is searched and sorted by is right again, beside a running server."""

import threading
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from taskhold.store.sqlite.indexing import MOST_PENDING
from tests.support.commands import said, taskhold
from tests.support.journal import tasks_and_journal_agree
from tests.support.postgresql import PostgreSQL
from tests.support.servers import LiveServer
from tests.support.sql import run_each, run_sql
from tests.support.tasks import wait_until

WORDS = ("invoice", "kitchen zoe", "the", "uncle", "in the", "absent", "zz")
TASKS = 1_200


def shown(client: httpx2.Client) -> Any:
    """What searches find, and the first titles in their order."""
    found = {
        word: [task["id"] for task in client.get("/tasks", params={"q": word, "limit": 500}).json()]
        for word in WORDS
    }
    return found, client.get("/tasks?sort=title&limit=500").json()


def remade(url: str) -> str:
    return said(url, "reindex").partition(", and made the search index of ")[0]


def test_what_sql_has_damaged_is_right_again(database_url: str) -> None:
    said(database_url, "seed", "--tasks", str(TASKS), "--random-seed", "1")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        whole = shown(client)
        assert len(whole[0]["invoice"]) > 3
        run_each(
            database_url,
            [
                "UPDATE task SET search_text = 'something else' WHERE id % 2 = 0",
                "UPDATE task SET title_folded = 'zzz' WHERE id % 3 = 0",
                "UPDATE task SET due_up = 0 WHERE id = 7",
            ],
        )
        assert shown(client) != whole
        wrong = TASKS // 2 + TASKS // 3 - TASKS // 6 + 1
        assert remade(database_url) == f"Checked {TASKS:,} tasks, corrected {wrong}"
        assert shown(client) == whole
        assert remade(database_url) == f"Checked {TASKS:,} tasks, corrected 0"
        assert shown(client) == whole
        tasks_and_journal_agree(client)  # nobody has changed a task


@pytest.mark.database("sqlite")
@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO task_search (task_search) VALUES ('delete-all')",
        "DELETE FROM task_search_data",
        "UPDATE task_search_data SET block = x'00' WHERE id > 100",
        "INSERT INTO search_pending SELECT id + 5000, 'a text that nobody knows' FROM task",
        "INSERT INTO task_search (rowid, search_text) SELECT id, 'invoice' FROM task",
    ],
)
def test_a_damaged_index_of_sqlite_is_made_anew(database_url: str, damage: str) -> None:
    said(database_url, "seed", "--tasks", str(TASKS), "--random-seed", "1")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        whole = shown(client)
    run_sql(database_url, damage)
    ended = taskhold(database_url, "reindex")
    assert ended.returncode == 0, ended.stderr
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        assert shown(client) == whole
    assert run_sql(database_url, "SELECT count(*) FROM search_pending") == [(0,)]
    # Raises where the index and the texts differ (https://sqlite.org/fts5.html, 6.5).
    compare = "INSERT INTO task_search (task_search, rank) VALUES ('integrity-check', 1)"
    run_sql(database_url, compare)


@pytest.mark.database("sqlite")
def test_a_damaged_index_stops_neither_the_start_nor_a_write(database_url: str) -> None:
    said(database_url, "seed", "--tasks", str(TASKS), "--random-seed", "1")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        whole = shown(client)
    run_sql(database_url, "DELETE FROM task_search_data")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        assert shown(client) == whole
        wait_until(lambda: pending(database_url) <= MOST_PENDING)
        assert shown(client) == whole
        run_sql(database_url, "DELETE FROM task_search_data")
        answer = client.get("/tasks?q=invoice")
        assert answer.status_code == 503
        assert "taskhold reindex" in answer.json()["detail"]
        for _ in range(4):  # until so many wait that they are taken into the index
            some = [{"op": "create", "task": {"title": "Another"}}] * 200
            assert client.post("/tasks/batch", json={"operations": some}).status_code == 200
        wait_until(lambda: client.get("/tasks?q=invoice").status_code == 200)
        assert client.post("/tasks", json={"title": "One more"}).status_code == 201
        assert shown(client)[0] == whole[0]


def pending(url: str) -> int:
    return int(run_sql(url, "SELECT count(*) FROM search_pending")[0][0])


def test_a_server_goes_on_meanwhile(database_url: str) -> None:
    said(database_url, "seed", "--tasks", "5000", "--random-seed", "1")
    done = threading.Event()
    failures: list[Any] = []
    rounds = 0

    def work(url: str) -> None:
        nonlocal rounds
        with httpx2.Client(base_url=url, timeout=30) as client:
            before = client.get("/tasks/count?q=invoice").json()["count"]
            while not done.is_set():
                rounds += 1
                made = client.post("/tasks", json={"title": f"Quokka {rounds}"})
                counts = [
                    client.get("/tasks/count", params={"q": word}).json().get("count")
                    for word in ("quokka", "invoice", f"quokka {rounds}")
                ]
                if made.status_code != 201 or counts[:2] != [rounds, before] or not counts[2]:
                    failures.append((made.text, counts))

    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        working = threading.Thread(target=work, args=(server.url,))
        working.start()
        try:
            wait_until(lambda: rounds > 1)
            before = rounds
            remade(database_url)
            meanwhile = rounds - before
        finally:
            done.set()
            working.join()
        assert failures == []
        assert meanwhile
        assert len(tasks_and_journal_agree(client)) == 5000 + rounds


@pytest.mark.database("postgresql")
def test_an_index_that_was_left_half_made_is_removed(
    database_url: str, postgresql: PostgreSQL
) -> None:
    said(database_url, "seed", "--tasks", "100")
    name = urlsplit(database_url).path.removeprefix("/")
    run_sql(database_url, "CREATE INDEX ix_task_search_ccnew ON task (id)")
    half_made = "indexrelid = 'ix_task_search_ccnew'::regclass"
    postgresql.execute(f"UPDATE pg_index SET indisvalid = false WHERE {half_made}", name)  # noqa: S608
    remade(database_url)
    left = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix_task_search%'"
    assert run_sql(database_url, left) == [("ix_task_search",)]
