"""Whatever is done, wherever and whenever: in the end every window shows what the server has."""

import random
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.page.conftest import Visit, go_on
from tests.page.windows import Window
from tests.support.servers import ServerProcess

pytestmark = pytest.mark.database("sqlite")

SEEDS = 2
TURNS = 4
AT_ONCE = 8

_ACT = """async ([seed, count]) => {
  let state = seed;
  const random = (n) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * n);
  };
  const actions = await import("./static/actions.js");
  const { tasks, trashed, lists } = await import("./static/data/replica.js");
  const one = (map) => [...map.value.keys()][random(map.value.size)];
  const some = () => [...new Set([one(tasks), one(tasks), one(tasks)])].filter(Boolean);
  const doings = [
    () => actions.addTask({ title: `Task ${random(1000)}` }),
    () => actions.addTask({ title: `Task ${random(1000)}`, listKey: one(lists) ?? null }),
    () => actions.addTask({ title: `Task ${random(1000)}`, parentKey: one(tasks) ?? null }),
    () => actions.editTask(one(tasks), { title: `Changed ${random(1000)}` }),
    () => actions.editTask(one(tasks), { notes: `Notes ${random(1000)}`, due: "2027-01-01" }),
    () => actions.setDone(some(), random(2) === 0),
    () => actions.setPriority(some(), ["none", "low", "high"][random(3)]),
    () => actions.addTags(some(), [`tag${random(4)}`]),
    () => actions.removeTags(some(), [`tag${random(4)}`]),
    () => actions.moveToList(some(), random(2) ? (one(lists) ?? null) : null),
    () => actions.indent(one(tasks)),
    () => actions.outdent(one(tasks)),
    () => actions.moveBeside(some(), one(tasks), ["before", "after", "under"][random(3)]),
    () => actions.trash([one(tasks)]),
    () => random(3) || actions.trash(some()),
    () => trashed.value.size && actions.restore([one(trashed)]),
    () => random(6) || (trashed.value.size && actions.purge([one(trashed)])),
    () => lists.value.size > 3 || actions.addList(`List ${random(1000)}`),
    () => lists.value.size && actions.editList(one(lists), { name: `List ${random(1000)}` }),
    () => random(6) || (lists.value.size && actions.trashList(one(lists))),
    () => actions.renameTag(`tag${random(4)}`, `tag${random(4)}`),
    () => actions.undo(),
    () => actions.undo(),
    () => actions.redo(),
  ];
  for (let i = 0; i < count; i++) {
    if (tasks.value.size > 0 || random(2)) doings[random(tasks.value.size ? doings.length : 1)]();
    if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, random(30)));
  }
}"""


def settle(window: Window) -> None:
    """What waits for a person is decided, until nothing does."""

    def nothing_is_left() -> bool:
        for conflict in window.conflicts():
            window.call("settling", "settleConflict", conflict["key"], {})
        for edit in window.unsent():
            if edit["state"] == "refused":
                window.call("outbox", "dropEdit", edit["key"])
        return window.edits() == []

    window.wait(nothing_is_left, within=40)


def shown(window: Window) -> dict[str, list[Any]]:
    """By the server's numbers."""
    lists = {each["key"]: each["id"] for each in window.look("replica", "lists")}
    here, trash = window.tasks(), window.look("replica", "trashed")
    ids = {task["key"]: task["id"] for task in here}
    assert all(task["unsent"] is False for task in here)

    def by_number(task: dict[str, Any]) -> dict[str, Any]:
        named = task | {
            "list_id": task["listKey"] and lists[task["listKey"]],
            "parent_id": task["parentKey"] and ids[task["parentKey"]],
        }
        return {
            name: value
            for name, value in named.items()
            if name not in ("key", "listKey", "parentKey", "unsent", "conflict")
        }

    return {
        "tasks": sorted((by_number(task) for task in here), key=lambda task: task["id"]),
        "lists": sorted(
            (each["id"], each["name"], each["version"]) for each in window.look("replica", "lists")
        ),
        "trash": sorted((task["id"], task["title"], task["version"]) for task in trash),
    }


def on_server(client: httpx2.Client) -> dict[str, list[Any]]:
    lists = client.get("/lists?limit=500").json()
    trash = client.get("/trash?limit=500").json()
    return {
        "tasks": client.get("/tasks?limit=500").json(),
        "lists": sorted((each["id"], each["name"], each["version"]) for each in lists),
        "trash": sorted((task["id"], task["title"], task["version"]) for task in trash),
    }


class Three:
    """Two browsers, one with two windows, in front of a server that dies now and then."""

    def __init__(self, visit: Visit, serve: Callable[..., ServerProcess]) -> None:
        self._serve = serve
        self.server = serve()
        self._port = self.server.url.rpartition(":")[2]
        quietly: dict[str, Any] = {
            "path": "?view=all",
            "offline_ok": True,
            "failing_answers": {404, 409, 410, 412, 422, 503},
        }
        first = visit(self.server.url, **quietly)
        go_on(first)
        second = visit(self.server.url, context=first.context, **quietly)
        third = visit(self.server.url, **quietly)
        go_on(third)
        self.windows = [Window(page) for page in (first, second, third)]

    def go_wild(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        first, second, third = self.windows
        for turn in range(TURNS):
            away = chance.choice([first, third, None])
            if away:
                away.page.context.set_offline(True)
            elif chance.random() < 0.5:
                self.server.kill()
                self.server = self._serve("--port", self._port)
            for number, window in enumerate(self.windows):
                window.page.evaluate(_ACT, [seed * 100 + turn * 10 + number, AT_ONCE])
            if away:
                away.page.context.set_offline(False)
        second.page.reload()

    def agree(self) -> None:
        for window in self.windows:
            window.wait_for_connection("online")
            settle(window)
        with self.server.client() as client:
            before = client.get("/changes").json()["cursor"]
            truth = on_server(client)
            for window in self.windows:
                wait_to_see(window, truth)
            self.windows[2].reload()
            wait_to_see(self.windows[2], truth)
            assert client.get("/changes").json()["cursor"] == before


def wait_to_see(window: Window, truth: dict[str, list[Any]]) -> None:
    window.wait(lambda: shown(window) == truth, within=10)


def test_all_windows_come_to_show_what_the_server_has(
    visit: Visit, serve: Callable[..., ServerProcess], long: bool
) -> None:
    three = Three(visit, serve)
    for seed in range(20 if long else SEEDS):
        three.go_wild(seed)
        three.agree()
