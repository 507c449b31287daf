"""Every view in both themes, at a desk and on a phone: no rule of axe broken, and a picture.

The pictures are in `build/pictures`, for people to look at; four of them are in the README.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.support.accounts import PASSWORD, make_accounts
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")  # it looks the same on any

Theme = Literal["light", "dark"]

SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
THEMES: tuple[Theme, ...] = ("light", "dark")

Show = Callable[[Page], None]


def furnish(client: httpx2.Client) -> None:
    """A life's worth of tasks, as somebody might have them."""
    today = date.today()  # noqa: DTZ011  # the browser's day

    def day(distance: int) -> str:
        return (today + timedelta(distance)).isoformat()

    lists = {
        name: client.post("/lists", json={"name": name}).raise_for_status().json()["id"]
        for name in ("Home", "Work", "Garden")
    }

    def task(title: str, list_name: str | None = None, **fields: Any) -> int:
        given = {"title": title, "list_id": lists.get(list_name or "")} | fields
        made: int = client.post("/tasks", json=given).raise_for_status().json()["id"]
        return made

    task("Pay the electricity bill", "Home", due=day(-2), priority="high", tags=["money"])
    task("Call the dentist", due=day(0), tags=["phone"], priority="medium")
    report = task(
        "Write the quarterly report",
        "Work",
        due=day(0),
        priority="high",
        notes="## Before it goes out\n\n- [x] figures from **Ines**\n- [ ] one page, not three\n\n"
        "See the [draft](https://example.org/draft), `v2`.",
        tags=["writing"],
    )
    task("Collect the figures", parent_id=report, done=True)
    task("Draft the summary", parent_id=report, priority="medium")
    task("Have it read by Tom", parent_id=report, due=day(1))
    task("Book the train to Vienna", "Home", due=day(1), priority="low")
    task("Water the tomatoes", "Garden", due=day(2))
    task("Order seeds for spring", "Garden", due=day(9), tags=["shopping"])
    task("Prepare the workshop", "Work", due=day(24), priority="medium", tags=["writing", "deep"])
    task("Renew the passport", due=day(60))
    task("Fix the squeaking door", "Home", tags=["diy", "shopping"])
    task("Read “The Dispossessed”", priority="low")
    task("قراءة البريد الإلكتروني", "Work")
    task("Clean the bicycle", "Home", done=True)
    task("Send the invoice to Meyer & Sons", "Work", done=True, tags=["money"])
    client.delete(f"/tasks/{task('Buy a fax machine', 'Work')}").raise_for_status()


def at(path: str) -> Show:
    def show(page: Page) -> None:
        page.goto(f"{page.url.partition('?')[0]}{path}")
        wait_for_tasks(page)

    return show


def with_details(page: Page) -> None:
    at("?view=all")(page)
    page.get_by_role("main").get_by_text("Write the quarterly report").click()
    expect(page.get_by_role("checkbox", name="one page, not three")).to_be_visible()


def with_palette(page: Page) -> None:
    at("?view=today")(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("wri")


def with_keys(page: Page) -> None:
    at("?view=today")(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def with_a_date_to_pick(page: Page) -> None:
    at("?view=today")(page)
    page.keyboard.press("j")
    page.keyboard.press("d")
    expect(page.get_by_role("grid")).to_be_visible()


def with_a_selection(page: Page) -> None:
    at("?view=all")(page)
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_text("2 selected")).to_be_visible()


VIEWS: dict[str, Show] = {
    "today": at("?view=today"),
    "upcoming": at("?view=upcoming"),
    "all": at("?view=all"),
    "list": at("?view=list&list=2"),
    "tag": at("?view=all&tag=writing"),
    "search": at("?view=all&q=wri"),
    "nothing-found": at("?view=all&q=nowhere"),
    "done": at("?view=done"),
    "trash": at("?view=trash"),
    "settings": at("?view=settings"),
    "details": with_details,
    "palette": with_palette,
    "keys": with_keys,
    "date": with_a_date_to_pick,
    "selection": with_a_selection,
}


def check(page: Page, picture: Path) -> None:
    """Take a picture in each theme, `{picture}-light.png`, and fail for what axe finds."""
    every = {"resultTypes": ["violations"]}
    of_colours = {"runOnly": ["color-contrast", "link-in-text-block"]}
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.screenshot(path=f"{picture}-{theme}.png", animations="disabled")
        found = Axe().run(page, options=every if theme == THEMES[0] else every | of_colours)
        assert found.violations_count == 0, f"{picture.stem}, {theme}: {found.generate_report()}"


@pytest.mark.parametrize("device", SIZES)
def test_every_view(visit: Visit, server: LiveServer, pictures: Path, device: str) -> None:
    with httpx2.Client(base_url=server.url) as client:
        furnish(client)
    make_accounts(server.database_url, {"username": "ada", "display_name": "Ada Lovelace"})
    is_phone = device == "phone"
    page = visit(
        server.url,
        viewport=SIZES[device],
        has_touch=is_phone,
        is_mobile=is_phone,
        reduced_motion="reduce",
        failing_answers={401},
    )
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    check(page, pictures / f"login-{device}")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    wait_for_tasks(page)
    for name, show in VIEWS.items():
        show(page)
        check(page, pictures / f"{name}-{device}")
        page.keyboard.press("Escape")


def test_the_first_run_and_what_it_leaves(visit: Visit, server: LiveServer, pictures: Path) -> None:
    page = visit(server.url, viewport=SIZES["desk"], reduced_motion="reduce")
    expect(page.get_by_role("button", name="without an account")).to_be_visible()
    check(page, pictures / "first-run-desk")
    go_on(page)
    check(page, pictures / "empty-desk")
