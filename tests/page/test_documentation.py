"""The documentation in a browser: found, read in both themes, and nothing asked of another host."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect
from tools.help_site import BUILT

from tests.deploy.proxies import NGINX, free_port, running
from tests.page.conftest import Visit
from tests.support.servers import LiveServer, ServerProcess
from tests.support.tls import make_certificate

pytestmark = pytest.mark.database("sqlite")  # it looks the same on any

Serve = Callable[..., ServerProcess]
SIZES = {"desk": {"width": 1400, "height": 900}, "phone": {"width": 390, "height": 844}}
LOOKS = [("light", "desk"), ("dark", "phone")]
OTHER_LOOKS = [("dark", "desk"), ("light", "phone")]
PAGES = ["api.html", "scale.html"]


def search(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)
    page.get_by_role("searchbox").press("Enter")


@pytest.mark.timeout(900)
def test_no_rule_of_axe_is_broken(visit: Visit, server: LiveServer, long: bool) -> None:
    pages = [path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*.html")]
    for theme, device in LOOKS + OTHER_LOOKS if long else LOOKS:
        page = visit(server.url, path="help/", color_scheme=theme, viewport=SIZES[device])
        for path in [*(pages if long else PAGES), "search.html?q=backup"]:
            page.goto(f"{server.url}/help/{path}")
            if "?q=" in path:
                expect(page.get_by_role("main")).to_contain_text("Search finished")
            found = Axe().run(page, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is {wide} px wider than the window"


def test_a_search_finds_a_page_and_a_heading(visit: Visit, server: LiveServer) -> None:
    page = visit(server.url, path="help/")
    search(page, "idempotency restart")
    expect(page.get_by_role("link", name="Durability", exact=True)).to_have_count(2)
    search(page, "restore")
    page.get_by_role("link", name="Care > Restore").click()
    expect(page.get_by_role("heading", name="Restore")).to_be_in_viewport()
    search(page, "xylophone")
    expect(page.get_by_role("main")).to_contain_text("did not match any documents")


def test_a_theme_can_be_chosen_and_is_remembered(visit: Visit, server: LiveServer) -> None:
    def back(page: Page) -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    page = visit(server.url, path="help/", color_scheme="light")
    light = back(page)
    page.emulate_media(color_scheme="dark")
    dark = back(page)
    assert dark != light
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert (button.inner_text(), back(page)) == ("Theme: light", light)
    page.goto(f"{server.url}/help/tour.html")
    assert back(page) == light
    button.click()
    button.click()
    assert (button.inner_text(), back(page)) == ("Theme: auto", dark)


def test_the_commands_of_a_block_are_copied_without_their_answers(
    visit: Visit, server: LiveServer
) -> None:
    page = visit(
        server.url, path="help/start.html", permissions=["clipboard-read", "clipboard-write"]
    )
    page.locator(".highlight", has_text="mkdir ~/tasks").get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "mkdir ~/tasks\ncd ~/tasks\ntaskhold serve"
    page.goto(f"{server.url}/help/api.html")
    page.locator(".highlight", has_text="problem.operation").get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("from taskhold.client import Problem\ntry:\n    api.batch(")
    assert copied.endswith('    print(problem, problem.operation)\napi.get_task(3)["title"]')


def test_it_is_read_and_searched_without_a_server(chromium: Browser) -> None:
    """From the folder; only the lines around what was found need one."""
    page = chromium.new_page()
    page.goto((BUILT / "index.html").as_uri())
    search(page, "litestream")
    page.get_by_role("link", name="Care", exact=True).last.click()
    expect(page.get_by_role("heading", name="Care")).to_be_visible()
    page.close()


@pytest.mark.skipif(not NGINX, reason="NO PROXIES: install nginx with: tools/programs.sh")
def test_it_works_below_a_path(visit: Visit, serve: Serve, tmp_path: Path) -> None:
    make_certificate(tmp_path, "tls")
    port = free_port()
    origin = f"https://127.0.0.1:{port}"
    server: ServerProcess = serve(
        TASKHOLD_PUBLIC_URL=f"{origin}/todo", TASKHOLD_TRUSTED_PROXIES="127.0.0.1"
    )
    upstream = int(server.url.rpartition(":")[2])
    with running("nginx", tmp_path, port, upstream, below="/todo"):
        page = visit(origin, path="todo/help", ignore_https_errors=True)
        assert page.url == f"{origin}/todo/help/"
        search(page, "restore")
        page.get_by_role("link", name="Care > Restore").click()
        assert page.url == f"{origin}/todo/help/care.html#restore"
        tasks = page.get_by_role("navigation", name="This server").get_by_role("link", name="Tasks")
        assert tasks.evaluate("link => link.href") == f"{origin}/todo/"
