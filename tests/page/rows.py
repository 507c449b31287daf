"""The rows of the list, as a person finds them."""

from playwright.sync_api import Locator, Page, expect


def row(page: Page, title: str) -> Locator:
    """The row whose title this is."""
    return page.locator("[role=row][data-key]").filter(
        has=page.locator(".row-title").get_by_text(title, exact=True)
    )


def expect_rows(page: Page, *titles: str) -> None:
    """The rows that are shown, from top to bottom."""
    expect(page.locator(".row-title")).to_have_text(list(titles))


def expect_focus(page: Page, title: str) -> None:
    """The row that has the focus."""
    expect(row(page, title)).to_be_focused()


def press(page: Page, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        page.keyboard.press(key)


def level(page: Page, title: str) -> str | None:
    """How deep a row stands, as a screen reader hears it."""
    return row(page, title).get_attribute("aria-level")
