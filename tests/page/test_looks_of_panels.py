"""What opens beside the list, and the settings: no rule of axe broken in either theme, a picture of
each, and nothing wider than the narrowest phone.

The pictures are in `build/pictures`, for people to look at.
"""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, wait_for_tasks
from tests.page.people import add_people, fill_login, log_in_on
from tests.page.rows import press, row
from tests.page.test_looks import check, furnish
from tests.support.accounts import log_in
from tests.support.servers import LiveServer
from tests.support.tasks import change

pytestmark = pytest.mark.database("sqlite")

NARROWEST = 320
REPORT = 3
"""The task of `furnish` that has everything."""

Show = Callable[[Page, httpx2.Client], None]


def section(name: str, ready: str) -> Show:
    def show(page: Page, _: httpx2.Client) -> None:
        page.goto(f"{page.url.partition('?')[0]}?view=settings&section={name}")
        expect(page.get_by_text(ready).first).to_be_visible()

    return show


def with_a_new_token(page: Page, client: httpx2.Client) -> None:
    section("tokens", "There are none.")(page, client)
    page.get_by_label("What it is for").fill("backup")
    press(page, "Enter")
    expect(page.get_by_label("The token “backup”")).to_be_focused()
    page.get_by_role("button", name="Revoke backup").press("Enter")
    expect(page.get_by_role("button", name="Revoke it")).to_be_visible()


def with_people(page: Page, client: httpx2.Client) -> None:
    section("people", "Add somebody")(page, client)
    page.get_by_role("button", name="New password bob").press("Enter")
    press(page, "Tab")
    page.get_by_role("button", name="Remove bob").press("Enter")
    expect(page.get_by_role("button", name="Remove for good")).to_be_visible()


def open_report(page: Page) -> None:
    page.goto(f"{page.url.partition('?')[0]}?view=all&open={REPORT}")
    expect(page.get_by_role("region", name="Details of")).to_be_visible()


def with_history(page: Page, client: httpx2.Client) -> None:
    change(client, REPORT, due="2027-03-01", priority="low", tags=["writing", "deep", "work"])
    open_report(page)
    page.locator("summary").press("Enter")
    expect(page.locator(".changes > li")).to_have_count(2)
    page.locator(".details-dates").scroll_into_view_if_needed()


def with_a_text_changed_elsewhere(page: Page, client: httpx2.Client) -> None:
    open_report(page)
    page.get_by_role("button", name="Edit the notes").press("Enter")
    page.keyboard.type(" and more")
    change(client, REPORT, notes="Something else")
    expect(page.get_by_role("button", name="Keep mine")).to_be_visible()
    page.get_by_role("button", name="Keep mine").scroll_into_view_if_needed()


def picker(kind: str) -> Show:
    def show(page: Page, _: httpx2.Client) -> None:
        open_report(page)
        page.get_by_role("region", name="Details of").get_by_role("button", name=kind).press(
            "Enter"
        )
        expect(page.get_by_role("dialog").locator("[data-focus]").first).to_be_focused()

    return show


def with_a_conflict(page: Page, client: httpx2.Client) -> None:
    page.goto(f"{page.url.partition('?')[0]}?view=all")
    wait_for_tasks(page)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.context.set_offline(True)
    row(page, "Call the dentist").focus()
    press(page, "e", "Control+a")
    page.keyboard.type("Call the dentist and Dr. Wu")
    press(page, "Enter", "1")
    change(client, 2, title="Call Dr. Wu")
    page.context.set_offline(False)
    page.get_by_role("button", name="conflict").first.press("Enter")
    expect(page.get_by_role("button", name="Settle it so")).to_be_visible()


def with_unsent_edits(page: Page, _: httpx2.Client) -> None:
    press(page, "Escape")
    press(page, "Control+k")
    expect(page.get_by_role("combobox", name="What to find or do")).to_be_focused()
    page.keyboard.type("unsent")
    press(page, "Enter")
    expect(page.get_by_role("button", name="Look at both").first).to_be_visible()


def with_a_message(page: Page, _: httpx2.Client) -> None:
    press(page, "Escape")
    row(page, "Water the tomatoes").focus()
    press(page, "#")
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_visible()


PANELS: dict[str, Show] = {
    "account": section("account", "Current password"),
    "sessions": section("sessions", "This one"),
    "tokens": with_a_new_token,
    "people": with_people,
    "data": section("data", "Where the data is"),
    "tags-picker": picker("Tags"),
    "list-picker": picker("List"),
    "priority-picker": picker("Priority"),
    "parent-picker": picker("Part of"),
    "history": with_history,
    "changed-elsewhere": with_a_text_changed_elsewhere,
    "conflict": with_a_conflict,
    "unsent": with_unsent_edits,
    "message": with_a_message,
}


def test_every_panel(
    server: LiveServer, visit: Visit, client: httpx2.Client, pictures: Path
) -> None:
    furnish(client)
    add_people(server, "ada", "bob")
    page = visit(
        server.url,
        viewport={"width": 1280, "height": 800},
        reduced_motion="reduce",
        failing_answers={401, 412},
        offline_ok=True,
    )
    fill_login(page, "ada", "not the password")
    expect(page.get_by_role("alert").get_by_text("wrong")).to_be_visible()
    check(page, pictures / "wrong-password-desk")
    log_in(client, "ada")
    log_in_on(page, "ada")
    for name, show in PANELS.items():
        page.set_viewport_size({"width": 1280, "height": 800})
        show(page, client)
        check(page, pictures / f"{name}-desk")
        fits(page, pictures / f"{name}-narrow.png")


def fits(page: Page, picture: Path) -> None:
    """Nothing is wider than the narrowest phone."""
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    page.screenshot(path=picture)
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll(".settings *, .details *, dialog *, .toasts *")]
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
          .filter((each) => each.checkVisibility() && !each.closest(".unseen, nav ul, pre"))
          .map((each) => each.outerHTML.slice(0, 100))"""
    )
    assert too_wide == [], picture.stem
