"""Picking a date, tags, a list and a priority, for one task and for several: by keyboard."""

from calendar import monthrange
from datetime import date, timedelta

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.rows import expect_focus, press, row
from tests.support.servers import LiveServer
from tests.support.tasks import add, add_list, get, wait_until

pytestmark = pytest.mark.database("sqlite")

TODAY = date.today()  # noqa: DTZ011  # the browser's day


def words(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last one."""
    years, month = divmod(day.month - 1 + months, 12)
    last = monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, last))


def pick(page: Page, key: str) -> Locator:
    """Press the picker's key; its dialog, whose field has the focus."""
    press(page, key)
    expect(page.get_by_role("dialog").locator("[data-focus]").first).to_be_focused()
    return page.get_by_role("dialog")


def due_becomes(client: httpx2.Client, task_id: int, due: str | None) -> None:
    wait_until(lambda: bool(get(client, task_id)["due"] == due))


@pytest.fixture
def all_page(page: Page, client: httpx2.Client) -> Page:
    """The view of all, with two tasks of which the first has the focus."""
    add(client, "First")
    add(client, "Second")
    page.goto(f"{page.url.partition('?')[0]}?view=all")
    wait_for_tasks(page)
    row(page, "First").focus()
    return page


def test_a_day_is_typed_or_taken_from_the_month(all_page: Page, client: httpx2.Client) -> None:
    page = all_page
    picker = pick(page, "d")
    page.keyboard.type("no day at all")
    press(page, "Enter")
    expect(picker.get_by_role("status")).to_contain_text("That is no day that is known here")
    page.get_by_label("A day, and a time").fill("in 3 days")
    expect(picker.get_by_role("status")).to_have_text(words(TODAY + timedelta(3)))
    press(page, "Enter")
    expect_focus(page, "First")
    due_becomes(client, 1, f"{TODAY + timedelta(3)}")

    picker = pick(page, "d")  # the month begins at the day that is set
    grid = picker.get_by_role("grid")
    press(page, "ArrowDown")
    at = TODAY + timedelta(3)

    def arrives(day: date) -> None:
        expect(grid.get_by_role("button", name=words(day), exact=True)).to_be_focused()

    arrives(at)
    for key, days in [("ArrowRight", 1), ("ArrowDown", 7), ("ArrowLeft", -1), ("ArrowUp", -7)]:
        press(page, key)
        at += timedelta(days)
        arrives(at)
    press(page, "Home")
    at -= timedelta(at.weekday())
    arrives(at)
    press(page, "End")
    at += timedelta(6)
    arrives(at)
    press(page, "PageDown", "PageDown", "PageUp", "Shift+PageDown")
    at = months_later(at, 1)
    arrives(months_later(at, 12))
    press(page, "Shift+PageUp", "Enter")
    expect_focus(page, "First")
    due_becomes(client, 1, f"{months_later(months_later(at, 12), -12)}")

    picker = pick(page, "d")
    picker.get_by_role("button", name="No date").press("Enter")
    due_becomes(client, 1, None)
    expect_focus(page, "First")
    picker = pick(page, "d")
    press(page, "ArrowDown")
    page.keyboard.type("tom")  # typing goes on in the field
    expect(page.get_by_label("A day, and a time")).to_have_value("tom")
    press(page, "Escape")
    expect_focus(page, "First")
    due_becomes(client, 1, None)


def test_a_time_goes_with_any_day(all_page: Page, client: httpx2.Client) -> None:
    page = all_page
    pick(page, "d")
    page.keyboard.type("24 dec 2027 17:30")
    press(page, "Enter")
    wait_until(lambda: str(get(client, 1)["due"]).startswith("2027-12-24T17:30:00"))
    picker = pick(page, "d")
    expect(picker.get_by_label("Time", exact=True)).to_have_value("17:30")
    picker.get_by_role("button", name="Friday, 31 December 2027").press("Enter")
    wait_until(lambda: str(get(client, 1)["due"]).startswith("2027-12-31T17:30:00"))
    picker = pick(page, "d")
    picker.get_by_label("Time", exact=True).fill("")
    picker.get_by_role("button", name="Set 31 Dec 2027").press("Enter")
    due_becomes(client, 1, "2027-12-31")


def test_weeks_begin_where_the_viewer_has_them(server: LiveServer, visit: Visit) -> None:
    for locale, first in [("en-US", "Sunday"), ("de-DE", "Monday"), ("fa-IR", "Saturday")]:
        page = visit(server.url, locale=locale)
        go_on(page)
        press(page, "n")
        page.keyboard.type("First")
        press(page, "Enter", "Escape", "d")
        expect(page.get_by_role("columnheader").first).to_have_attribute("abbr", first)


def test_tags_lists_and_priorities_of_several_tasks(all_page: Page, client: httpx2.Client) -> None:
    page = all_page
    press(page, "x", "j", "x")
    pick(page, "t")
    page.keyboard.type("Home")
    expect(page.get_by_role("option", name="Create tag “Home”")).to_be_visible()
    press(page, "Enter")
    page.keyboard.type("garden")
    press(page, "Enter", "Escape")
    wait_until(lambda: [get(client, each)["tags"] for each in (1, 2)] == [["Home", "garden"]] * 2)
    press(page, "Escape")
    row(page, "First").focus()
    picker = pick(page, "t")
    page.keyboard.type("home")  # the same, however it is spelled
    expect(picker.get_by_role("option")).to_have_count(1)
    press(page, "Enter", "Escape")
    wait_until(lambda: get(client, 1)["tags"] == ["garden"])
    press(page, "x", "j", "x")
    picker = pick(page, "t")
    home = picker.get_by_role("option", name="Home")
    expect(home).to_have_attribute("aria-checked", "mixed")
    page.keyboard.type("ho")
    press(page, "Enter")
    expect(home).to_have_attribute("aria-checked", "true")
    press(page, "Escape")

    pick(page, "l")
    page.keyboard.type("Errands")
    press(page, "Enter")
    wait_until(lambda: {task["list_id"] for task in client.get("/tasks").json()} == {1})
    pick(page, "p")
    press(page, "2")
    wait_until(lambda: {task["priority"] for task in client.get("/tasks").json()} == {"medium"})
    add_list(client, "Archive of it", archived=True)
    pick(page, "l")
    page.keyboard.type("no l")
    press(page, "Enter")
    wait_until(lambda: {task["list_id"] for task in client.get("/tasks").json()} == {None})


def test_a_picker_is_a_sheet_on_a_phone_and_beside_its_anchor_else(
    all_page: Page, client: httpx2.Client
) -> None:
    page = all_page
    assert get(client, 1)["due"] is None
    for width, is_sheet in ((1100, False), (320, True)):
        page.set_viewport_size({"width": width, "height": 700})
        row(page, "First").focus()
        picker = pick(page, "p")
        box = picker.bounding_box()
        assert box is not None
        if is_sheet:
            assert (box["x"], box["width"]) == (0, 320)
            assert box["y"] + box["height"] == 640
        else:
            anchor = row(page, "First").bounding_box()
            assert anchor is not None
            assert abs(box["y"] - anchor["y"] - anchor["height"]) < 10
            assert box["width"] < 400
        press(page, "Escape")
        expect_focus(page, "First")
