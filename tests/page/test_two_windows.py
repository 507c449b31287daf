"""Two windows of one browser, and two people: each sees what the other does within a second."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import Visit, go_on
from tests.page.windows import Window
from tests.support.many_tasks import make_many_tasks
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")

PROMPT = 1.0
"""Seconds, on a machine that does nothing else."""
BUSY = 4
"""How many times slower a machine may be that runs other tests beside."""


def see_promptly(window: Window, holds: Callable[[], Any]) -> float:
    began = time.monotonic()
    window.wait(holds, within=PROMPT * BUSY)
    return time.monotonic() - began


@pytest.fixture
def page(visit: Visit, server: LiveServer) -> Page:
    page = visit(server.url, path="?view=all", offline_ok=True, failing_answers={412})
    go_on(page)
    return page


def count(window: Window, field: str = "key") -> int:
    """How many tasks have something there."""
    return int(
        window.page.evaluate(
            """async (field) => {
              const { tasks } = await import("./static/data/replica.js");
              return [...tasks.value.values()].filter((task) => task[field]).length;
            }""",
            field,
        )
    )


def beside(visit: Visit, window: Window, server: LiveServer) -> Window:
    """Another window of the same browser."""
    page = visit(server.url, path="?view=all", context=window.page.context, offline_ok=True)
    other = Window(page)
    other.wait_until_open()
    return other


def streams(server: LiveServer) -> int:
    return len(server.app.state.feed.readers)


def test_windows_of_one_browser_share_a_stream_an_outbox_and_what_they_see(
    visit: Visit, page: Page, server: LiveServer, client: httpx2.Client
) -> None:
    first = Window(page)
    first.act("addTask", {"title": "From the first"})
    second = beside(visit, first, server)
    assert second.titles() == ["From the first"]
    second.wait_for_connection("online")
    assert streams(server) == 1

    second.act("addTask", {"title": "From the second"})
    see_promptly(first, lambda: "From the second" in first.titles())
    second.act("setDone", [second.key("From the first")], True)
    see_promptly(first, lambda: first.task("From the first")["done"])
    first.act("trash", [first.key("From the second")])
    see_promptly(second, lambda: second.trashed() == ["From the second"])
    first.wait_until_sent()
    second.wait_until_sent()
    assert [task["title"] for task in client.get("/tasks").json()] == ["From the first"]

    # What one has not sent yet, the other shows as unsent; and either may drop it.
    page.context.set_offline(True)
    first.wait(lambda: first.connection() != "online" != second.connection())
    second.act("addTask", {"title": "Offline"})
    first.wait(lambda: first.states() == ["waiting"])
    first.call("outbox", "dropEdit", first.unsent()[0]["key"])
    second.wait(lambda: second.unsent() == [] and "Offline" not in second.titles())
    second.act("addTask", {"title": "Again"})
    page.context.set_offline(False)

    # The window that leads is closed: the other takes over, and sends what there was.
    page.close()
    second.wait_until_sent()
    client.post("/tasks", json={"title": "From elsewhere"}).raise_for_status()
    see_promptly(second, lambda: "From elsewhere" in second.titles())
    assert second.titles() == ["Again", "From elsewhere", "From the first"]
    assert streams(server) == 1
    titles = [task["title"] for task in client.get("/tasks").json()]
    assert sorted(titles) == second.titles()


def test_two_people_see_each_others_edits(visit: Visit, page: Page, server: LiveServer) -> None:
    """Two browsers, as two people on one account."""
    mine = Window(page)
    theirs = Window(visit(server.url, path="?view=all"))
    go_on(theirs.page)
    mine.wait_for_connection("online")
    theirs.wait_for_connection("online")
    key = mine.act("addTask", {"title": "Paint", "notes": "white"})
    see_promptly(theirs, lambda: theirs.titles() == ["Paint"])
    theirs.act("editTask", theirs.key("Paint"), {"title": "Paint the wall"})
    see_promptly(mine, lambda: mine.titles() == ["Paint the wall"])
    mine.act("addTask", {"title": "Brush", "parentKey": key})
    see_promptly(theirs, lambda: len(theirs.tasks()) == 2)
    assert theirs.task("Brush")["parentKey"] == theirs.key("Paint the wall")
    mine.act("trash", [key])
    see_promptly(theirs, lambda: theirs.tasks() == [])
    (paint,) = (each for each in theirs.look("replica", "trashed") if each["parentKey"] is None)
    theirs.act("restore", [paint["key"]])
    see_promptly(mine, lambda: mine.titles() == ["Brush", "Paint the wall"])
    assert mine.task("Brush")["parentKey"] == key


def test_on_plain_http_in_a_network_each_window_works_for_itself_while_online(
    visit: Visit, chromium: Browser, server: LiveServer
) -> None:
    """There browsers have no locks, no service worker and no `randomUUID`."""
    context = chromium.new_context()
    context.add_init_script(
        """for (const name of ["locks", "serviceWorker", "storage"]) {
          Object.defineProperty(Navigator.prototype, name, { value: undefined });
        }
        Crypto.prototype.randomUUID = undefined;"""
    )
    page = visit(server.url, path="?view=all", context=context, offline_ok=True)
    go_on(page)
    first = Window(page)
    second = beside(visit, first, server)
    assert page.evaluate(
        "async () => (await import('./static/data/connection.js')).canWorkOffline === false"
    )
    expect(page.get_by_text("Without https")).to_be_visible()
    first.act("addTask", {"title": "From the first"})
    see_promptly(second, lambda: second.titles() == ["From the first"])
    second.act("setDone", [second.key("From the first")], True)
    see_promptly(first, lambda: first.task("From the first")["done"])
    first.wait_until_sent()
    context.set_offline(True)
    first.wait(lambda: first.connection() != "online")
    first.act("addTask", {"title": "Later"})
    context.set_offline(False)
    first.wait_until_sent()
    first.reload()
    assert first.titles() == ["From the first", "Later"]
    assert page.evaluate("async () => (await indexedDB.databases()).length") == 0
    context.close()


def test_nothing_flickers_back_while_edits_and_changes_cross(
    visit: Visit, page: Page, server: LiveServer, client: httpx2.Client
) -> None:
    """A row shows each state once, in the order in which it was made, whatever arrives when."""
    window = Window(page)
    key = window.act("addTask", {"title": "0"})
    window.wait_until_sent()
    window.page.evaluate(
        """async ([key]) => {
          const { tasks } = await import("./static/data/replica.js");
          const { effect } = await import("./static/parts/html.js");
          window.seen = [];
          effect(() => {
            const { title, notes } = tasks.value.get(key);
            if (window.seen.at(-1)?.[0] !== title || window.seen.at(-1)?.[1] !== notes) {
              window.seen.push([title, notes]);
            }
          });
        }""",
        [key],
    )
    task_id = window.task("0")["id"]
    for number in range(1, 11):
        window.act("editTask", key, {"title": str(number)})
        if number % 3 == 0:
            client.patch(f"/tasks/{task_id}", json={"notes": str(number)}).raise_for_status()
    window.wait_until_sent()
    window.wait(lambda: window.task("10")["notes"] == "9")
    seen = window.page.evaluate("window.seen")
    for column in zip(*seen, strict=True):
        numbers = [int(each or 0) for each in column]
        assert numbers == sorted(numbers), seen
    assert client.get(f"/tasks/{task_id}").json()["title"] == "10"


def test_ten_thousand_tasks_load_are_kept_and_change_promptly(visit: Visit, tmp_path: Path) -> None:
    with LiveServer(make_many_tasks(tmp_path / "many.db", 10_000)) as many:
        page = visit(many.url, path="?view=all", offline_ok=True)
        go_on(page)
        window = Window(page)
        assert count(window) == 10_000
        window.reload()
        assert count(window) == 10_000
        took = page.evaluate(
            """async () => {
              const { setDone, editTask } = await import("./static/actions.js");
              const { tasks } = await import("./static/data/replica.js");
              const keys = [...tasks.value.keys()].filter((key) => !tasks.value.get(key).done);
              const all = [];
              for (let i = 0; i < 21; i++) {
                const began = performance.now();
                editTask(keys[i * 200], { title: `Changed ${i}` });
                all.push(performance.now() - began);
              }
              const began = performance.now();
              setDone(keys.slice(0, 1000), true);
              return [all.sort((a, b) => a - b)[10], performance.now() - began];
            }"""
        )
        one, thousand = took
        assert one < 50 * BUSY, took
        assert thousand < 200 * BUSY, took
        done = count(window, "done")
        window.wait(lambda: window.unsent() == [], within=30)
        with httpx2.Client(base_url=many.url) as client:
            assert client.get("/tasks/count?done=true").json() == {"count": done}
