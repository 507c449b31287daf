"""Tasks and lists as a client makes them and sees them, and waiting for what it sees."""

import time
from collections.abc import Callable
from typing import Any

import httpx2

from tests.support.journal import Shown, changes_after, tasks_and_journal_agree, walk

MOST_LEVELS = 8


def create(
    client: httpx2.Client, title: str, headers: dict[str, str] | None = None
) -> httpx2.Response:
    return client.post("/tasks", json={"title": title}, headers=headers)


def add(client: httpx2.Client, title: str = "a", **fields: Any) -> int:
    """The id of a new task."""
    return _id_of(client.post("/tasks", json={"title": title} | fields))


def add_list(client: httpx2.Client, name: str = "L", **fields: Any) -> int:
    """The id of a new list."""
    return _id_of(client.post("/lists", json={"name": name} | fields))


def get(client: httpx2.Client, task_id: int) -> Shown:
    """A task that is there."""
    found = client.get(f"/tasks/{task_id}")
    assert found.status_code == 200, found.text
    task: Shown = found.json()
    return task


def change(client: httpx2.Client, task_id: int, **changes: Any) -> Shown:
    """The task as a PATCH that has to succeed leaves it."""
    changed = client.patch(f"/tasks/{task_id}", json=changes)
    assert changed.status_code == 200, changed.text
    task: Shown = changed.json()
    return task


def remove(client: httpx2.Client, path: str) -> None:
    """A DELETE that has to succeed."""
    removed = client.delete(path)
    assert (removed.status_code, removed.content) == (204, b""), removed.text


def cursor(client: httpx2.Client) -> int:
    """The `seq` of the newest change."""
    newest: int = client.get("/changes").json()["cursor"]
    return newest


def undo(client: httpx2.Client, seq: int) -> int:
    """Undo a change, which has to succeed; the operation that did it."""
    undone = client.post(f"/changes/{seq}/undo")
    assert undone.status_code == 200, undone.text
    changes = undone.json()["changes"]
    operation: int = changes[0]["seq"]
    assert {each["operation"] for each in changes} == {operation}
    assert changes == changes_after(client, operation - 1)
    return operation


def everything(client: httpx2.Client) -> dict[str, Any]:
    """All that a client can see, but for the journal."""
    return {name: walk(client, f"/{name}") for name in ("tasks", "lists", "tags", "trash")}


def titles(client: httpx2.Client) -> list[str]:
    """Those of all tasks, once the journal agrees with them."""
    return [task["title"] for task in tasks_and_journal_agree(client).values()]


def tasks_make_a_tree(client: httpx2.Client) -> dict[int, int]:
    """How deep each task stands, from 1 on, once the tasks are found to make a tree.

    Each parent is there, no task is under itself, none is too deep, and each subtask is in the
    list of its parent.
    """
    tasks = tasks_and_journal_agree(client)
    levels = {}
    for task_id, task in tasks.items():
        line = [task]
        while (parent_id := line[-1]["parent_id"]) is not None:
            assert parent_id in tasks, f"{parent_id}, the parent of {line[-1]['id']}, is gone"
            line.append(tasks[parent_id])
            assert len(line) <= MOST_LEVELS, f"a cycle, or too deep: {[e['id'] for e in line]}"
        assert {each["list_id"] for each in line} == {task["list_id"]}, line
        levels[task_id] = len(line)
    return levels


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)


def _id_of(created: httpx2.Response) -> int:
    assert created.status_code == 201, created.text
    new_id: int = created.json()["id"]
    return new_id
