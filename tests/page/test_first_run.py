"""The first run, logging in and out: with the keyboard alone, as a password manager sees it."""

import re
from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.people import add_people, fill_login, log_in_on
from tests.support.accounts import PASSWORD, log_in
from tests.support.servers import LiveServer, ServerProcess
from tests.support.tasks import wait_until

pytestmark = pytest.mark.database("sqlite")  # it asks the same of any

Serve = Callable[..., ServerProcess]


def setup_code(server: ServerProcess) -> str:
    """What `serve` prints in its second line."""
    assert server.process.stdout is not None
    found = re.search(r"the code (\S+)", server.process.stdout.readline())
    assert found
    return found[1]


def tab_to(page: Page, label: str) -> None:
    """Press Tab until the field or button of this name has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { const e = document.activeElement; return e.getAttribute('aria-label')"
            " ?? e.labels?.[0]?.innerText ?? e.innerText }"
        )
        if name.strip() == label:
            return
    raise AssertionError(f"Tab never comes to {label!r}")


def test_the_first_account_is_made_with_the_code_that_serve_prints(
    serve: Serve, visit: Visit
) -> None:
    server = serve()
    code = setup_code(server)
    page = visit(server.url, failing_answers={401, 403})
    tab_to(page, "Make an account")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Make the first account")).to_be_visible()
    name, password = page.get_by_label("Name"), page.get_by_label("Password")
    again = page.get_by_label("Once more")
    expect(name).to_have_attribute("autocomplete", "username")
    expect(password).to_have_attribute("autocomplete", "new-password")

    tab_to(page, "Name")
    page.keyboard.type("ada")
    tab_to(page, "Password")
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    expect(page.get_by_text("At least 12 characters, please")).to_be_visible()
    expect(password).to_be_focused()
    password.fill(PASSWORD)
    again.fill("something else")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is not the same.")).to_be_visible()
    expect(again).to_be_focused()

    page.keyboard.press("Shift+Tab")  # what is shown needs no second time
    page.keyboard.press("Space")
    expect(again).to_have_count(0)
    expect(password).to_have_attribute("type", "text")
    tab_to(page, "Code")
    page.keyboard.type("nnnn-nnnn-nnnn-nnnn")
    page.keyboard.press("Enter")
    wrong = page.get_by_label("Code")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description(re.compile("code", re.IGNORECASE))
    wrong.fill(code)
    page.keyboard.press("Enter")
    wait_for_tasks(page)

    page.goto(f"{server.url}/?view=settings&section=account")
    expect(page.get_by_text("You log in as ada, an admin.")).to_be_visible()
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log in to Taskhold")).to_be_visible()


def test_logging_in_says_what_was_wrong_and_keeps_what_was_typed(
    server: LiveServer, visit: Visit
) -> None:
    add_people(server, "ada")
    page = visit(server.url, failing_answers={401})
    password = page.get_by_label("Password", exact=True)
    expect(page.get_by_label("Name")).to_have_attribute("autocomplete", "username")
    expect(password).to_have_attribute("autocomplete", "current-password")
    tab_to(page, "Name")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("not this one at all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").get_by_text("name or the password is wrong")).to_be_visible()
    expect(password).to_have_value("not this one at all")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(password).to_have_attribute("type", "text")
    log_in_on(page, "ada")


def test_an_account_takes_over_what_was_done_without_one(serve: Serve, visit: Visit) -> None:
    server = serve()
    code = setup_code(server)
    page = visit(server.url, failing_answers={401})
    go_on(page)
    page.keyboard.press("n")
    page.keyboard.type("Water the tomatoes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Water the tomatoes")).to_be_visible()
    page.goto(f"{server.url}/?view=settings&section=account")
    expect(page.get_by_text("taskhold user add NAME")).to_be_visible()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_label("Code").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("You log in as ada, an admin.")).to_be_visible()
    page.goto(f"{server.url}/?view=all")
    expect(page.get_by_role("row", name="Water the tomatoes")).to_be_visible()


def test_too_many_wrong_passwords_are_answered_with_a_sentence(
    server: LiveServer, visit: Visit, client: httpx2.Client
) -> None:
    add_people(server, "ada")
    for _ in range(10):
        assert log_in(client, "ada", "not the password").status_code == 401
    page = visit(server.url, failing_answers={401, 429})
    fill_login(page, "ada", PASSWORD)
    expect(page.get_by_role("alert")).to_have_text(re.compile("Too many attempts; try again in"))
    expect(page.get_by_role("button", name="Make an account")).to_have_count(0)


def test_anybody_makes_an_account_where_the_server_lets(serve: Serve, visit: Visit) -> None:
    server = serve(TASKHOLD_REGISTRATION="open")
    with server.client() as client:
        first = {"username": "ada", "password": PASSWORD, "code": setup_code(server)}
        assert client.post("/setup", json=first).status_code == 201
    page = visit(server.url, failing_answers={401, 409})
    tab_to(page, "Make an account")
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_text("There is an account of this name already.")).to_be_visible()
    page.get_by_label("Name").fill("bob")
    page.keyboard.press("Enter")
    wait_for_tasks(page)
    page.goto(f"{server.url}/?view=settings&section=account")
    expect(page.get_by_text("You log in as bob.")).to_be_visible()


def test_a_login_that_was_ended_elsewhere_says_what_waits_for_the_next(
    server: LiveServer, visit: Visit, client: httpx2.Client
) -> None:
    add_people(server, "ada", "bob")
    page = visit(server.url, failing_answers={401}, offline_ok=True)
    log_in_on(page, "ada")
    page.context.set_offline(True)
    page.keyboard.press("n")
    title = "Written on the train"
    page.keyboard.type(title)
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name=title)).to_be_visible()
    assert log_in(client, "ada").status_code == 200
    assert client.delete("/sessions").status_code == 204  # the page's, too
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Log in again")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("One edit of ada is kept in this browser")
    expect(page.get_by_label("Name", exact=True)).to_have_value("ada")
    expect(page.get_by_text(title)).to_have_count(0)

    log_in_on(page, "bob")
    expect(page.get_by_text(title)).to_have_count(0)
    page.goto(f"{server.url}/?view=settings&section=account")
    page.get_by_role("button", name="Log out").press("Enter")
    expect(page.get_by_role("heading", name="Log in to Taskhold")).to_be_visible()
    log_in_on(page, "ada")
    page.goto(f"{server.url}/?view=all")
    expect(page.get_by_role("row", name=title)).to_be_visible()
    wait_until(lambda: [task["title"] for task in client.get("/tasks").json()] == [title])
