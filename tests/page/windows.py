"""A window of the page, acted on and looked into below its views: through the modules it runs."""

import json
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route

_MODULES = {
    "actions": "./static/actions.js",
    "replica": "./static/data/replica.js",
    "outbox": "./static/data/outbox.js",
    "settling": "./static/data/settling.js",
    "connection": "./static/data/connection.js",
    "account": "./static/data/account.js",
}
_CALL = """async ([path, name, values]) => {
  const found = (await import(path))[name];
  return (await found(...values)) ?? null;
}"""
_LOOK = """async ([path, name]) => {
  const { value } = (await import(path))[name];
  return value instanceof Map ? [...value.values()] : value;
}"""


def wait_until(page: Page, holds: Callable[[], Any], *, within: float = 15) -> Any:
    """What `holds` gives once it is true; the page goes on meanwhile."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come about"
        page.wait_for_timeout(20)
    return found


class Window:
    """One page. Its modules are those that its views use."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def act(self, name: str, *values: Any) -> Any:
        """Call an action."""
        return self.call("actions", name, *values)

    def call(self, module: str, name: str, *values: Any) -> Any:
        return self.page.evaluate(_CALL, [_MODULES[module], name, list(values)])

    def look(self, module: str, name: str) -> Any:
        """The value of a signal; of a map, its values."""
        return self.page.evaluate(_LOOK, [_MODULES[module], name])

    def tasks(self) -> list[dict[str, Any]]:
        return self.look("replica", "tasks")  # type: ignore[no-any-return]

    def titles(self) -> list[str]:
        """Of all tasks, sorted."""
        return sorted(task["title"] for task in self.tasks())

    def task(self, title: str) -> dict[str, Any]:
        """The one of this title."""
        (found,) = (task for task in self.tasks() if task["title"] == title)
        return found

    def key(self, title: str) -> str:
        return str(self.task(title)["key"])

    def trashed(self) -> list[str]:
        return sorted(task["title"] for task in self.look("replica", "trashed"))

    def unsent(self) -> list[dict[str, Any]]:
        return self.look("outbox", "unsent")  # type: ignore[no-any-return]

    def edits(self) -> list[dict[str, Any]]:
        """Those, and what the server has done but not told yet."""
        return self.look("outbox", "edits")  # type: ignore[no-any-return]

    def states(self) -> list[str]:
        """Of the unsent edits, oldest first."""
        return [edit["state"] for edit in self.unsent()]

    def conflicts(self) -> list[dict[str, Any]]:
        return self.look("outbox", "conflicts")  # type: ignore[no-any-return]

    def connection(self) -> str:
        return str(self.look("connection", "connection"))

    def wait(self, holds: Callable[[], Any], *, within: float = 15) -> Any:
        return wait_until(self.page, holds, within=within)

    def wait_for_connection(self, state: str) -> None:
        self.wait(lambda: self.connection() == state)

    def wait_until_sent(self) -> None:
        """Until the server knows and the journal has told all that was done here."""
        self.wait(lambda: self.edits() == [])

    def wait_until_open(self) -> None:
        self.wait(lambda: self.look("replica", "isLoaded"))

    def wait_until_it_opens_offline(self) -> None:
        """The first visit fetches what later ones need."""
        self.page.evaluate("async () => { await navigator.serviceWorker.ready; }")

    def reload(self) -> None:
        self.page.reload()
        self.wait_until_open()

    def hold_edits(self) -> list[Route]:
        """Where the next request with an edit arrives; it goes on when it is told to."""
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        self.page.context.route("**/tasks/batch", hold, times=1)
        return held

    def kept(self) -> str:
        """All that this browser keeps of the page in its databases, as text."""
        return json.dumps(
            self.page.evaluate(
                """async () => {
                  const all = [];
                  for (const { name } of await indexedDB.databases()) {
                    const database = await new Promise((resolve) => {
                      indexedDB.open(name).onsuccess = (event) => resolve(event.target.result);
                    });
                    for (const store of database.objectStoreNames) {
                      const request = database.transaction(store).objectStore(store).getAll();
                      all.push(name, await new Promise((resolve) => {
                        request.onsuccess = () => resolve(request.result);
                      }));
                    }
                    database.close();
                  }
                  return [all, { ...localStorage }];
                }"""
            )
        )
