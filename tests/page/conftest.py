"""A real browser in front of real servers.

Debian's Chromium, driven by Playwright; without its windows, which is two fifths less work. Where
there is none, these tests are skipped with a line that says how to get it; `.ci/run` installs it,
so nothing is skipped there.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.servers import LiveServer

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or ""
WITHOUT = "NO BROWSER: the tests of the page are skipped; install it with: tools/programs.sh"
PATIENCE = 15_000
"""Milliseconds that a busy machine may take; what is there at once is seen at once."""

Visit = Callable[..., Page]

expect.set_options(timeout=PATIENCE)


def pytest_report_header() -> str | None:
    """Say it loudly, once."""
    return None if CHROMIUM else WITHOUT


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser, one a test process: Playwright keeps an event loop running in its thread."""
    if not CHROMIUM:
        pytest.skip(WITHOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


_PAGES = pytest.StashKey[ExitStack]()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Close the pages first: they would complain that their server goes."""
    if (pages := item.stash.get(_PAGES, None)) is not None:
        pages.close()


@pytest.fixture
def visit(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Visit]:
    """Opens pages and watches them: a complaint of the browser's, or a request elsewhere, fails.

    `visit(url, path="?view=all", context=…, failing_answers={401}, offline_ok=True, **options)` in
    a browser of its own, or in another window of the one whose `context` is given. Answers of
    400 and more are complaints unless their status is named; so are requests that get no answer,
    unless `offline_ok` is set.
    """
    complaints: list[str] = []
    with ExitStack() as stack:
        request.node.stash[_PAGES] = stack

        def open_page(
            url: str,
            *,
            path: str = "",
            context: BrowserContext | None = None,
            failing_answers: set[int] | None = None,
            offline_ok: bool = False,
            **options: Any,
        ) -> Page:
            if context is None:
                context = chromium.new_context(**{"locale": "en-GB", **options})
                context.set_default_timeout(PATIENCE)
                stack.callback(context.close)
            page = context.new_page()
            _watch(page, url, failing_answers or set(), complaints, offline_ok=offline_ok)
            page.goto(f"{url}/{path}")
            return page

        yield open_page
    assert not complaints, "\n".join(complaints)


def _watch(
    page: Page, url: str, failing: set[int], complaints: list[str], *, offline_ok: bool
) -> None:
    def said(kind: str, text: str) -> None:
        if "Failed to load resource" in text and (offline_ok or failing):
            return  # the answers themselves are looked at below
        if "blocked by Playwright" in text:
            return  # a test asked for it
        if offline_ok and "net::ERR_" in text:
            return
        complaints.append(f"{kind}: {text}")

    page.on(
        "console",
        lambda message: (
            said("console", f"{message.text} at {message.location}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: said("error", f"{error}\n{error.stack}"))
    page.on(
        "request",
        lambda request: (
            None
            if urlsplit(request.url).netloc == urlsplit(url).netloc
            or urlsplit(request.url).scheme in ("data", "blob")
            else said("request elsewhere", request.url)
        ),
    )
    page.on(
        "response",
        lambda answer: (
            said("answer", f"{answer.status} to {answer.request.method} {answer.url}")
            if answer.status >= 400 and answer.status not in failing
            else None
        ),
    )


@pytest.fixture
def page(server: LiveServer, visit: Visit) -> Page:
    """The page of a fresh server in open mode, gone on without an account."""
    page = visit(server.url)
    go_on(page)
    return page


def go_on(page: Page) -> None:
    """Pass the first run: go on without an account, and wait for the tasks."""
    page.get_by_role("button", name="without an account").click()
    wait_for_tasks(page)


def wait_for_tasks(page: Page) -> None:
    """Wait until the tasks are there, or that there are none."""
    expect(page.get_by_role("main")).to_have_attribute("aria-busy", "false")


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest) -> Path:
    """Where screenshots go, for people to look at: `build/pictures`."""
    folder = request.config.rootpath / "build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
