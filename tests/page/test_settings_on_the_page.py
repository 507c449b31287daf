"""The settings, each as somebody uses it; what they do is looked at through the API."""

import re

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Visit, wait_for_tasks
from tests.page.people import add_people, fill_login, log_in_on
from tests.support.accounts import PASSWORD, log_in
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")  # the API's own tests look at both

NEW_PASSWORD = "wrong giraffe capacitor"  # noqa: S105


def settings(page: Page, section: str) -> None:
    """Go there by the links, with the keyboard."""
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="What to find or do")).to_be_focused()
    page.keyboard.type("settings")
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Settings").get_by_role("link", name=section).press("Enter")


def wait_until_it_works_offline(page: Page) -> None:
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def entry(page: Page, text: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=text)


def test_a_name_a_password_and_sessions_are_changed(
    server: LiveServer, visit: Visit, client: httpx2.Client
) -> None:
    add_people(server, "ada")
    page = visit(server.url, failing_answers={401})
    log_in_on(page, "ada")
    settings(page, "Account")
    page.get_by_label("Shown name").fill("Ada Lovelace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("The name is saved.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Ada Lovelace"))).to_be_visible()

    log_in(client, "ada")
    settings(page, "Sessions")
    here, there = entry(page, "This one"), entry(page, "python-httpx")
    expect(here).to_contain_text("Chrome on Linux")
    there.get_by_role("button", name="End").press("Enter")
    expect(there).to_have_count(0)
    expect(page.get_by_text("You are logged in nowhere else.")).to_be_visible()
    assert client.get("/me").status_code == 401

    log_in(client, "ada")
    settings(page, "Account")
    page.get_by_label("Current password").fill("not the current one")
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_label("Once more").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").get_by_text("The current password is wrong")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The password is changed")).to_be_visible()
    expect(page.get_by_label("Current password")).to_have_value("")
    assert client.get("/me").status_code == 401  # the other session is over
    assert log_in(client, "ada", NEW_PASSWORD).status_code == 200
    assert page.request.get(f"{server.url}/me").status == 200  # this one is not

    settings(page, "Sessions")
    page.get_by_role("button", name="End all others").press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")  # on second thoughts
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are logged in nowhere else.")).to_be_visible()
    assert client.get("/me").status_code == 401


def test_a_token_is_shown_once_copied_used_and_revoked(
    server: LiveServer, visit: Visit, client: httpx2.Client
) -> None:
    add_people(server, "ada")
    page = visit(
        server.url, failing_answers={401}, permissions=["clipboard-read", "clipboard-write"]
    )
    log_in_on(page, "ada")
    settings(page, "Tokens")
    expect(page.get_by_text("There are none.")).to_be_visible()
    page.get_by_label("What it is for").fill("backup")
    page.get_by_label("What it may do").select_option("Read and write")
    page.get_by_label("What it is for").press("Enter")
    made = page.get_by_label("The token “backup”")
    expect(made).to_be_focused()
    token = made.input_value()
    page.get_by_role("button", name="Copy").press("Enter")
    expect(page.get_by_role("status").get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == token
    page.get_by_role("button", name="I have it").press("Enter")
    expect(made).to_have_count(0)
    assert token not in page.content()

    headers = {"Authorization": f"Bearer {token}"}
    assert client.post("/tasks", json={"title": "By a program"}, headers=headers).is_success
    page.reload()
    row = entry(page, "backup")
    expect(row).to_contain_text("Reads and writes")
    expect(row).to_contain_text(re.compile("last used just now, until"))
    assert token not in page.content()
    row.get_by_role("button", name="Revoke backup").press("Enter")
    expect(row).to_contain_text("Programs that use it are refused")
    expect(row.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    assert client.get("/tasks", headers=headers).is_success
    row.get_by_role("button", name="Revoke backup").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There are none.")).to_be_visible()
    assert client.get("/tasks", headers=headers).status_code == 401


def test_an_admin_manages_people(server: LiveServer, visit: Visit, client: httpx2.Client) -> None:
    add_people(server, "ada")
    page = visit(server.url, failing_answers={401, 409})
    log_in_on(page, "ada")
    settings(page, "People")
    page.get_by_label("Name", exact=True).fill("bob")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("bob can log in now.")).to_be_visible()
    assert log_in(client, "bob").status_code == 200

    entry(page, "ada").get_by_role("button", name="Make ordinary ada").press("Enter")
    expect(page.get_by_role("alert").get_by_text("This is the last admin")).to_be_visible()
    bob = entry(page, "bob")
    bob.get_by_role("button", name="Make admin bob").press("Enter")
    expect(bob.get_by_text("Admin", exact=True)).to_be_visible()
    assert client.get("/users").status_code == 200
    bob.get_by_role("button", name="New password bob").press("Enter")
    page.get_by_label("New password of bob").fill(NEW_PASSWORD)
    bob.get_by_label("Once more").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect(bob.get_by_label("New password of bob")).to_have_count(0)
    assert client.get("/me").status_code == 401
    assert log_in(client, "bob", NEW_PASSWORD).status_code == 200
    bob.get_by_role("button", name="Disable bob").press("Enter")
    expect(bob.get_by_text("Disabled")).to_be_visible()
    assert client.get("/me").status_code == 401
    bob.get_by_role("button", name="Remove bob").press("Enter")
    expect(bob).to_contain_text("Remove bob with all tasks, for good?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(bob).to_have_count(0)


def test_an_ordinary_account_sees_nothing_of_the_others(server: LiveServer, visit: Visit) -> None:
    add_people(server, "ada", "bob")
    page = visit(server.url, failing_answers={401})
    log_in_on(page, "bob")
    settings(page, "Account")
    expect(page.get_by_text("You log in as bob.")).to_be_visible()
    expect(page.get_by_role("link", name="People")).to_have_count(0)


def test_look_and_keys_last_in_this_browser(page: Page) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    settings(page, "Look and keys")
    page.get_by_role("radio", name="Dark").press("Space")
    assert page.evaluate(ground) != light
    page.get_by_role("checkbox", name=re.compile("Single keys")).press("Space")
    page.reload()
    expect(page.get_by_role("radio", name="Dark")).to_be_checked()
    assert page.evaluate(ground) != light
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("Single keys")).press("Space")
    page.get_by_role("heading", name="Settings", level=1).focus()
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    wait_for_tasks(page)


def test_logging_out_asks_about_what_is_unsent(
    server: LiveServer, visit: Visit, client: httpx2.Client
) -> None:
    add_people(server, "ada")
    page = visit(server.url, failing_answers={401}, offline_ok=True)
    log_in_on(page, "ada")
    wait_until_it_works_offline(page)
    page.context.set_offline(True)
    page.keyboard.press("n")
    page.keyboard.type("Written on the train")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Written on the train")).to_be_visible()
    settings(page, "Account")
    page.get_by_role("button", name="Log out").press("Enter")
    asked = page.get_by_role("alert").filter(has_text="One edit has not reached the server yet")
    expect(asked).to_be_visible()
    asked.get_by_role("button", name="Stay logged in").press("Enter")
    expect(asked).to_have_count(0)
    page.get_by_role("button", name="Log out").press("Enter")
    asked.get_by_role("button", name="Log out and lose it").press("Enter")
    expect(asked).to_have_count(0)
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Log in to Taskhold")).to_be_visible()
    fill_login(page, "ada", PASSWORD)
    wait_for_tasks(page)
    log_in(client, "ada")
    assert client.get("/tasks").json() == []
