"""The journal held against the tasks, over HTTP."""

from typing import Any

import httpx2

Task = dict[str, Any]


def tasks_and_journal_agree(client: httpx2.Client) -> dict[int, Task]:
    """Every task by its id, once the journal is found to tell exactly how each came to be.

    `seq` has no gap and ends at the account's; each `before` is what the change before it left;
    each task equals the `after` of its newest change.
    """
    changes = _changes(client)
    assert [change["seq"] for change in changes] == list(range(1, len(changes) + 1))
    assert client.get("/changes").json()["cursor"] == len(changes)
    replayed: dict[int, Task | None] = {}
    for change in changes:
        assert change["before"] == replayed.get(change["id"])
        replayed[change["id"]] = change["after"]
    tasks = {task["id"]: task for task in _tasks(client)}
    assert tasks == {task_id: task for task_id, task in replayed.items() if task is not None}
    return tasks


def _changes(client: httpx2.Client) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = []
    more = True
    while more:
        after = changes[-1]["seq"] if changes else 0
        page = client.get("/changes", params={"after": after, "limit": 500}).json()
        changes += page["changes"]
        more = page["more"]
    return changes


def _tasks(client: httpx2.Client) -> list[Task]:
    tasks: list[Task] = []
    following: str | None = "/tasks?limit=500"
    while following:
        page = client.get(following)
        tasks += page.json()
        following = page.links.get("next", {}).get("url")
    return tasks
