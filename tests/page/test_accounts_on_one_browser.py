"""Accounts on one browser: nobody sees, keeps or sends what is another's."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.windows import Window
from tests.support.accounts import PASSWORD, log_in, make_accounts
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")

SECRET = "What nobody else may see"  # noqa: S105


@pytest.fixture(autouse=True)
def _accounts(database_url: str) -> None:
    make_accounts(database_url, {"username": "anna"}, {"username": "bert"})


@pytest.fixture
def page(visit: Visit, server: LiveServer) -> Page:
    return visit(server.url, path="?view=all", offline_ok=True, failing_answers={401})


def enter(page: Page, username: str) -> Window:
    """Log in by the form."""
    page.get_by_label("Name").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    wait_for_tasks(page)
    window = Window(page)
    window.wait_until_open()
    return window


@contextmanager
def client_of(server: LiveServer, username: str) -> Iterator[httpx2.Client]:
    """A program of theirs, beside the browser."""
    with httpx2.Client(base_url=server.url) as client:
        log_in(client, username).raise_for_status()
        yield client


def titles(server: LiveServer, username: str) -> list[str]:
    with client_of(server, username) as client:
        return [task["title"] for task in client.get("/tasks").json()]


def replicas(window: Window) -> list[str]:
    return [
        name
        for name in window.page.evaluate(
            "async () => (await indexedDB.databases()).map((d) => d.name)"
        )
        if name.startswith("taskhold ")
    ]


def end_session(server: LiveServer, username: str) -> None:
    """As by a new password elsewhere: the sessions of the browser are over."""
    with client_of(server, username) as client:
        client.delete("/sessions").raise_for_status()


def test_logging_out_leaves_nothing_of_an_account_in_the_browser(
    page: Page, visit: Visit, server: LiveServer
) -> None:
    anna = enter(page, "anna")
    anna.act("addTask", {"title": SECRET, "tags": ["private"]})
    anna.wait_until_sent()
    other = Window(visit(server.url, path="?view=all", context=page.context, failing_answers={401}))
    other.wait_until_open()
    assert other.titles() == [SECRET]

    assert anna.call("account", "logout") == {"unsent": 0}
    expect(page.get_by_label("Name")).to_be_visible()
    expect(other.page.get_by_label("Name")).to_be_visible()
    assert other.tasks() == []
    assert replicas(anna) == []
    assert SECRET not in anna.kept()
    assert "anna" not in anna.kept()

    bert = enter(other.page, "bert")
    assert bert.tasks() == []
    assert SECRET not in other.page.content()
    wait_for_tasks(page)  # the first window follows
    assert anna.tasks() == []
    bert.act("addTask", {"title": "Bert's"})
    anna.wait(lambda: anna.titles() == ["Bert's"])
    assert titles(server, "anna") == [SECRET]


def test_logging_out_asks_about_what_is_unsent(page: Page, server: LiveServer) -> None:
    anna = enter(page, "anna")
    page.context.set_offline(True)
    anna.wait(lambda: anna.connection() != "online")
    anna.act("addTask", {"title": "Unsent"})
    assert anna.call("account", "logout") == {"unsent": 1}
    assert anna.titles() == ["Unsent"]
    # Without a network, too, nothing stays here; the server is told as soon as it can be.
    assert anna.call("account", "logout", {"discard": True}) == {"unsent": 0}
    assert replicas(anna) == []
    assert anna.tasks() == []
    page.context.set_offline(False)
    expect(page.get_by_label("Name")).to_be_visible()
    bert = enter(page, "bert")
    assert bert.tasks() == []
    assert titles(server, "anna") == titles(server, "bert") == []


def test_unsent_edits_wait_for_the_same_account_and_are_never_sent_as_anothers(
    page: Page, server: LiveServer
) -> None:
    anna = enter(page, "anna")
    anna.act("addTask", {"title": "Sent"})
    anna.wait_until_sent()
    page.context.set_offline(True)
    anna.wait(lambda: anna.connection() != "online")
    anna.act("addTask", {"title": SECRET})
    anna.act("editTask", anna.key("Sent"), {"title": "Sent and changed"})
    end_session(server, "anna")
    page.context.set_offline(False)

    expect(page.get_by_label("Name")).to_be_visible()
    assert anna.connection() == "logged-out"
    assert anna.tasks() == []
    expect(page.get_by_text("2 edits")).to_be_visible()
    page.reload()
    expect(page.get_by_text("2 edits")).to_be_visible()

    bert = enter(page, "bert")
    assert bert.tasks() == []
    assert bert.unsent() == []
    bert.act("addTask", {"title": "Bert's"})
    bert.wait_until_sent()
    assert titles(server, "bert") == ["Bert's"]
    bert.call("account", "logout")
    expect(page.get_by_label("Name")).to_be_visible()

    anna = enter(page, "anna")
    anna.wait_until_sent()
    assert anna.titles() == sorted([SECRET, "Sent and changed"])
    assert sorted(titles(server, "anna")) == anna.titles()
    assert titles(server, "bert") == ["Bert's"]


def test_another_account_that_logs_in_beside_the_page_gets_none_of_its_edits(
    page: Page, visit: Visit, server: LiveServer
) -> None:
    """Bert logs in in a second window while the first one, Anna's, still has something to send."""
    anna = enter(page, "anna")
    other = visit(server.url, path="?view=all", context=page.context, failing_answers={401})
    Window(other).wait_until_open()
    held = anna.hold_edits()
    anna.act("addTask", {"title": "On its way"})
    anna.wait(lambda: held)
    anna.act("addTask", {"title": "Behind it"})
    # Whoever logs in waits until nothing is on its way.
    other.evaluate(
        """async ([name, password]) => {
          const { login } = await import("./static/data/account.js");
          window.entering = login(name, password);
        }""",
        ["bert", PASSWORD],
    )
    held[0].continue_()
    other.evaluate("window.entering")
    bert = Window(other)
    bert.wait(lambda: bert.look("account", "account")["user"]["username"] == "bert")
    anna.wait(lambda: anna.look("account", "account")["user"]["username"] == "bert")
    for window in (bert, anna):
        window.wait_until_open()
        assert window.tasks() == []
    assert titles(server, "bert") == []
    assert titles(server, "anna")[0] == "On its way"
    bert.call("account", "login", "anna", PASSWORD)
    bert.wait(lambda: bert.titles() == ["Behind it", "On its way"])
    bert.wait_until_sent()
    assert sorted(titles(server, "anna")) == ["Behind it", "On its way"]
    assert titles(server, "bert") == []


class TestBeforeThereIsAnAccount:
    """Open mode, and the account that takes over what was done in it."""

    @pytest.fixture
    def _accounts(self) -> None:
        """None yet."""

    def test_the_first_account_takes_over_what_was_not_sent_yet(
        self, page: Page, server: LiveServer, database_url: str
    ) -> None:
        go_on(page)
        window = Window(page)
        window.act("addTask", {"title": "Open"})
        window.wait_until_sent()
        page.context.set_offline(True)
        window.wait(lambda: window.connection() != "online")
        window.act("editTask", window.key("Open"), {"title": "Changed"})
        make_accounts(database_url, {"username": "anna"})
        page.context.set_offline(False)
        expect(page.get_by_label("Name")).to_be_visible()
        assert window.tasks() == []
        anna = enter(page, "anna")
        anna.wait_until_sent()
        assert titles(server, "anna") == ["Changed"]
