"""The details of a task, by keyboard: every field, and that nothing typed is ever lost."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import PATIENCE, Visit, go_on
from tests.page.rows import row
from tests.support.servers import LiveServer
from tests.support.tasks import add, change, get, wait_until

pytestmark = pytest.mark.database("sqlite")  # what is stored is looked at by the API's own tests


def eventually(client: httpx2.Client, task_id: int, **expected: Any) -> None:
    """Wait until the server has these fields of the task."""
    until = time.monotonic() + PATIENCE / 1000
    while (found := {name: get(client, task_id).get(name) for name in expected}) != expected:
        assert time.monotonic() < until, found
        time.sleep(0.02)


def details(page: Page) -> Locator:
    return page.get_by_role("region", name="Details of")


def open_details(page: Page, title: str) -> Locator:
    row(page, title).focus()
    page.keyboard.press("Enter")
    expect(details(page)).to_be_focused()
    return details(page)


def choose(page: Page, panel: Locator, name: str, text: str) -> None:
    """Open a property, type, and take what is at the top."""
    panel.get_by_role("button", name=name).press("Enter")
    expect(page.get_by_role("dialog").locator("[data-focus]").first).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


@pytest.fixture
def open_page(server: LiveServer, visit: Visit) -> Callable[..., Page]:
    """The page in open mode, with what the server has."""

    def open_page(**options: Any) -> Page:
        page = visit(server.url, **options)
        go_on(page)
        page.goto(f"{server.url}/?view=all")
        return page

    return open_page


def test_every_field_is_edited_where_it_is_read(
    client: httpx2.Client, open_page: Callable[..., Page]
) -> None:
    task = add(client, "Write the report", tags=["work"])
    add(client, "Prepare the trip", tags=["travel"])
    page = open_page()
    panel = open_details(page, "Write the report")

    page.keyboard.press("p")  # the list's keys are about the open task
    page.keyboard.press("1")
    eventually(client, task, priority="high")
    expect(panel).to_be_focused()
    panel.get_by_role("textbox", name="Title").press("End")
    page.keyboard.type(" for Vienna")
    page.keyboard.press("Enter")
    eventually(client, task, title="Write the report for Vienna")
    expect(panel).to_be_focused()

    choose(page, panel, "Due", "tomorrow 17:00")
    expect(panel.get_by_role("button", name="Due")).to_contain_text("tomorrow 17:00")
    expect(panel.get_by_role("button", name="Due")).to_be_focused()
    day = date.today() + timedelta(1)  # noqa: DTZ011  # the browser's day
    due = f"{day}T17:00:00"
    wait_until(lambda: str(get(client, task)["due"]).startswith(due))
    choose(page, panel, "List", "Journeys")
    expect(panel.get_by_role("button", name="List Journeys")).to_be_visible()
    choose(page, panel, "Tags", "trav")
    page.keyboard.type("Urgent")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    eventually(client, task, tags=["work", "travel", "Urgent"])


def test_notes_subtasks_and_the_parent_are_edited_where_they_are_read(
    client: httpx2.Client, open_page: Callable[..., Page]
) -> None:
    task = add(client, "Write the report")
    trip = add(client, "Prepare the trip")
    page = open_page()
    panel = open_details(page, "Write the report")
    panel.get_by_role("button", name="Add notes").press("Enter")
    page.keyboard.type("Ask *Ines*\n\n- [ ] figures\n- [x] cover")
    page.keyboard.press("Escape")
    expect(panel).to_be_focused()
    expect(panel.locator("em")).to_have_text("Ines")
    panel.get_by_role("checkbox", name="figures").press("Space")
    panel.get_by_role("checkbox", name="cover").press("Space")
    eventually(client, task, notes="Ask *Ines*\n\n- [x] figures\n- [ ] cover")

    field = panel.get_by_role("textbox", name="Add a subtask")
    field.focus()
    page.keyboard.type("Book the train\nPack\n")
    expect(field).to_be_focused()
    panel.get_by_role("checkbox", name="Done: Pack").press("Space")
    expect(panel.get_by_text("1 of 2")).to_be_visible()
    panel.get_by_role("button", name="Book the train").press("Enter")
    expect(page.get_by_role("textbox", name="Title")).to_have_value("Book the train")
    page.get_by_role("navigation", name="Where it is").get_by_role(
        "button", name="Write the report"
    ).press("Enter")
    expect(page.get_by_role("textbox", name="Title")).to_have_value("Write the report")
    choose(page, panel, "Part of", "prep")
    eventually(client, task, parent_id=trip, list_id=None)
    panel.get_by_role("checkbox", name="Done", exact=True).press("Space")
    eventually(client, task, done=True)

    panel.get_by_role("button", name="Move to the trash").press("Enter")
    expect(panel).to_have_count(0)
    page.get_by_role("status").get_by_text("to the trash").wait_for()
    page.keyboard.press("z")
    expect(row(page, "Write the report")).to_be_visible()
    wait_until(lambda: client.get(f"/tasks/{task}").is_success)


def test_nothing_typed_is_lost_however_one_leaves(
    server: LiveServer, client: httpx2.Client, visit: Visit, open_page: Callable[..., Page]
) -> None:
    task, other = add(client, "First"), add(client, "Second")
    page = open_page()
    panel = open_details(page, "First")
    title = panel.get_by_role("textbox", name="Title")
    notes = panel.get_by_role("textbox", name="Notes")

    def type_notes(text: str) -> None:
        panel.get_by_role("button", name="notes").press("Enter")
        notes.press("Control+End")
        page.keyboard.type(text)

    type_notes("one")
    row(page, "Second").click()  # by opening another task
    eventually(client, task, notes="one")
    eventually(client, other, notes="")
    page.go_back()
    type_notes(" two")
    page.go_forward()  # by the address
    expect(title).to_have_value("Second")
    eventually(client, task, notes="one two")
    page.go_back()
    type_notes(" three")
    page.get_by_role("button", name="Close the details").press("Enter")
    eventually(client, task, notes="one two three")
    open_details(page, "First")
    type_notes(" four")
    page.reload()
    eventually(client, task, notes="one two three four")
    expect(panel.get_by_text("one two three four")).to_be_visible()
    type_notes(" five")  # by no way: after a pause
    eventually(client, task, notes="one two three four five")
    expect(notes).to_be_focused()
    page.keyboard.type(" six")
    page.close(run_before_unload=True)  # by the window; the next one sends it
    visit(server.url, context=page.context)
    eventually(client, task, notes="one two three four five six")


def test_a_title_is_never_empty_and_too_long_notes_are_kept_until_they_fit(
    client: httpx2.Client, open_page: Callable[..., Page]
) -> None:
    task, other = add(client, "First"), add(client, "Second")
    page = open_page()
    panel = open_details(page, "First")
    title = panel.get_by_role("textbox", name="Title")
    title.fill("")
    expect(panel.get_by_text("A task needs a title.")).to_be_visible()
    page.keyboard.press("Enter")
    panel.get_by_role("button", name="Add notes").press("Enter")
    notes = panel.get_by_role("textbox", name="Notes")
    notes.fill("x" * 50_001)
    expect(panel.get_by_text("1 character too many")).to_be_visible()
    row(page, "Second").click()
    expect(title).to_have_value("Second")
    page.go_back()
    expect(notes).to_have_value("x" * 50_001)
    notes.press("Control+End")
    page.keyboard.press("Backspace")
    eventually(client, task, title="First", notes="x" * 50_000)
    eventually(client, other, title="Second", notes="")


def test_a_change_from_elsewhere_leaves_what_is_typed_and_is_not_overwritten(
    client: httpx2.Client, open_page: Callable[..., Page]
) -> None:
    task = add(client, "Shared", notes="Bread")
    page = open_page()
    panel = open_details(page, "Shared")
    panel.get_by_role("button", name="Edit the notes").press("Enter")
    notes = panel.get_by_role("textbox", name="Notes")
    hint = panel.get_by_text("This was changed elsewhere while you typed.")

    page.keyboard.type(", butter")
    change(client, task, notes="Bread, cheese")
    expect(hint).to_be_visible()
    expect(notes).to_have_value("Bread, butter")
    expect(panel.get_by_text("Bread, cheese")).to_be_visible()
    page.keyboard.type(", jam")
    page.keyboard.press("Escape")  # without a choice both are kept
    expect(hint).to_have_count(0)
    both = "Bread, butter, jam\n\n---\n\nBread, cheese"
    eventually(client, task, notes=both)

    panel.get_by_role("button", name="Edit the notes").press("Enter")
    notes.fill("Only milk")
    change(client, task, notes="Only water")
    expect(hint).to_be_visible()
    panel.get_by_role("button", name="Keep mine").press("Enter")
    eventually(client, task, notes="Only milk")

    panel.get_by_role("button", name="Edit the notes").press("Enter")
    notes.fill("Coffee")
    change(client, task, notes="Tea")
    expect(hint).to_be_visible()
    page.reload()
    eventually(client, task, notes="Coffee\n\n---\n\nTea")

    title = panel.get_by_role("textbox", name="Title")
    title.fill("Shared by me")
    change(client, task, title="Shared by you")
    expect(hint).to_be_visible()
    panel.get_by_role("button", name="Take the other").press("Enter")
    expect(title).to_have_value("Shared by you")
    eventually(client, task, title="Shared by you")


def test_what_is_typed_comes_back_with_a_task_that_was_deleted_meanwhile(
    client: httpx2.Client, open_page: Callable[..., Page]
) -> None:
    task = add(client, "Fleeting")
    page = open_page()
    panel = open_details(page, "Fleeting")
    panel.get_by_role("button", name="Add notes").press("Enter")
    page.keyboard.type("Half a thought")
    client.delete(f"/tasks/{task}")
    expect(page.locator(".toasts")).to_contain_text("“Fleeting” was deleted elsewhere")
    expect(panel).to_have_count(0)
    client.post(f"/trash/{task}/restore")
    expect(panel.get_by_role("textbox", name="Notes")).to_have_value("Half a thought")
    panel.get_by_role("textbox", name="Notes").press("Escape")
    eventually(client, task, notes="Half a thought")


def test_titles_and_notes_full_of_markup_stay_text(
    client: httpx2.Client, open_page: Callable[..., Page]
) -> None:
    canary = "<img src=x onerror='window.canary=1'><script>window.canary=1</script>"
    evil = [
        canary,
        "[x](javascript:window.canary=1) [y](data:text/html,hi) <javascript:window.canary=1>",
        "[z](https://example.org/\"onmouseover='window.canary=1') `<b>code</b>`",
        "# <svg onload='window.canary=1'>",
        "> - [ ] **<i>bold</i>** [safe](https://example.org/) me@example.org",
        "```\n</code></pre><script>window.canary=1</script>\n```",
    ]
    add(client, canary, notes="\n\n".join(evil), tags=["<b>tag</b>"])
    page = open_page()
    panel = open_details(page, canary)
    notes = panel.locator(".markdown")
    expect(notes.get_by_text("<script>window.canary=1</script>").first).to_be_visible()
    expect(notes.locator("img, script, svg, b, i, javascript")).to_have_count(0)
    expect(notes.locator("strong")).to_have_text("<i>bold</i>")
    links = notes.locator("a").evaluate_all(
        "links => links.map((each) => each.protocol + each.rel)"
    )
    assert set(links) == {"https:noopener noreferrer"}
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="What to find or do").fill("onerror")
    expect(page.get_by_role("option", name=canary)).to_be_visible()
    page.keyboard.press("Escape")
    panel.locator("summary").press("Enter")
    expect(panel.get_by_text("added it")).to_be_visible()
    assert page.evaluate("window.canary") is None


def test_any_notes_are_read_in_no_time(page: Page) -> None:
    """Texts made to make a reader of Markdown think."""
    slow = page.evaluate(
        """async () => {
          const { parseMarkdown, renderMarkdown, toggleTick } =
            await import("./static/panels/markdown.js");
          const { render } = await import("./static/parts/html.js");
          const cases = ["*a ", "*a_b ", "> ", "- ", "`a``b```", "[", "[](x", "https://%", "_a",
            "- [ ] a\\n", "\\\\", "<https://", "![a](", "**", "~~a", "1. ", "# ", "- - [ ", "\\n",
            "```\\n", "((((", "a](b)"];
          const slow = [];
          for (const piece of cases) {
            const text = piece.repeat(50000 / piece.length);
            const begin = performance.now();
            parseMarkdown(text);
            toggleTick(text, 0);
            const took = performance.now() - begin;
            if (took > 1000) slow.push([piece, took]);
          }
          const deep = `${"*_".repeat(12000)}x${"_*".repeat(12000)}\n\n${"> - ".repeat(6000)}`;
          const place = document.createElement("div");
          render(renderMarkdown(deep), place);
          return [slow, place.innerText.includes("x")];
        }"""
    )
    assert slow == [[], True]


def test_the_history_says_what_happened_and_takes_it_back(
    client: httpx2.Client, open_page: Callable[..., Page]
) -> None:
    task = add(client, "Old name")
    for number in range(21):
        change(client, task, notes=f"Version {number}")
    change(client, task, title="New name", tags=["a", "b"])
    page = open_page()
    panel = open_details(page, "New name")
    panel.locator("summary").press("Enter")
    changes = panel.locator(".changes > li")
    expect(changes.first).to_contain_text("You renamed it from “Old name”, tagged it “a”, “b”")
    expect(changes).to_have_count(20)
    panel.get_by_role("button", name="Show more").press("Enter")
    expect(changes).to_have_count(23)
    expect(changes.last).to_contain_text("You added it")
    changes.first.get_by_role("button", name="Take back").press("Enter")
    eventually(client, task, title="Old name", tags=[])
    expect(changes.first).to_contain_text("took something back")
    expect(panel.get_by_role("textbox", name="Title")).to_have_value("Old name")
