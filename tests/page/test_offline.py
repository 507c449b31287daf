"""Without a network: opening, editing, and what becomes of it once there is one again."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page, Route

from tests.page.conftest import Visit, go_on
from tests.page.windows import Window
from tests.support.servers import ServerProcess
from tests.support.sql import run_sql

pytestmark = pytest.mark.database("sqlite")


class Restarting:
    """A server that can be killed and started again at its address."""

    def __init__(self, serve: Callable[..., ServerProcess]) -> None:
        self._serve = serve
        self.process = serve()
        self.url = self.process.url

    def kill(self) -> None:
        self.process.kill()

    def start(self, **variables: str) -> None:
        self.process = self._serve("--port", self.url.rpartition(":")[2], **variables)

    def get(self, path: str) -> Any:
        with httpx2.Client(base_url=self.url) as client:
            return client.get(path).raise_for_status().json()

    def titles(self) -> list[str]:
        return sorted(task["title"] for task in self.get("/tasks?limit=500"))

    def changes(self) -> list[dict[str, Any]]:
        return self.get("/changes?after=0&limit=500")["changes"]  # type: ignore[no-any-return]


@pytest.fixture
def server(serve: Callable[..., ServerProcess]) -> Restarting:
    return Restarting(serve)


@pytest.fixture
def page(visit: Visit, server: Restarting) -> Page:
    answers = {410, 422, 503}
    page = visit(server.url, path="?view=all", offline_ok=True, failing_answers=answers)
    go_on(page)
    return page


def test_edits_without_a_server_survive_a_reload_and_arrive_once(
    page: Page, server: Restarting
) -> None:
    window = Window(page)
    window.wait_until_it_opens_offline()
    for title in ("Buy paint", "Call the plumber", "Sweep"):
        window.act("addTask", {"title": title})
    window.wait_until_sent()

    server.kill()
    window.act("addTask", {"title": "Order tiles", "notes": "white"})
    window.act("editTask", window.key("Buy paint"), {"title": "Buy blue paint"})
    window.act("setDone", [window.key("Sweep")], True)
    window.act("trash", [window.key("Call the plumber")])
    # What isn't on the server yet can be edited, too, and have subtasks and a list.
    garden = window.act("addList", "Bathroom")
    window.act("moveToList", [window.key("Order tiles")], garden)
    window.act("addTask", {"title": "Measure", "parentKey": window.key("Order tiles")})
    window.act("setPriority", [window.key("Measure")], "high")
    window.wait(lambda: window.connection() in ("offline", "restarting"))

    shown = ["Buy blue paint", "Measure", "Order tiles", "Sweep"]
    assert window.titles() == shown
    assert window.states() == ["waiting"] * 8
    window.reload()
    assert window.titles() == shown
    assert window.trashed() == ["Call the plumber"]
    assert window.states() == ["waiting"] * 8
    window.act("editTask", window.key("Measure"), {"due": "2027-01-05"})

    server.start()
    window.wait_until_sent()
    assert window.titles() == server.titles() == shown
    tasks = {task["title"]: task for task in server.get("/tasks?limit=500")}
    (bathroom,) = server.get("/lists")
    assert tasks["Sweep"]["done"]
    assert tasks["Order tiles"]["list_id"] == bathroom["id"]
    assert tasks["Order tiles"]["notes"] == "white"
    assert tasks["Measure"]["parent_id"] == tasks["Order tiles"]["id"]
    assert (tasks["Measure"]["priority"], tasks["Measure"]["due"]) == ("high", "2027-01-05")
    assert [task["title"] for task in server.get("/trash")] == ["Call the plumber"]
    keys = [change["key"] for change in server.changes()]
    assert len(set(keys)) == len(keys) == 3 + 9


@pytest.mark.parametrize("is_done", [True, False], ids=["after", "before"])
def test_an_edit_whose_answer_is_lost_by_a_kill_is_done_once(
    page: Page, server: Restarting, is_done: bool
) -> None:
    """The server is killed while the edit is on its way: after it was done, or before."""
    window = Window(page)
    window.wait_until_it_opens_offline()

    def kill_half_way(route: Route) -> None:
        if is_done:
            route.fetch()
        server.kill()
        route.abort()

    page.context.route("**/tasks/batch", kill_half_way, times=1)
    window.act("addTask", {"title": "Once"})
    window.wait(lambda: window.connection() in ("offline", "restarting"))
    # What is behind it goes on from there, as does a page that is loaded anew.
    window.act("editTask", window.key("Once"), {"notes": "and again"})
    window.reload()
    assert window.titles() == ["Once"]

    server.start()
    window.wait_until_sent()
    (task,) = server.get("/tasks")
    assert (task["title"], task["notes"], task["version"]) == ("Once", "and again", 2)
    assert [change["action"] for change in server.changes()] == ["create", "update"]
    assert window.task("Once")["version"] == 2


def test_rows_of_the_journal_that_come_before_the_answer_are_taken_once(
    page: Page, server: Restarting
) -> None:
    window = Window(page)

    held = window.hold_edits()
    window.act("addTask", {"title": "First"})
    window.wait(lambda: held)
    answer = held[0].fetch()
    window.wait(lambda: window.edits() == [])
    assert window.task("First")["id"] == 1
    held[0].fulfill(response=answer)
    window.wait_until_sent()
    window.act("editTask", window.key("First"), {"title": "Second"})
    window.wait_until_sent()
    assert window.titles() == server.titles() == ["Second"]
    assert [change["action"] for change in server.changes()] == ["create", "update"]


def test_a_server_that_is_busy_is_asked_again_under_the_same_key(
    page: Page, server: Restarting
) -> None:
    window = Window(page)
    keys: list[str] = []

    def busy_at_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.fallback()
            return
        problem = {"type": "/problems/unavailable", "status": 503, "detail": "The disk is away."}
        route.fulfill(status=503, headers={"Retry-After": "1"}, json=problem)

    page.context.route("**/tasks/batch", busy_at_first)
    window.act("addTask", {"title": "Patient"})
    window.wait(lambda: [edit.get("problem") for edit in window.unsent()] == ["The disk is away."])
    assert window.connection() == "online"
    window.wait_until_sent()
    assert server.titles() == ["Patient"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_refused_edit_stays_in_view_and_holds_up_only_what_needs_it(
    page: Page, server: Restarting
) -> None:
    window = Window(page)
    long = "x" * 501
    refused = window.act("addTask", {"title": long})
    window.act("addTask", {"title": "Under it", "parentKey": refused})
    window.act("addTask", {"title": "Beside it"})
    window.wait(lambda: server.titles() == ["Beside it"])
    window.wait(lambda: window.states() == ["refused", "waiting"])
    assert "500" in window.unsent()[0]["problem"]
    assert window.titles() == ["Beside it", "Under it", long]

    window.act("editTask", refused, {"title": "Short"})
    window.call("settling", "retryEdit", window.unsent()[0]["key"])
    window.wait(lambda: window.states() == ["refused", "waiting", "waiting"])
    window.call("outbox", "dropEdit", window.unsent()[0]["key"])
    window.wait_until_sent()
    assert window.titles() == server.titles() == ["Beside it", "Under it"]


def test_a_server_that_starts_again_is_noticed_quietly_and_followed_again(
    page: Page, server: Restarting
) -> None:
    window = Window(page)
    window.wait_for_connection("online")
    server.kill()
    window.wait_for_connection("restarting")
    server.start()
    window.wait_for_connection("online")
    with httpx2.Client(base_url=server.url) as client:
        client.post("/tasks", json={"title": "From elsewhere"}).raise_for_status()
    window.wait(lambda: window.titles() == ["From elsewhere"])


def test_a_journal_that_ends_elsewhere_is_read_anew_and_no_edit_is_lost(
    page: Page, server: Restarting, database_url: str
) -> None:
    window = Window(page)
    window.wait_until_it_opens_offline()
    window.act("addTask", {"title": "Kept"})
    window.act("addTask", {"title": "Lost with the disk"})
    window.wait_until_sent()
    server.kill()
    window.act("addTask", {"title": "Not sent yet"})
    # As after a restored backup: the journal knows less than this page does.
    run_sql(
        database_url,
        "DELETE FROM change WHERE seq > 1",
        "DELETE FROM task WHERE title LIKE 'Lost%'",
        "DELETE FROM change WHERE seq > 1",
    )
    server.start()
    window.wait_until_sent()
    window.wait(lambda: window.titles() == ["Kept", "Not sent yet"])
    assert server.titles() == ["Kept", "Not sent yet"]
    window.reload()
    assert window.titles() == ["Kept", "Not sent yet"]


def test_another_database_at_the_same_address_is_not_mixed_with_the_first(
    page: Page, server: Restarting, serve: Callable[..., ServerProcess]
) -> None:
    window = Window(page)
    window.act("addTask", {"title": "Of the first"})
    window.wait_until_sent()
    server.kill()
    other = {"TASKHOLD_DATABASE_URL": "sqlite:///other.db"}
    filling = serve(**other)
    with filling.client() as client:
        for title in ("Of the other", "This, too"):
            client.post("/tasks", json={"title": title}).raise_for_status()
    filling.kill()
    server.start(**other)  # its journal goes on where the first one's ended, by the numbers
    window.wait(lambda: window.titles() == ["Of the other", "This, too"])
    window.reload()
    assert window.titles() == ["Of the other", "This, too"]


def test_a_page_opens_and_draws_without_a_server(
    visit: Visit, page: Page, server: Restarting
) -> None:
    window = Window(page)
    window.wait_until_it_opens_offline()
    window.act("addTask", {"title": "Seen offline"})
    window.wait_until_sent()
    context: BrowserContext = page.context
    page.close()
    server.kill()
    again = Window(visit(server.url, path="?view=all", context=context, offline_ok=True))
    again.wait_until_open()
    assert again.titles() == ["Seen offline"]
    again.wait_for_connection("offline")
