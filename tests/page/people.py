"""Accounts, and logging in to them on the page."""

from typing import Any

from playwright.sync_api import Page

from tests.page.conftest import wait_for_tasks
from tests.support.accounts import PASSWORD, make_accounts
from tests.support.servers import LiveServer


def add_people(server: LiveServer, *names: str, **fields: Any) -> None:
    """Make accounts; the first one is an admin."""
    accounts = [{"username": name, "display_name": name.title()} | fields for name in names]
    make_accounts(server.database_url, *accounts)


def log_in_on(page: Page, name: str, password: str = PASSWORD) -> None:
    """As a person does it with the keyboard; waits for the tasks."""
    fill_login(page, name, password)
    wait_for_tasks(page)


def fill_login(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")
