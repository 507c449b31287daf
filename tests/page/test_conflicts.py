"""Two people change the same task while one of them is offline: neither version is lost."""

from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page

from tests.page.conftest import Visit, go_on
from tests.page.windows import Window
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")


@pytest.fixture
def page(visit: Visit, server: LiveServer) -> Page:
    page = visit(server.url, path="?view=all", offline_ok=True, failing_answers={412, 422})
    go_on(page)
    return page


@pytest.fixture
def window(page: Page) -> Window:
    return Window(page)


def add(window: Window, title: str, **fields: Any) -> int:
    """A task that the server knows; its id."""
    window.act("addTask", {"title": title, **fields})
    window.wait_until_sent()
    return int(window.task(title)["id"])


def go_offline(window: Window) -> None:
    window.page.context.set_offline(True)
    window.wait(lambda: window.connection() in ("offline", "restarting"))


def go_online(window: Window) -> None:
    window.page.context.set_offline(False)
    window.wait_for_connection("online")


def task(client: httpx2.Client, task_id: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/tasks/{task_id}").raise_for_status().json()
    return found


def test_fields_that_only_one_side_changed_merge_by_themselves(
    window: Window, client: httpx2.Client
) -> None:
    first = add(window, "Paint", notes="white")
    go_offline(window)
    window.act("editTask", str(first), {"title": "Paint the wall", "priority": "high"})
    window.act("editTask", str(first), {"due": "2027-03-01"})
    theirs = {"notes": "blue", "done": True, "priority": "high"}
    client.patch(f"/tasks/{first}", json=theirs).raise_for_status()
    go_online(window)
    window.wait_until_sent()
    assert window.conflicts() == []
    merged = task(client, first)
    wanted = {"title": "Paint the wall", "due": "2027-03-01", **theirs}
    assert merged | wanted == merged
    assert window.task("Paint the wall")["notes"] == "blue"


def test_a_field_changed_on_both_sides_waits_for_a_word_and_holds_up_no_other_task(
    window: Window, client: httpx2.Client
) -> None:
    first = add(window, "Paint", notes="white", tags=["home"])
    other = add(window, "Sweep")
    go_offline(window)
    mine = {
        "title": "Paint the door",
        "notes": "green",
        "tags": ["home", "door"],
        "due": "2027-01-01",
    }
    window.act("editTask", str(first), mine)
    window.act("editTask", str(first), {"title": "Paint the front door"})
    window.act("editTask", str(other), {"title": "Sweep up"})
    theirs = {"title": "Paint the wall", "notes": "blue", "tags": ["home", "wall"]}
    client.patch(f"/tasks/{first}", json=theirs).raise_for_status()
    go_online(window)

    window.wait(lambda: window.states() == ["conflict", "waiting"])
    window.wait(lambda: task(client, other)["title"] == "Sweep up")
    assert task(client, first) | theirs == task(client, first)
    (conflict,) = window.conflicts()
    assert conflict["taskKey"] == str(first) or conflict["taskKey"] == window.key(
        "Paint the front door"
    )
    assert {
        each["field"]: (each["base"], each["mine"], each["theirs"]) for each in conflict["fields"]
    } == {
        "title": ("Paint", "Paint the front door", "Paint the wall"),
        "notes": ("white", "green", "blue"),
        "tags": (["home"], ["home", "door"], ["home", "wall"]),
    }
    shown = window.task("Paint the front door")
    assert shown["conflict"]
    assert shown["unsent"]

    window.reload()  # it waits, whatever happens to the page
    (conflict,) = window.conflicts()
    choices = {"title": "both", "notes": "both", "tags": "both"}
    window.call("settling", "settleConflict", conflict["key"], choices)
    window.wait_until_sent()
    settled = task(client, first)
    assert settled["title"] == "Paint the front door"
    assert settled["notes"] == "blue\n\n---\n\ngreen\n\nOther title: Paint the wall"
    assert settled["tags"] == ["home", "wall", "door"]
    assert settled["due"] == "2027-01-01"
    assert not window.task("Paint the front door")["conflict"]


@pytest.mark.parametrize(("choice", "title"), [("mine", "Mine again"), ("theirs", "Theirs")])
def test_a_conflict_ends_as_one_of_the_two_chooses(
    window: Window, client: httpx2.Client, choice: str, title: str
) -> None:
    first = add(window, "Ours")
    go_offline(window)
    window.act("editTask", str(first), {"title": "Mine", "notes": "kept"})
    window.act("editTask", str(first), {"title": "Mine again"})
    client.patch(f"/tasks/{first}", json={"title": "Theirs"}).raise_for_status()
    go_online(window)
    (conflict,) = window.wait(window.conflicts)
    window.call("settling", "settleConflict", conflict["key"], {"title": choice})
    window.wait_until_sent()
    assert window.titles() == [title]
    settled = task(client, first)
    assert (settled["title"], settled["notes"]) == (title, "kept")


def test_one_task_in_conflict_holds_up_no_other_that_was_changed_with_it(
    window: Window, client: httpx2.Client
) -> None:
    ids = [add(window, title) for title in ("One", "Two", "Three")]
    go_offline(window)
    window.act("setDue", [str(each) for each in ids], "2027-02-02")
    client.patch(f"/tasks/{ids[1]}", json={"due": "2027-02-03"}).raise_for_status()
    go_online(window)
    (conflict,) = window.wait(window.conflicts)
    assert conflict["title"] == "Two"
    window.wait(lambda: task(client, ids[2])["due"] == "2027-02-02")
    window.call("settling", "settleConflict", conflict["key"], {"due": "mine"})
    window.wait_until_sent()
    assert {task(client, each)["due"] for each in ids} == {"2027-02-02"}
    # It was one action, and is taken back as one.
    window.act("undo")
    window.wait_until_sent()
    assert [task(client, each)["due"] for each in ids] == [None, "2027-02-03", None]


def test_an_edit_of_a_task_that_is_gone_is_refused_and_can_be_added_anew(
    window: Window, client: httpx2.Client
) -> None:
    first, second = add(window, "Paint", notes="white"), add(window, "Purged")
    go_offline(window)
    window.act("editTask", str(first), {"title": "Paint the wall"})
    window.act("editTask", str(first), {"due": "2027-01-01"})
    window.act("editTask", str(second), {"notes": "mine"})
    for each in (first, second):
        client.delete(f"/tasks/{each}").raise_for_status()
    client.delete(f"/trash/{second}").raise_for_status()
    go_online(window)
    window.wait(lambda: window.states() == ["refused", "waiting", "refused"])
    refused, _, purged = window.unsent()
    assert refused["problem"] == "This task was deleted meanwhile."
    assert refused["again"]
    assert window.trashed() == ["Paint the wall"]

    window.call("settling", "addAnew", refused["key"])
    window.wait(lambda: window.states() == ["refused"])
    (anew,) = client.get("/tasks").json()
    assert (anew["title"], anew["notes"], anew["due"]) == ("Paint the wall", "white", "2027-01-01")
    window.call("outbox", "dropEdit", purged["key"])
    window.wait_until_sent()
    assert window.titles() == ["Paint the wall"]


def test_who_deletes_what_was_changed_meanwhile_deletes_it_with_the_change(
    window: Window, client: httpx2.Client
) -> None:
    first = add(window, "Old")
    go_offline(window)
    window.act("trash", [str(first)])
    client.patch(f"/tasks/{first}", json={"title": "Changed"}).raise_for_status()
    go_online(window)
    window.wait_until_sent()
    assert window.trashed() == ["Changed"]
    assert [each["title"] for each in client.get("/trash").json()] == ["Changed"]


def test_a_change_that_comes_in_the_last_moment_is_a_conflict_too(
    window: Window, client: httpx2.Client
) -> None:
    """The journal hasn't told of it when the edit is sent: the server refuses by the version."""
    first = add(window, "Ours")
    window.page.context.route("**/events*", lambda route: route.abort())
    held = window.hold_edits()
    window.act("editTask", str(first), {"title": "Mine", "notes": "kept"})
    window.wait(lambda: held)
    client.patch(f"/tasks/{first}", json={"title": "Theirs"}).raise_for_status()
    held[0].continue_()
    (conflict,) = window.wait(window.conflicts)
    assert conflict["fields"][0]["theirs"] == "Theirs"
    window.call("settling", "settleConflict", conflict["key"], {"title": "theirs"})
    window.wait(lambda: task(client, first)["notes"] == "kept")
    assert task(client, first)["title"] == "Theirs"


def test_lists_have_conflicts_too(window: Window, client: httpx2.Client) -> None:
    window.act("addList", "Home")
    window.wait_until_sent()
    (home,) = client.get("/lists").json()
    go_offline(window)
    window.act("editList", str(home["id"]), {"name": "House"})
    client.patch(f"/lists/{home['id']}", json={"name": "Flat"}).raise_for_status()
    go_online(window)
    (conflict,) = window.wait(window.conflicts)
    (field,) = conflict["fields"]
    assert (conflict["kind"], field["mine"], field["theirs"]) == ("list", "House", "Flat")
    window.call("settling", "settleConflict", conflict["key"], {"name": "mine"})
    window.wait_until_sent()
    assert client.get("/lists").json()[0]["name"] == "House"
