"""What is unsent, and what was changed elsewhere, too: seen and settled by keyboard."""

import json

import httpx2
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.rows import press, row
from tests.support.servers import LiveServer
from tests.support.tasks import add, change, get, wait_until

pytestmark = pytest.mark.database("sqlite")


def at_all(server: LiveServer, visit: Visit) -> Page:
    page = visit(server.url, offline_ok=True, failing_answers={412, 422, 500})
    go_on(page)
    page.goto(f"{server.url}/?view=all")
    wait_for_tasks(page)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    return page


def by_palette(page: Page, text: str) -> None:
    press(page, "Control+k")
    expect(page.get_by_role("combobox", name="What to find or do")).to_be_focused()
    page.keyboard.type(text)
    press(page, "Enter")


def rename(page: Page, old: str, new: str) -> None:
    row(page, old).focus()
    press(page, "e", "Control+a")
    page.keyboard.type(new)
    press(page, "Enter")


def test_unsent_edits_are_listed_with_why_and_can_be_dropped_or_tried_again(
    server: LiveServer, client: httpx2.Client, visit: Visit
) -> None:
    first, second = add(client, "First"), add(client, "Second")
    page = at_all(server, visit)
    page.context.set_offline(True)
    rename(page, "First", "First of all")
    rename(page, "Second", "Second of all")
    by_palette(page, "unsent")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading", name="2 edits not sent yet")).to_be_visible()
    expect(sheet).to_contain_text("They are sent when it is back, in this order, each once.")
    lines = sheet.get_by_role("listitem")
    expect(lines.first).to_contain_text("“First of all”")
    lines.last.get_by_role("button", name="Drop").press("Enter")
    expect(lines.last).to_contain_text("Lose this edit?")
    press(page, "Tab", "Enter")
    expect(sheet.get_by_role("heading", name="1 edit not sent yet")).to_be_visible()
    press(page, "Escape")
    expect(row(page, "Second")).to_be_visible()

    def refuse(route: Route) -> None:
        problem = {"type": "/problems/validation", "status": 422, "detail": "title: is not nice"}
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    page.context.route("**/tasks/batch", refuse)
    page.context.set_offline(False)
    by_palette(page, "unsent")
    expect(lines.first).to_contain_text("Refused")
    expect(lines.first).to_contain_text("title: is not nice")
    page.context.unroute("**/tasks/batch")
    lines.first.get_by_role("button", name="Try again").press("Enter")
    expect(sheet.get_by_role("heading", name="Everything is sent")).to_be_visible()
    press(page, "Escape")
    titles_become(client, {first: "First of all", second: "Second"})


def titles_become(client: httpx2.Client, titles: dict[int, str]) -> None:
    wait_until(lambda: {each: get(client, each)["title"] for each in titles} == titles)


def test_a_conflict_shows_both_versions_and_loses_neither(
    server: LiveServer, client: httpx2.Client, visit: Visit
) -> None:
    task = add(client, "Paint the door", notes="White\nTwo coats", due="2027-01-01")
    page = at_all(server, visit)
    page.context.set_offline(True)
    rename(page, "Paint the door", "Paint the front door")
    press(page, "Enter")
    panel = page.get_by_role("region", name="Details of")
    panel.get_by_role("button", name="Edit the notes").press("Enter")
    page.get_by_role("textbox", name="Notes").fill("Green\nTwo coats")
    press(page, "Escape", "d")
    expect(page.get_by_role("dialog").locator("[data-focus]").first).to_be_focused()
    page.keyboard.type("2027-02-02")
    press(page, "Enter", "Escape")
    change(client, task, title="Paint the back door", notes="Blue\nTwo coats", due="2027-03-03")
    page.context.set_offline(False)

    conflict = page.get_by_role("button", name="1 conflict to settle")
    sheet = page.get_by_role("dialog", name="was changed elsewhere, too")

    def settled(name: str) -> Locator:
        """The conflict about this field, opened; each edit has its own."""
        expect(conflict).to_be_visible()
        by_palette(page, "conflicts")
        group = sheet.get_by_role("group", name=name)
        expect(group.get_by_role("radio", checked=True)).to_be_focused()
        return group

    title = settled("Title")
    expect(title.get_by_role("radio", name="Keep both")).to_be_checked()
    title.get_by_role("radio", name="Yours Paint").press("Space")
    press(page, "Enter")
    expect(sheet).to_have_count(0)
    notes = settled("Notes")
    expect(notes.get_by_role("radio", name="Keep both")).to_be_checked()
    expect(notes.locator("mark")).to_have_text(["Green\n", "Blue\n"])
    sheet.get_by_role("button", name="Settle it so").press("Enter")
    expect(sheet).to_have_count(0)
    due = settled("Due")
    expect(due.get_by_role("radio", name="Yours")).to_be_checked()
    expect(due).to_contain_text("Tuesday, 2 February 2027")
    expect(due).to_contain_text("Wednesday, 3 March 2027")
    press(page, "ArrowRight", "Enter")
    expect(conflict).to_have_count(0)
    titles_become(client, {task: "Paint the front door"})
    wait_until(lambda: "Green" in get(client, task)["notes"])
    assert get(client, task)["due"] == "2027-03-03"
    assert "Blue" in get(client, task)["notes"]
