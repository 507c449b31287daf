"""The journal held against what there is, over HTTP."""

from typing import Any

import httpx2

Shown = dict[str, Any]
Task = Shown


def tasks_and_journal_agree(client: httpx2.Client, begun: int = 0) -> dict[int, Task]:
    """Every task by its id, once the journal is found to tell exactly how each came to be.

    `seq` has no gap and ends at the account's; each `before` is what the change before it left;
    each task and list equals the `after` of its newest change. A list's `open_count` is no part of
    it: it counts the tasks that there are. A restored journal begins behind `begun`.
    """
    changes = changes_after(client, begun)
    numbers = range(begun + 1, begun + len(changes) + 1)
    assert [change["seq"] for change in changes] == list(numbers)
    assert client.get("/changes").json()["cursor"] == begun + len(changes)
    replayed: dict[tuple[str, int], Shown | None] = {}
    for change in changes:
        place = (change["kind"], change["id"])
        assert uncounted(change["before"]) == replayed.get(place), change
        replayed[place] = uncounted(change["after"])
    tasks = {task["id"]: task for task in walk(client, "/tasks")}
    lists = walk(client, "/lists")
    for each in lists:
        inside = [task for task in tasks.values() if task["list_id"] == each["id"]]
        assert each["open_count"] == sum(not task["done"] for task in inside)
    there_is = {("task", task_id): task for task_id, task in tasks.items()}
    there_is |= {("list", each["id"]): uncounted(each) for each in lists}
    assert there_is == {place: shown for place, shown in replayed.items() if shown is not None}
    return tasks


def uncounted(shown: Shown | None) -> Any:
    """A task or list without the number that changes by itself."""
    return shown and {name: value for name, value in shown.items() if name != "open_count"}


def changes_after(client: httpx2.Client, seq: int) -> list[dict[str, Any]]:
    """The changes behind `seq`, over all pages."""
    changes: list[dict[str, Any]] = []
    more = True
    while more:
        after = changes[-1]["seq"] if changes else seq
        page = client.get("/changes", params={"after": after, "limit": 500}).json()
        changes += page["changes"]
        more = page["more"]
    return changes


def walk(client: httpx2.Client, path: str, **parameters: Any) -> list[Shown]:
    """All rows of a collection, from its first page to the one without a Link."""
    page = client.get(path, params={"limit": 500} | parameters)
    assert page.status_code == 200, page.text
    rows: list[Shown] = page.json()
    while following := page.links.get("next", {}).get("url"):
        page = client.get(following)
        rows += page.json()
    return rows
