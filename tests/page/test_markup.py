"""What people write is text, whatever it looks like: everywhere that it is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit, go_on, wait_for_tasks
from tests.page.rows import press, row
from tests.support.servers import LiveServer
from tests.support.tasks import add, add_list, wait_until

pytestmark = pytest.mark.database("sqlite")

CANARY = "window.canary = true"
MARKUP = (
    f"<script>{CANARY}</script>",
    f"<img src=x onerror='{CANARY}'>",
    f'"><svg onload="{CANARY}">',
    f"<style>@import 'x'</style><iframe srcdoc='<script>parent.{CANARY}</script>'></iframe>",
    "</textarea></title><h1>large</h1>",
    f"javascript:{CANARY}",
    f"[link](javascript:{CANARY}) ![image](x) <a href='javascript:{CANARY}'>a</a>",
    "${window.canary = true} {{canary}} &lt;b&gt; &amp;",
)
LISTEN = """() => { document.addEventListener("securitypolicyviolation", (event) => {
  window.violated = event.blockedURI || event.violatedDirective; }); }"""


def nothing_ran(page: Page) -> None:
    assert page.evaluate("[window.canary, window.violated]") == [None, None]
    foreign = "#app :is(script, iframe, style, object, embed), #app img:not(.brand img, [class])"
    assert page.locator(foreign).count() == 0


def all_of(client: httpx2.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/tasks", params={"limit": 500}).json()
    return found


def test_markup_and_scripts_stay_text(
    client: httpx2.Client, server: LiveServer, visit: Visit
) -> None:
    today = datetime.now(UTC).date().isoformat()
    first, *_ = MARKUP
    list_id = add_list(client, first)
    for text in MARKUP:
        tag = text.replace(",", " ")[:50].strip()
        task = add(client, text, notes="\n\n".join(MARKUP), tags=[tag], due=today, list_id=list_id)
        add(client, f"Below {text}", parent_id=task)
        add(client, f"Done {text}", done=True)
    gone = add(client, f"Gone {first}")
    client.delete(f"/tasks/{gone}").raise_for_status()
    page = visit(server.url, path="?view=all", timezone_id="UTC")
    go_on(page)
    page.evaluate(LISTEN)
    for text in MARKUP:
        expect(row(page, text)).to_be_visible()
        expect(row(page, f"Below {text}")).to_have_count(1)
    nothing_ran(page)
    sidebar = page.get_by_role("navigation", name="Views and lists")
    expect(sidebar.get_by_role("link", name=first)).to_be_visible()
    sidebar.get_by_role("button", name="Tags").click()
    page.get_by_role("button", name="Filters").click()
    for text in MARKUP:
        tag = text.replace(",", " ")[:50].strip()
        expect(page.locator("#filters").get_by_role("button", name=tag, exact=True)).to_be_visible()
    nothing_ran(page)
    for text in MARKUP:
        # In the details, in place, in a picker and in the palette.
        row(page, text).click()
        expect(page.get_by_role("textbox", name="Title")).to_have_value(text)
        expect(page.locator(".details .markdown, .details .notes").first).to_contain_text("canary")
        nothing_ran(page)
    press(page, "Escape", "j", "e")
    page.keyboard.type(first)
    press(page, "Enter", "t")
    expect(page.get_by_role("dialog")).to_be_visible()
    nothing_ran(page)
    press(page, "Escape", "Control+k")
    page.keyboard.type("canary")
    expect(page.get_by_role("option").first).to_be_visible()
    nothing_ran(page)
    press(page, "Escape", "n")
    page.keyboard.type(f"{first} tomorrow")
    press(page, "Enter", "Escape")
    tomorrow = (datetime.now(UTC).date() + timedelta(1)).isoformat()
    wait_until(
        lambda: (first, tomorrow) in {(each["title"], each["due"]) for each in all_of(client)}
    )
    for path in ("done", "trash", "today", "upcoming", f"list&list={list_id}"):
        page.goto(f"{server.url}/?view={path}")
        wait_for_tasks(page)
        page.evaluate(LISTEN)
        expect(page.locator(".row-title").filter(has_text=first).first).to_be_visible()
        nothing_ran(page)
    # From the address, too.
    page.goto(f"{server.url}/?view=tag&tag=%3Cimg%20src=x%20onerror=canary=1%3E&q=%3Cb%3E")
    wait_for_tasks(page)
    expect(page.get_by_role("heading", name="#<img src=x onerror=canary=1>")).to_be_visible()
    expect(page.get_by_text("Nothing matches “<b>”")).to_be_visible()
    nothing_ran(page)
