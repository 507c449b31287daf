"""Everything that a day with tasks needs, by keyboard alone."""

import re
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.rows import expect_focus, expect_rows, level, press, row
from tests.support.servers import LiveServer
from tests.support.tasks import add, add_list, get, wait_until

pytestmark = pytest.mark.database("sqlite")


def show(page: Page, path: str) -> None:
    page.goto(f"{page.url.partition('?')[0]}{path}")
    wait_for_tasks(page)


def on_server(client: httpx2.Client, title: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = client.get("/tasks", params={"limit": 500}).json()
    return next((task for task in found if task["title"] == title), None)


def wait_until_sent(page: Page) -> None:
    """Nothing that was done here is still on its way."""
    page.wait_for_function(
        "import('./static/data/outbox.js').then(({unsent}) => unsent.value.length === 0)"
    )


def test_a_task_from_its_first_letter_to_its_end(page: Page, client: httpx2.Client) -> None:
    press(page, "n")
    page.keyboard.type("Paint the fence #garden !high")
    press(page, "Enter")
    page.keyboard.type("Call Ines")
    press(page, "Enter", "Escape")
    expect_focus(page, "Paint the fence")
    press(page, "j")
    expect_focus(page, "Call Ines")
    press(page, "e", "End")
    page.keyboard.type(" about 1 4 x d")
    press(page, "Enter")
    expect_focus(page, "Call Ines about 1 4 x d")
    press(page, "2")
    expect(page.get_by_role("row", name="Call Ines about 1 4 x d, medium priority")).to_be_focused()
    press(page, "d")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("tomorrow")
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    # It is due tomorrow, so it leaves Today; the focus goes to what is next.
    expect_rows(page, "Paint the fence")
    expect_focus(page, "Paint the fence")
    press(page, "g", "u")
    expect_focus(page, "Call Ines about 1 4 x d")
    press(page, "t")
    page.keyboard.type("phone")
    press(page, "Enter", "Escape")
    expect(row(page, "Call Ines about 1 4 x d")).to_contain_text("#phone")
    press(page, "l")
    page.keyboard.type("Family")
    press(page, "Enter")
    expect(row(page, "Call Ines about 1 4 x d")).to_contain_text("Family")
    expect_focus(page, "Call Ines about 1 4 x d")
    press(page, "Enter")
    expect(page.locator(".details")).to_be_focused()
    press(page, "Escape")
    expect_focus(page, "Call Ines about 1 4 x d")
    press(page, "Space")
    expect(row(page, "Call Ines about 1 4 x d").get_by_role("checkbox")).to_be_checked()
    expect_rows(page)
    wait_until_sent(page)
    sent = on_server(client, "Call Ines about 1 4 x d")
    assert sent is not None
    assert (sent["done"], sent["priority"], sent["tags"]) == (True, "medium", ["phone"])
    press(page, "z")
    expect_rows(page, "Call Ines about 1 4 x d")
    press(page, "Shift+Z")
    expect_rows(page)


def test_rows_are_moved_and_put_under_each_other(page: Page, client: httpx2.Client) -> None:
    garden = add_list(client, "Garden")
    for title in ("Dig", "Sow", "Water", "Harvest"):
        add(client, title, list_id=garden)
    show(page, f"?view=list&list={garden}")
    expect_rows(page, "Dig", "Sow", "Water", "Harvest")
    press(page, "j", "j")
    expect_focus(page, "Sow")
    press(page, "Alt+ArrowUp")
    expect_rows(page, "Sow", "Dig", "Water", "Harvest")
    expect_focus(page, "Sow")
    press(page, "Alt+ArrowUp", "Alt+ArrowDown", "Alt+ArrowDown")
    expect_rows(page, "Dig", "Water", "Sow", "Harvest")
    press(page, "]")
    expect_focus(page, "Sow")
    assert level(page, "Sow") == "2"
    press(page, "ArrowDown", "]")
    assert level(page, "Harvest") == "2"
    expect(row(page, "Water")).to_contain_text("0/2")
    press(page, "Alt+ArrowUp")
    expect_rows(page, "Dig", "Water", "Harvest", "Sow")
    press(page, "ArrowLeft")
    expect_focus(page, "Water")
    press(page, "ArrowLeft")
    expect_rows(page, "Dig", "Water")
    expect(row(page, "Water")).to_have_attribute("aria-expanded", "false")
    press(page, "ArrowRight", "ArrowRight")
    expect_focus(page, "Harvest")
    press(page, "[")
    assert level(page, "Harvest") == "1"
    expect_rows(page, "Dig", "Water", "Sow", "Harvest")
    wait_until_sent(page)
    page.reload()
    wait_for_tasks(page)
    expect_rows(page, "Dig", "Water", "Sow", "Harvest")
    assert level(page, "Sow") == "2"
    press(page, "End")
    expect_focus(page, "Harvest")
    press(page, "Home")
    expect_focus(page, "Dig")


def test_several_at_once_and_all_of_it_undone(page: Page, client: httpx2.Client) -> None:
    ids = [add(client, title) for title in ("One", "Two", "Three", "Four")]
    show(page, "?view=all")
    expect_rows(page, "One", "Two", "Three", "Four")
    press(page, "j", "x", "Shift+J", "Shift+ArrowDown")
    toolbar = page.get_by_role("toolbar", name="Selected tasks")
    expect(toolbar).to_contain_text("3 selected")
    press(page, "1")
    for title in ("One", "Two", "Three"):
        expect(page.get_by_role("row", name=f"{title}, high priority")).to_have_attribute(
            "aria-selected", "true"
        )
    press(page, "Shift+K")
    expect(toolbar).to_contain_text("2 selected")
    press(page, "#")
    expect_rows(page, "Three", "Four")
    expect(toolbar).to_be_hidden()
    expect_focus(page, "Three")
    press(page, "Control+z")
    expect_rows(page, "One", "Two", "Three", "Four")
    press(page, "z")
    expect(page.get_by_role("row", name="One, high priority")).to_have_count(0)
    press(page, "x", "k", "x", "Space")
    expect(row(page, "Two").get_by_role("checkbox")).to_be_checked()
    expect_rows(page, "One", "Four")
    press(page, "x")
    expect(toolbar).to_contain_text("1 selected")
    press(page, "Escape")
    expect(toolbar).to_be_hidden()
    wait_until_sent(page)
    assert [get(client, task_id)["done"] for task_id in ids] == [False, True, True, False]


def test_the_focus_is_never_lost(page: Page, client: httpx2.Client) -> None:
    for title in ("One", "Two", "Three"):
        add(client, title)
    show(page, "?view=all")
    expect_rows(page, "One", "Two", "Three")
    press(page, "j", "j", "Delete")
    expect_rows(page, "One", "Three")
    expect_focus(page, "Three")
    press(page, "Space")
    expect_rows(page, "One")
    expect_focus(page, "One")
    press(page, "Delete")
    expect(page.get_by_text("No open tasks")).to_be_visible()
    expect(page.locator(".rows")).to_be_focused()
    press(page, "z")
    expect_rows(page, "One")
    press(page, "j")
    expect_focus(page, "One")
    press(page, "d", "Escape")
    expect_focus(page, "One")
    press(page, "Control+k", "Escape")
    expect_focus(page, "One")
    press(page, "/")
    page.keyboard.type("one")
    press(page, "Enter")
    expect_focus(page, "One")
    press(page, "Escape")
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect_focus(page, "One")


def test_typing_is_never_stolen_and_single_letters_can_be_switched_off(
    page: Page, client: httpx2.Client
) -> None:
    add(client, "One")
    show(page, "?view=all")
    expect_rows(page, "One")
    letters = "njx#?/[]zgt1e dp"
    press(page, "n")
    page.keyboard.type(letters)
    expect(page.get_by_role("combobox", name="Add a task")).to_have_value(letters)
    press(page, "Escape")
    expect_focus(page, "One")
    expect_rows(page, "One")
    press(page, "/")
    page.keyboard.type("n z?")
    expect(page.get_by_role("searchbox")).to_have_value("n z?")
    press(page, "Escape", "Escape")
    press(page, "Control+k")
    page.keyboard.type("single-letter")
    press(page, "Enter")
    expect(page.get_by_text("Single-letter keys are off.")).to_be_visible()
    expect_focus(page, "One")
    press(page, "x", "#", "n", "g", "t")
    expect_rows(page, "One")
    expect(row(page, "One")).to_have_attribute("aria-selected", "false")
    expect(row(page, "One")).to_be_focused()
    press(page, "Space")
    expect_rows(page)
    press(page, "Control+z")
    expect_rows(page, "One")


def test_each_key_is_on_the_sheet_and_goes_somewhere(page: Page, client: httpx2.Client) -> None:
    add(client, "One", due="2000-01-01")
    show(page, "?view=all")
    expect_rows(page, "One")
    press(page, "?")
    sheet = page.get_by_role("dialog")
    for words in ("Add a task", "Complete", "Go to Today", "Make it a subtask", "One step back"):
        expect(sheet.get_by_text(words).first).to_be_visible()
    press(page, "Escape", "g", "t")
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    expect_focus(page, "One")
    press(page, "g", "u")
    expect(page.get_by_role("heading", name="Upcoming", level=1)).to_be_visible()
    press(page, "g", "a")
    expect(page.get_by_role("heading", name="All", level=1)).to_be_visible()
    expect_focus(page, "One")
    # Tab only moves the focus: through the row, and out of it.
    press(page, "Tab")
    expect(page.get_by_role("checkbox", name="Done: One")).to_be_focused()
    press(page, "Shift+Tab")
    expect_focus(page, "One")


def test_what_is_typed_is_read_and_can_be_left_as_it_stands(
    page: Page, client: httpx2.Client
) -> None:
    add_list(client, "Reading list")
    add(client, "Known", tags=["music"])
    show(page, "?view=all")
    expect_rows(page, "Known")
    press(page, "n")
    page.keyboard.type("Watch the sun @rea")
    press(page, "ArrowDown", "Enter")
    field = page.get_by_role("combobox", name="Add a task")
    expect(field).to_have_value("Watch the sun @Readinglist ")
    page.keyboard.type("#mu")
    press(page, "ArrowDown", "Enter")
    parts = page.locator("#quick-add-parts")
    expect(parts.get_by_role("button")).to_have_count(3)
    press(page, "Tab")  # the button that adds
    expect(page.get_by_role("button", name="Add", exact=True)).to_be_focused()
    press(page, "Tab", "Tab", "Tab")
    expect(parts.get_by_role("button", name=re.compile("^Due "))).to_be_focused()
    press(page, "Enter")
    expect(parts.get_by_role("button")).to_have_count(2)
    expect(field).to_be_focused()
    press(page, "Enter", "Escape")
    expect(row(page, "Watch the sun")).to_contain_text("#music")
    wait_until_sent(page)
    made = on_server(client, "Watch the sun")
    assert made is not None
    assert (made["due"], made["tags"]) == (None, ["music"])
    assert made["list_id"] is not None


def test_lists_are_made_named_archived_and_deleted(page: Page, client: httpx2.Client) -> None:
    sidebar = page.get_by_role("navigation", name="Views and lists")
    page.get_by_role("button", name="Add a list").focus()
    press(page, "Enter")
    page.keyboard.type("Garden")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Garden", level=1)).to_be_visible()
    press(page, "n")
    page.keyboard.type("Dig")
    press(page, "Enter")
    expect_rows(page, "Dig")
    expect(sidebar.get_by_role("link", name="Garden")).to_contain_text("1")
    sidebar.get_by_role("button", name="More for Garden").focus()
    press(page, "Enter", "Enter")
    press(page, "Control+a")
    page.keyboard.type("Allotment")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Allotment", level=1)).to_be_visible()
    sidebar.get_by_role("button", name="More for Allotment").focus()
    press(page, "Enter", "ArrowDown", "Enter")
    expect(sidebar.get_by_role("button", name="Archived")).to_be_visible()
    press(page, "g", "a")
    expect(page.get_by_text("No open tasks")).to_be_visible()
    wait_until(lambda: client.get("/lists").json()[0]["archived"])
    (kept,) = client.get("/lists").json()
    assert kept["name"] == "Allotment"
    show(page, f"?view=list&list={kept['id']}")
    expect_rows(page, "Dig")
    page.get_by_role("button", name="Order and more").focus()
    press(page, "Enter", "End", "Enter")
    expect(page.get_by_role("heading", name="All", level=1)).to_be_visible()
    expect(sidebar.get_by_role("link", name="Allotment")).to_have_count(0)
    press(page, "Control+z")
    expect(sidebar.get_by_role("button", name="Archived")).to_be_visible()


def test_the_trash_gives_back_or_forgets(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    parent = add(client, "Keep")
    add(client, "Below it", parent_id=parent)
    for task_id in (parent, add(client, "Forget"), add(client, "Select one"), add(client, "Two")):
        client.delete(f"/tasks/{task_id}")
    page = visit(server.url)
    go_on(page)
    show(page, "?view=trash")
    expect_rows(page, "Two", "Select one", "Forget", "Keep", "Below it")
    press(page, "End", "k")
    expect_focus(page, "Keep")
    press(page, "Tab")
    expect(row(page, "Keep").get_by_role("button", name="Restore")).to_be_focused()
    press(page, "Enter")
    expect_rows(page, "Two", "Select one", "Forget")
    expect_focus(page, "Forget")
    press(page, "Tab", "Tab", "Enter")
    question = page.get_by_role("alertdialog", name="Delete this task for good?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    press(page, "Tab", "Enter")
    expect_rows(page, "Two", "Select one")
    press(page, "x", "Shift+K")
    expect(page.get_by_role("toolbar")).to_contain_text("2 selected")
    page.get_by_role("toolbar").get_by_role("button", name="Restore").focus()
    press(page, "Enter")
    expect(page.get_by_text("The trash is empty")).to_be_visible()
    press(page, "g", "a")
    expect_rows(page, "Keep", "Below it", "Select one", "Two")
    wait_until(lambda: client.get("/trash").json() == [])
