"""Taking back what was done on the page, with and without a network."""

from typing import Any

import httpx2
import pytest

from tests.page.conftest import Visit, go_on
from tests.page.windows import Window
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")

PUT_BACK = """async (edits) => {
  const [{ name }] = await indexedDB.databases();
  const database = await new Promise((resolve) => {
    indexedDB.open(name).onsuccess = (event) => resolve(event.target.result);
  });
  const transaction = database.transaction("outbox", "readwrite");
  for (const edit of edits) transaction.objectStore("outbox").put(edit);
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
}"""


@pytest.fixture
def window(visit: Visit, server: LiveServer) -> Window:
    page = visit(server.url, path="?view=all", offline_ok=True, failing_answers={409, 410})
    go_on(page)
    return Window(page)


def everything(client: httpx2.Client) -> dict[str, Any]:
    """What the server has, without what each change changes."""
    counted = ("version", "updated_at", "completed_at", "deleted_at", "open_count")

    def strip(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: row[name] for name in row if name not in counted} for row in rows]

    return {path: strip(client.get(f"/{path}").json()) for path in ("tasks", "lists", "trash")}


def shown(window: Window) -> tuple[list[tuple[Any, ...]], list[str], list[str]]:
    """What the page shows, without the names that it gives."""
    fields = ("title", "done", "notes", "due", "priority", "tags", "position")
    return (
        sorted(tuple(map(str, (task[name] for name in fields))) for task in window.tasks()),
        window.trashed(),
        sorted(each["name"] for each in window.look("replica", "lists")),
    )


def prepare(window: Window) -> None:
    home = window.act("addList", "Home")
    window.act("addTask", {"title": "Paint", "notes": "white", "tags": ["home"], "listKey": home})
    window.act("addTask", {"title": "Brush", "parentKey": window.key("Paint")})
    for title in ("Sweep", "Wash", "Dry"):
        window.act("addTask", {"title": title, "tags": ["chores"]})
    window.wait_until_sent()


def deeds(window: Window) -> list[tuple[str, Any]]:
    """All kinds of actions; each can be done when those before it were undone."""
    key = {title: window.key(title) for title in ("Paint", "Brush", "Sweep", "Wash", "Dry")}
    (home,) = (each["key"] for each in window.look("replica", "lists"))
    return [
        ("addTask", [{"title": "New", "parentKey": key["Sweep"]}]),
        ("editTask", [key["Paint"], {"title": "Paint the wall", "notes": "blue"}]),
        ("setDone", [[key["Paint"], key["Sweep"], key["Wash"]], True]),
        ("setDue", [[key["Dry"]], "2027-01-01"]),
        ("setPriority", [[key["Dry"], key["Wash"]], "high"]),
        ("addTags", [[key["Sweep"], key["Paint"]], ["new"]]),
        ("removeTags", [[key["Sweep"], key["Wash"]], ["chores"]]),
        ("renameTag", ["chores", "home"]),
        ("moveToList", [[key["Sweep"], key["Wash"]], home]),
        ("moveToList", [[key["Paint"]], None]),
        ("indent", [key["Wash"]]),
        ("outdent", [key["Brush"]]),
        ("moveBeside", [[key["Dry"]], key["Sweep"], "before"]),
        ("trash", [[key["Paint"], key["Dry"]]]),
        ("editList", [home, {"name": "House", "archived": True}]),
        ("trashList", [home]),
        ("addList", ["Work"]),
    ]


def test_each_action_is_taken_back_and_done_again_with_a_network(
    window: Window, client: httpx2.Client
) -> None:
    prepare(window)
    before, before_here = everything(client), shown(window)
    for name, values in deeds(window):
        window.act(name, *values)
        window.wait_until_sent()
        after, after_here = everything(client), shown(window)
        assert after != before, name
        assert window.trashed() == sorted(each["title"] for each in after["trash"]), name

        sentence = window.act("undo")
        assert sentence.startswith("Undone: "), name
        if name not in ("addTask", "addList"):
            assert shown(window)[0] == before_here[0], name  # at once
        window.wait_until_sent()
        undone = everything(client)
        assert (undone["tasks"], undone["lists"]) == (before["tasks"], before["lists"]), name
        assert shown(window)[::2] == before_here[::2], name

        assert window.act("redo").startswith("Done again: ")
        window.wait_until_sent()
        assert everything(client)["tasks"] == after["tasks"], name
        assert shown(window) == after_here, name
        window.act("undo")
        window.wait_until_sent()
        assert shown(window)[::2] == before_here[::2], name
    assert (
        window.page.evaluate(
            "async () => (await import('./static/actions.js')).lastAction.value.sentence"
        )
        == "Undone: Added the list “Work”"
    )


def test_what_comes_back_from_the_trash_goes_there_again_and_what_is_purged_stays_away(
    window: Window, client: httpx2.Client
) -> None:
    prepare(window)
    window.act("trash", [window.key("Paint"), window.key("Wash")])
    trashed = {each["title"]: each["key"] for each in window.look("replica", "trashed")}
    assert sorted(trashed) == ["Brush", "Paint", "Wash"]
    window.act("restore", [trashed["Paint"], trashed["Brush"]])  # the second comes along
    assert window.titles() == ["Brush", "Dry", "Paint", "Sweep"]
    window.wait_until_sent()
    assert window.titles() == sorted(task["title"] for task in client.get("/tasks").json())
    window.act("undo")
    assert window.trashed() == ["Brush", "Paint", "Wash"]
    window.wait_until_sent()
    window.act("redo")
    window.act("purge", [trashed["Wash"]])
    assert window.trashed() == []
    window.wait_until_sent()
    assert client.get("/trash").json() == []
    assert window.titles() == sorted(task["title"] for task in client.get("/tasks").json())
    # What was done before is taken back, all but what is gone for good.
    window.act("undo")
    window.wait_until_sent()
    assert window.trashed() == ["Brush", "Paint"]


def test_what_is_undone_without_a_network_is_never_sent(
    window: Window, client: httpx2.Client
) -> None:
    window.wait_until_it_opens_offline()
    prepare(window)
    before, before_here = everything(client), shown(window)
    seq = client.get("/changes").json()["cursor"]
    window.page.context.set_offline(True)
    window.wait(lambda: window.connection() != "online")
    done = deeds(window)[:-3]  # all but those that need what others took away
    states = [before_here]
    for name, values in done:
        window.act(name, *values)
        states.append(shown(window))
    assert len(window.unsent()) == len(done)
    for state in reversed(states[:-1]):
        assert window.act("undo") is not None
        assert shown(window) == state
    assert window.unsent() == []
    assert window.act("undo").startswith("Undone: Added “Dry”")  # what was sent before, too
    assert window.act("redo") is not None
    for state in states[1:3]:
        window.act("redo")
        assert shown(window) == state
    window.act("undo")
    window.act("undo")
    wait_until_nothing_waits(window)
    window.reload()
    assert shown(window) == before_here
    window.page.context.set_offline(False)
    window.wait_for_connection("online")
    window.wait_until_sent()
    assert everything(client) == before
    assert client.get("/changes").json()["cursor"] == seq


def test_what_was_undone_as_the_page_was_left_is_not_there_again(
    window: Window, client: httpx2.Client
) -> None:
    window.wait_until_it_opens_offline()
    prepare(window)
    before = shown(window)
    window.page.context.set_offline(True)
    window.wait(lambda: window.connection() != "online")
    window.act("addTask", {"title": "New"})
    edits = window.edits()
    window.act("undo")
    wait_until_nothing_waits(window)
    window.page.evaluate(PUT_BACK, edits)  # as if it had been left before they were taken out
    window.reload()
    assert shown(window) == before
    wait_until_nothing_waits(window)
    window.page.context.set_offline(False)
    window.wait_for_connection("online")
    assert "New" not in [task["title"] for task in client.get("/tasks").json()]


def wait_until_nothing_waits(window: Window) -> None:
    """On the disk of this browser, too."""
    window.wait(lambda: '"state": "waiting"' not in window.kept())


def test_what_was_sent_before_is_undone_offline_and_sent_later(
    window: Window, client: httpx2.Client
) -> None:
    window.wait_until_it_opens_offline()
    prepare(window)
    window.act("trash", [window.key("Paint")])
    window.wait_until_sent()
    window.page.context.set_offline(True)
    window.wait(lambda: window.connection() != "online")
    window.act("undo")
    assert "Paint" in window.titles()
    assert "Brush" in window.titles()
    window.reload()
    assert "Brush" in window.titles()
    assert [edit["label"] for edit in window.unsent()] == ["Undo: Delete “Paint”"]
    window.page.context.set_offline(False)
    window.wait_until_sent()
    assert sorted(task["title"] for task in client.get("/tasks").json()) == window.titles()
    (change,) = (
        change
        for change in client.get("/changes?after=0&limit=500").json()["changes"]
        if change["undoes"] and change["before"] is None and change["after"]["title"] == "Paint"
    )
    assert change["action"] == "restore"


def test_what_was_changed_since_is_not_undone_and_the_page_says_so(
    window: Window, client: httpx2.Client
) -> None:
    prepare(window)
    sweep = window.task("Sweep")
    window.act("editTask", sweep["key"], {"title": "Sweep up"})
    window.wait_until_sent()
    client.patch(f"/tasks/{sweep['id']}", json={"title": "Theirs"}).raise_for_status()
    window.wait(lambda: "Theirs" in window.titles())
    window.act("undo")
    window.wait_until_sent()
    assert "Theirs" in window.titles()
    said = window.page.get_by_role("status").filter(has_text="can't be undone any more")
    assert said.count() == 1
    # What was done before it can be.
    window.act("undo")
    window.wait_until_sent()
    assert "Dry" not in window.titles()


def test_a_window_takes_back_its_own_edits(
    visit: Visit, window: Window, server: LiveServer, client: httpx2.Client
) -> None:
    window.act("addTask", {"title": "Mine"})
    page = visit(server.url, path="?view=all", context=window.page.context)
    other = Window(page)
    other.wait_until_open()
    other.act("addTask", {"title": "The other window's"})
    window.wait(lambda: len(window.tasks()) == 2)
    window.act("undo")
    window.wait_until_sent()
    assert window.titles() == ["The other window's"]
    other.act("undo")
    other.wait_until_sent()
    assert client.get("/tasks").json() == []
