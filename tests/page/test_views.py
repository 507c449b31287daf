"""What each view shows, by mouse and by finger, and that the address says it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.rows import expect_rows, level, press, row
from tests.support.servers import LiveServer
from tests.support.tasks import add, add_list, change, get, wait_until

pytestmark = pytest.mark.database("sqlite")

PHONE: dict[str, Any] = {
    "viewport": {"width": 320, "height": 640},
    "has_touch": True,
    "is_mobile": True,
}


A_SECOND = 1000
MEASURE_STAY = """(row) => {
  const began = performance.now();
  new MutationObserver((_, observer) => {
    if (row.isConnected) return;
    window.stayed = performance.now() - began;
    observer.disconnect();
  }).observe(document.querySelector(".rows"), { childList: true });
}"""


def day(distance: int) -> str:
    """A day from today, where these browsers are: in UTC."""
    return (datetime.now(UTC).date() + timedelta(distance)).isoformat()


def show(page: Page, path: str) -> None:
    page.goto(f"{page.url.partition('?')[0]}{path}")
    wait_for_tasks(page)


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name, level=1, exact=True)


def groups(page: Page) -> list[str]:
    return page.locator(".group h2").all_inner_texts()


def overflows(page: Page) -> bool:
    """Whether something reaches beyond the window to the side."""
    wide: bool = page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll(".scroller, .sidebar")]
          .some((each) => each.scrollWidth > each.clientWidth + 1)"""
    )
    return wide


def test_the_address_says_what_is_shown(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    home = add_list(client, "Home")
    add(client, "Paint the door", tags=["diy", "Café"], priority="high", due=day(0))
    add(client, "Paint the wall", tags=["diy"], due=day(40), list_id=home)
    add(client, "Buy paint", tags=["shopping"], priority="high")
    add(client, "Painted already", done=True)
    page = visit(server.url, path="?view=all&nonsense=1&priority=urgent")
    go_on(page)
    expect(page.locator(".row")).to_have_count(3)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("button", name="High", exact=True).click()
    expect_rows(page, "Paint the door", "Buy paint")
    page.get_by_role("button", name="diy", exact=True).click()
    expect_rows(page, "Paint the door")
    assert "priority=high" in page.url
    assert "tag=diy" in page.url
    page.reload()
    wait_for_tasks(page)
    expect_rows(page, "Paint the door")
    page.get_by_role("button", name="High priority: take it off").click()
    expect_rows(page, "Paint the door", "Paint the wall")
    page.go_back()
    expect_rows(page, "Paint the door")
    page.go_back()
    expect_rows(page, "Paint the door", "Buy paint")
    page.go_forward()
    page.go_forward()
    expect_rows(page, "Paint the door", "Paint the wall")

    show(page, "?view=all")
    page.get_by_role("searchbox").click()
    page.keyboard.type("PAINT cafe")
    expect_rows(page, "Paint the door")
    assert "q=PAINT+cafe" in page.url
    # The whole search is one step on the way back.
    page.go_back()
    expect(page.locator(".row")).to_have_count(3)
    expect(page.get_by_role("searchbox")).to_have_value("")
    page.go_forward()
    expect_rows(page, "Paint the door")


def test_a_search_says_what_is_elsewhere(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    home = add_list(client, "Home")
    add(client, "Paint the door", tags=["diy"])
    add(client, "Paint the wall", tags=["diy"], list_id=home)
    add(client, "Buy paint")
    add(client, "Painted already", done=True)
    page = visit(server.url, path="?view=all&q=paint")
    go_on(page)
    page.get_by_role("button", name="1 done").click()
    expect(heading(page, "Done")).to_be_visible()
    expect_rows(page, "Painted already")
    page.get_by_role("searchbox").fill("nowhere to be found")
    expect(page.get_by_text("Nothing matches “nowhere to be found”")).to_be_visible()
    page.get_by_role("button", name="Clear the search").click()
    expect_rows(page, "Painted already")

    show(page, f"?view=list&list={home}&q=door")
    expect(page.get_by_text("Nothing matches “door”")).to_be_visible()
    page.get_by_role("button", name="1 more in all tasks").click()
    expect_rows(page, "Paint the door")
    page.get_by_role("button", name="Order and more").click()
    page.get_by_role("menuitemradio", name="By title").click()
    page.get_by_role("searchbox").fill("")
    expect_rows(page, "Buy paint", "Paint the door", "Paint the wall")
    assert "sort=title" in page.url
    page.get_by_role("navigation").get_by_role("button", name="Tags").click()
    page.get_by_role("navigation").get_by_role("link", name="diy").click()
    expect(heading(page, "#diy")).to_be_visible()
    expect_rows(page, "Paint the door", "Paint the wall")
    other = visit(server.url, path=page.url.rpartition("/")[2], context=page.context)
    wait_for_tasks(other)
    expect_rows(other, "Paint the door", "Paint the wall")
    show(page, "?view=list&list=999")
    expect(page.get_by_text("There is no such list")).to_be_visible()


def test_days_come_one_by_one_and_then_by_month(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    shelf = add_list(client, "Shelf")
    noon = f"{day(0)}T12:00:00Z"
    for title, due in (
        *(("Long ago", "2001-01-01"), ("A day ago", day(-1)), ("Now", day(0))),
        *(("At noon", noon), ("A day ahead", day(1)), ("In two weeks", day(14))),
        *(("Later", day(15)), ("Far away", "2099-05-01"), ("Some day", None)),
    ):
        add(client, title, due=due)
    add(client, "Shelved", due=day(0), list_id=shelf)
    add(client, "Done today", due=day(0), done=True)
    client.patch(f"/lists/{shelf}", json={"archived": True}).raise_for_status()
    page = visit(server.url, timezone_id="UTC")
    go_on(page)
    expect(heading(page, "Today")).to_be_visible()
    expect_rows(page, "Long ago", "A day ago", "Now", "At noon")
    assert groups(page) == ["Overdue", "Today"]
    expect(page.get_by_role("link", name="Today")).to_contain_text("4")
    show(page, "?view=upcoming")
    expect_rows(page, "A day ahead", "In two weeks", "Later", "Far away")
    later = datetime.now(UTC).date() + timedelta(15)
    assert groups(page)[0] == "Tomorrow"
    assert groups(page)[2].startswith(later.strftime("%B"))
    assert groups(page)[-1] == "May 2099"
    # What is added knows its view, and can be told not to.
    show(page, "?view=today")
    field = page.get_by_role("combobox", name="Add a task for today")
    field.fill("Just now")
    field.press("Enter")
    expect(row(page, "Just now")).to_be_visible()
    field.fill("Some other day")
    page.get_by_role("button", name="Due today: leave it out").click()
    field.press("Enter")
    field.press("Escape")
    expect(row(page, "Some other day")).to_have_count(0)
    wait_until(lambda: client.get("/tasks/count").json()["count"] == 13)
    tasks = client.get("/tasks", params={"limit": 500}).json()
    dues = {task["title"]: task["due"] for task in tasks}
    assert (dues["Just now"], dues["Some other day"]) == (day(0), None)


def test_what_is_done_stays_for_a_second(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    first, _ = add(client, "First"), add(client, "Second")
    page = visit(server.url, path="?view=all")
    go_on(page)
    check = row(page, "First").get_by_role("checkbox")
    check.click()
    expect(check).to_be_checked()
    check.click()
    expect(check).not_to_be_checked()
    # Taken back in time, it stays.
    page.wait_for_function(
        "began => performance.now() - began > 1500", arg=page.evaluate("performance.now()")
    )
    expect_rows(page, "First", "Second")
    row(page, "First").evaluate(MEASURE_STAY)
    check.click()
    expect_rows(page, "Second")
    assert page.evaluate("window.stayed") >= A_SECOND
    wait_until(lambda: get(client, first)["done"])
    show(page, "?view=done")
    expect_rows(page, "First")
    assert groups(page) == ["Today"]
    row(page, "First").get_by_role("checkbox").click()
    expect(page.get_by_text("Nothing is done yet")).to_be_visible()
    # Another window's is seen to be done, too.
    show(page, "?view=all")
    change(client, first, done=True)
    expect(row(page, "First").get_by_role("checkbox")).to_be_checked()
    expect_rows(page, "Second")


def center(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, title: str, x: float, y: float) -> None:
    page.mouse.move(*center(row(page, title).locator(".row-title span")))
    page.mouse.down()
    page.mouse.move(x, y - 6, steps=3)
    page.mouse.move(x, y)


def test_rows_are_dragged(client: httpx2.Client, server: LiveServer, visit: Visit) -> None:
    home, work = add_list(client, "Home"), add_list(client, "Work")
    ids = [add(client, title, list_id=home) for title in ("One", "Two", "Three", "Four")]
    page = visit(server.url, path=f"?view=list&list={home}")
    go_on(page)
    expect_rows(page, "One", "Two", "Three", "Four")

    def place(title: str, part: float, indent: int = 0) -> tuple[float, float]:
        """So far down a row, so many levels in."""
        box = row(page, title).bounding_box()
        assert box is not None
        return box["x"] + 60 + indent * 24, box["y"] + box["height"] * part

    drag(page, "Four", *place("One", 0.1))
    expect(page.locator(".insertion")).to_be_visible()
    expect(page.locator(".dragged")).to_have_text("Four")
    page.mouse.up()
    expect_rows(page, "Four", "One", "Two", "Three")
    assert "open=" not in page.url
    expect(row(page, "Four")).to_be_focused()
    drag(page, "Two", *place("One", 0.9, 1))
    page.mouse.up()
    expect(row(page, "Two")).to_have_attribute("aria-level", "2")
    expect_rows(page, "Four", "One", "Two", "Three")
    # Never into itself: what is dragged counts as gone, so this is below the row above it.
    drag(page, "One", *place("Two", 0.9, 2))
    page.mouse.up()
    expect(row(page, "Two")).to_have_attribute("aria-level", "3")
    expect_rows(page, "Four", "One", "Two", "Three")
    press(page, "z")
    expect(row(page, "One")).to_have_attribute("aria-level", "1")
    # Escape takes it back.
    drag(page, "Four", *place("Three", 0.9))
    press(page, "Escape")
    expect(page.locator(".dragged")).to_have_count(0)
    page.mouse.up()
    expect_rows(page, "Four", "One", "Two", "Three")
    # Out again, behind its parent.
    drag(page, "Two", *place("Two", 0.4))
    page.mouse.up()
    expect(row(page, "Two")).to_have_attribute("aria-level", "1")
    drag(page, "One", *center(page.get_by_role("link", name="Work")))
    expect(page.locator(".place.is-drop")).to_have_count(1)
    page.mouse.up()
    expect_rows(page, "Four", "Two", "Three")
    wait_until(lambda: get(client, ids[0])["list_id"] == work)
    # Several at once.
    row(page, "Four").click(modifiers=["Control"])
    row(page, "Two").click(modifiers=["Shift"])
    expect(page.get_by_role("toolbar")).to_contain_text("2 selected")
    drag(page, "Two", *place("Three", 0.9))
    expect(page.locator(".dragged")).to_contain_text("+1")
    page.mouse.up()
    expect_rows(page, "Three", "Four", "Two")
    page.reload()
    wait_for_tasks(page)
    expect_rows(page, "Three", "Four", "Two")


def test_a_finger_drags_after_a_long_press(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    home = add_list(client, "Home, a list with quite a long name")
    for title in ("One", "Two", "Three"):
        add(client, title, list_id=home, tags=["a-rather-long-tag", "another"], due=day(1))
    page = visit(server.url, path=f"?view=list&list={home}", **PHONE)
    go_on(page)
    expect_rows(page, "One", "Two", "Three")
    assert not overflows(page)
    for title in ("One", "Two"):
        box = row(page, title).bounding_box()
        assert box is not None
        assert box["height"] >= 48
    # The add field is at the thumb.
    box = page.locator(".quick-add").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] == 640
    # A long press drags, also where it would scroll.
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        given = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

    start, end = center(row(page, "One")), center(row(page, "Three"))
    touch("touchStart", start)
    expect(page.locator(".dragged")).to_be_visible()
    touch("touchMove", (start[0], start[1] + 30))
    touch("touchMove", (end[0], end[1] + 15))
    expect(page.locator(".insertion")).to_be_visible()
    touch("touchEnd")
    expect_rows(page, "Two", "Three", "One")
    assert "open=" not in page.url


def test_on_a_phone_what_is_beside_lies_over(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    add_list(client, "Home")
    for title in ("One", "Two", "Three"):
        add(client, title, tags=["a-rather-long-tag"], due=day(1))
    page = visit(server.url, path="?view=today", **PHONE)
    go_on(page)
    # The sidebar is a sheet.
    sidebar = page.get_by_role("navigation", name="Views and lists")
    expect(sidebar).to_be_hidden()
    page.get_by_role("button", name="Lists and views").tap()
    expect(sidebar).to_be_visible()
    expect(sidebar.get_by_role("link", name="Today")).to_be_focused()
    assert not overflows(page)
    press(page, "Escape")
    expect(sidebar).to_be_hidden()
    expect(page.get_by_role("button", name="Lists and views")).to_be_focused()
    page.get_by_role("button", name="Lists and views").tap()
    sidebar.get_by_role("link", name="All").tap()
    expect(heading(page, "All")).to_be_visible()
    expect(sidebar).to_be_hidden()
    # Selecting by tapping; the bar stays one line.
    page.get_by_role("button", name="Order and more").tap()
    page.get_by_role("menuitem", name="Select").tap()
    for title in ("Two", "Three"):
        row(page, title).tap()
    toolbar = page.get_by_role("toolbar")
    expect(toolbar).to_contain_text("2")
    tops = {
        round(each.bounding_box()["y"])  # type: ignore[index]
        for each in toolbar.get_by_role("button").all()
    }
    assert len(tops) == 1
    assert not overflows(page)
    toolbar.get_by_role("button", name="Done").tap()
    expect_rows(page, "One")
    # The details lie over the list.
    row(page, "One").tap()
    details = page.locator(".details-place")
    expect(details).to_be_visible()
    box = details.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 320)
    page.get_by_role("button", name="Close the details").tap()
    expect(row(page, "One")).to_be_focused()


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_it_fits_at_200_percent_and_from_right_to_left(
    client: httpx2.Client, server: LiveServer, visit: Visit, direction: str
) -> None:
    parent = add(client, "قائمة المشتريات الطويلة جدًا " * 4, tags=["بيت"], due=day(0))
    add(client, "x" * 200, parent_id=parent, priority="high")
    for viewport in ({"width": 640, "height": 400}, {"width": 1400, "height": 900}):
        page = visit(server.url, path="?view=all", viewport=viewport, device_scale_factor=2)
        go_on(page)
        page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
        expect(page.locator(".row")).to_have_count(2)
        assert not overflows(page)
        check, title = row(page, "x" * 200).get_by_role("checkbox"), page.locator(".row-title")
        left = center(check)[0] < center(title.last)[0]
        assert left == (direction == "ltr")
        row(page, "x" * 200).click()
        expect(page.locator(".details")).to_be_visible()
        assert not overflows(page)
        assert level(page, "x" * 200) == "2"
