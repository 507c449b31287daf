"""`taskhold seed`: made-up tasks, as if clients had written them."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from taskhold.cli.seeding import AT_ONCE
from taskhold.tasks.models import TaskCreate
from tests.support.accounts import make_accounts
from tests.support.commands import refused, said, taskhold
from tests.support.journal import tasks_and_journal_agree
from tests.support.servers import LiveServer
from tests.support.sql import run_sql

COUNT = AT_ONCE + 500
"""More than one transaction."""
Tasks = dict[int, dict[str, Any]]


def seed(url: str, count: int, *options: str) -> str:
    return said(url, "seed", "--tasks", str(count), *options)


def share(tasks: Tasks, has: Any) -> float:
    return sum(map(bool, map(has, tasks.values()))) / len(tasks)


def check_believable(tasks: Tasks) -> None:
    """What a person would have, and what the API would have taken."""
    for task in tasks.values():
        sent = {name: task[name] for name in TaskCreate.model_fields}
        assert TaskCreate.model_validate_json(httpx2.Request("GET", "x:", json=sent).content)
        assert 3 <= len(task["title"].split()) <= 8, task
        assert (task["completed_at"] == task["created_at"]) == task["done"]
        assert task["version"] == 1
    assert 0.5 < share(tasks, lambda task: task["done"]) < 0.7
    assert 0.2 < share(tasks, lambda task: task["notes"]) < 0.4
    assert 0.3 < share(tasks, lambda task: task["due"]) < 0.5
    assert share(tasks, lambda task: task["due"] and "T" in task["due"]) > 0.05
    assert share(tasks, lambda task: task["parent_id"]) == pytest.approx(0.1, abs=0.01)
    assert {task["priority"] for task in tasks.values()} == {"none", "low", "medium", "high"}
    assert {len(task["tags"]) for task in tasks.values()} == {0, 1, 2, 3}
    assert len({task["list_id"] for task in tasks.values()}) == 13  # one of them: none
    for task in tasks.values():
        if task["parent_id"]:
            assert task["list_id"] == tasks[task["parent_id"]]["list_id"]
    for list_id in {task["list_id"] for task in tasks.values()}:
        in_it = sorted(task["id"] for task in tasks.values() if task["list_id"] == list_id)
        places = [tasks[task_id]["position"] for task_id in in_it]
        assert all(before < after for before, after in pairwise(places))


def test_seeded_tasks_are_as_if_clients_had_written_them(database_url: str) -> None:
    line = seed(database_url, COUNT, "--random-seed", "7")
    assert line.startswith("Made 1,500 tasks and 12 lists for open in ")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        tasks = tasks_and_journal_agree(client)
        assert len(tasks) == COUNT
        check_believable(tasks)
        first = client.get("/changes?after=12&limit=500").json()["changes"]
        assert {change["operation"] for change in first} == {13}  # many in one transaction
        open_tags = Counter(
            tag for task in tasks.values() if not task["done"] for tag in task["tags"]
        )
        listed = client.get("/tags?limit=500").json()
        counts = {each["tag"]: each["open_count"] for each in listed if each["open_count"]}
        assert counts == open_tags
        for word in ("invoice", "zoë", "project"):
            found = client.get("/tasks/count", params={"q": word}).json()["count"]
            assert found == sum(
                word in f"{task['title']} {task['notes']} {task['tags']}".lower()
                for task in tasks.values()
            )
        made = client.post("/tasks", json={"title": "the next one"}).json()
        assert made["id"] == COUNT + 1
        assert made["position"] > max(
            task["position"] for task in tasks.values() if task["list_id"] is None
        )
        seed(database_url, 10, "--random-seed", "7")
        again = client.get("/tasks?sort=-id&limit=10").json()
        assert {task["id"] for task in again} == set(range(COUNT + 2, COUNT + 12))
        assert again[-1]["title"] == tasks[1]["title"]
    if database_url.startswith("sqlite"):
        assert run_sql(database_url, "SELECT count(*) <= 500 FROM search_pending") == [(1,)]


def test_others_write_while_a_database_is_seeded(database_url: str) -> None:
    done = threading.Event()
    written: list[int] = []

    def write(url: str) -> None:
        with httpx2.Client(base_url=url, timeout=30) as client:
            while not done.is_set():
                written.append(client.post("/tasks", json={"title": "meanwhile"}).json()["id"])

    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        writing = threading.Thread(target=write, args=(server.url,))
        writing.start()
        try:
            seed(database_url, 3 * AT_ONCE)
        finally:
            done.set()
            writing.join()
        tasks = tasks_and_journal_agree(client)
    assert len(tasks) == 3 * AT_ONCE + len(written)
    theirs = {task_id for task_id, task in tasks.items() if task["title"] == "meanwhile"}
    assert theirs == set(written)
    seeded = tasks.keys() - theirs
    assert any(min(seeded) < task_id < max(seeded) for task_id in theirs), "none came between"


def test_whose_tasks_they_are(database_url: str) -> None:
    sentence = refused(database_url, "seed", "--tasks", "3", "--user", "ada")
    assert sentence == "There is no account ada"
    make_accounts(database_url, {"username": "ada"})
    assert " 3 tasks and 1 list for ada in " in seed(database_url, 3)
    (bob,) = make_accounts(database_url, {"username": "bob"})
    sentence = refused(database_url, "seed", "--tasks", "3", exit_code=2)
    assert sentence == "There are several accounts; say which with --user NAME"
    assert " 1 task and 1 list for bob in " in seed(database_url, 1, "--user", "Bob")
    owned = f"SELECT count(*) FROM task WHERE owner_id = {bob}"  # noqa: S608
    assert run_sql(database_url, owned) == [(1,)]
    actors = "SELECT DISTINCT actor FROM change ORDER BY actor"
    assert run_sql(database_url, actors) == [("ada",), ("bob",)]
    assert taskhold(database_url, "seed", "--tasks", "0").returncode == 2


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_stopped_half_way_it_leaves_whole_transactions(
    database_url: str, kill: signal.Signals
) -> None:
    terminal, its_end = pty.openpty()
    screen = b""
    with subprocess.Popen(
        [sys.executable, "-m", "taskhold", "seed", "--tasks", "500000"],
        env=os.environ | {"TASKHOLD_DATABASE_URL": database_url, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=its_end,
        text=True,
    ) as process:
        os.close(its_end)
        while not re.search(rb"[1-9],000 of 500,000 tasks", screen):
            screen += os.read(terminal, 4096)
        process.send_signal(kill)
        with suppress(OSError):  # it has ended
            while True:
                screen += os.read(terminal, 4096)
        assert process.stdout is not None
        line = process.stdout.read()
    os.close(terminal)
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        tasks = tasks_and_journal_agree(client)
    assert len(tasks) >= AT_ONCE
    assert len(tasks) % AT_ONCE == 0
    if kill == signal.SIGINT:
        assert process.returncode == 1
        assert line.startswith(f"Made {len(tasks):,} tasks and 12 lists for open in ")
        assert screen.endswith(b"taskhold: stopped\r\n")
