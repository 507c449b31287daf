"""The palette, the sheet of keys, and the message of what was done: by keyboard."""

import httpx2
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.rows import expect_focus, press, row
from tests.support.servers import LiveServer
from tests.support.tasks import add, add_list

pytestmark = pytest.mark.database("sqlite")


def palette(page: Page, text: str) -> Locator:
    """Open it and type; what it offers."""
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="What to find or do")
    expect(field).to_be_focused()
    page.keyboard.type(text)
    return page.get_by_role("dialog").get_by_role("option")


def test_the_palette_finds_and_does_everything(
    server: LiveServer, client: httpx2.Client, visit: Visit
) -> None:
    home = add_list(client, "Home")
    add(client, "Fix the squeaking door", list_id=home, tags=["diy"])
    add(client, "Crème brûlée for Zoë")
    add(client, "Door of the shed", done=True)
    add(client, "Outdoors in spring")
    page = visit(server.url, path="?view=all")
    go_on(page)
    page.goto(f"{server.url}/?view=all")
    row(page, "Outdoors in spring").focus()

    options = palette(page, "")  # first of all, what can be done, with its keys
    expect(options.filter(has_text="Set the due date")).to_have_text("Set the due dated")
    expect(options.filter(has_text="Settle conflicts")).to_have_count(0)
    press(page, "Escape")
    expect_focus(page, "Outdoors in spring")

    options = palette(page, "high pri")  # about the row that had the focus
    expect(options).to_have_count(1)
    press(page, "Enter")
    expect(page.get_by_role("row", name="Outdoors in spring, high priority")).to_be_focused()

    options = palette(page, "door")  # what begins so first, then words, then parts; done last
    expect(options).to_have_text(
        ["Fix the squeaking doorHome", "Outdoors in spring", "Door of the sheddone"]
    )
    press(page, "ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    press(page, "ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    press(page, "Enter")
    expect(page.get_by_role("textbox", name="Title")).to_have_value("Fix the squeaking door")
    press(page, "Escape")

    expect(palette(page, "zoe creme")).to_have_text(["Crème brûlée for Zoë"])
    press(page, "Escape")
    expect(palette(page, "gttt")).to_have_text(["Go to the trash"])  # its first letters
    press(page, "Escape")
    expect(palette(page, "diy").first).to_have_text("diy")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="#diy", level=1)).to_be_visible()
    palette(page, "home")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
    palette(page, "xyzzy")
    expect(page.get_by_text("Nothing is called that.")).to_be_visible()
    press(page, "Enter", "Escape")
    palette(page, "go to t")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()


def test_keys_typed_ahead_of_the_palette_go_where_they_would_have_gone(
    server: LiveServer, visit: Visit
) -> None:
    page = visit(server.url, path="?view=all", service_workers="block")
    go_on(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/palette*", hold)
    page.reload()
    wait_for_tasks(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("go to the tr")
    press(page, "Escape", "n")  # out of it again, and a task
    page.keyboard.type("Nine nails #diy")
    press(page, "Enter", "Escape")
    expect(row(page, "Nine nails")).to_have_count(0)
    *_, module = held  # idle, the page before may have asked for it as well
    module.continue_()
    expect(row(page, "Nine nails")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_sheet_shows_every_key(page: Page) -> None:
    press(page, "?")
    sheet = page.get_by_role("dialog", name="Keys")
    for group, said, keys in [
        ("Tasks", "Set the due date", "d"),
        ("Moving", "Move up", "alt↑"),
        ("Selecting", "Extend the selection down", "shiftjorshift↓"),
        ("Going", "Go to Today", "gt"),
        ("Page", "Undo", "zorctrlz"),
    ]:
        line = sheet.get_by_role("region", name=group).locator(".help-key").filter(has_text=said)
        expect(line.get_by_role("definition").first).to_have_text(keys)
    with page.context.expect_page() as opened:
        sheet.get_by_role("link", name="The documentation").click()
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("Taskhold")
    opened.value.close()
    press(page, "Escape")
    expect(sheet).to_have_count(0)


def test_what_was_done_is_said_and_taken_back_from_the_message(
    page: Page, client: httpx2.Client
) -> None:
    add(client, "Water the tomatoes")
    page.goto(f"{page.url.partition('?')[0]}?view=all")
    row(page, "Water the tomatoes").focus()
    page.clock.install()
    press(page, "#")
    said = page.locator(".toasts").get_by_role("status")
    expect(said).to_contain_text("Water the tomatoes")
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(undo).not_to_be_focused()  # the message never takes the focus
    undo.focus()
    page.clock.run_for(60_000)
    expect(said).to_contain_text("Water the tomatoes")  # it stays as long as it has it
    press(page, "Enter")
    expect(row(page, "Water the tomatoes")).to_be_visible()
    row(page, "Water the tomatoes").focus()
    press(page, "#")
    expect(undo).to_be_visible()
    page.clock.run_for(10_000)
    expect(undo).to_have_count(0)
