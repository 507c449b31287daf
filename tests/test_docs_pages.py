"""The pages that show the API get everything from the server itself."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest

pytestmark = pytest.mark.database("sqlite")  # they are the same on any

PAGES = ("/docs", "/redoc")
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}
OWN_SOURCE = re.compile(r"'none'|'self'|data:|blob:|'sha256-[0-9A-Za-z+/]{43}='")


class Parts(HTMLParser):
    """What a page loads, and what it holds that a policy without `unsafe-inline` stops."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loads += [given[name] or "" for name in ("src", "href", "spec-url") if name in given]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_only_what_the_server_has(client: httpx2.Client, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    parts = Parts(answer.text)
    assert len(parts.loads) >= 3
    assert not parts.inline
    for reference in parts.loads:
        # Relative without a leading slash: the pages also work below a proxy's sub-path.
        assert not urlsplit(reference).netloc
        assert not reference.startswith("/")
        loaded = client.get(urljoin(page, reference))
        assert loaded.status_code == 200, reference
        assert loaded.headers["content-type"] == TYPES[reference.rpartition(".")[2]]
        assert loaded.content


def test_the_page_to_try_the_api_on_reads_our_document(client: httpx2.Client) -> None:
    assert 'url: "openapi.json"' in client.get("/docs-assets/docs.js").text


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_not_allowed_to_ask_another_host(client: httpx2.Client, page: str) -> None:
    policy = client.get(page).headers["content-security-policy"]
    directives = {name: sources for name, *sources in map(str.split, policy.split(";"))}
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["connect-src"] == ["'self'"]
    for not_under_default_src in ("base-uri", "form-action", "frame-ancestors"):
        assert directives[not_under_default_src] == ["'none'"]
    for sources in directives.values():
        assert all(OWN_SOURCE.fullmatch(source) for source in sources), sources


@pytest.mark.parametrize("path", ["..%2fapp.py", "%2e%2e/app.py", "redoc/..%5c..%5capp.py", ""])
def test_nothing_beside_the_assets_is_handed_out(client: httpx2.Client, path: str) -> None:
    answer = client.get(f"/docs-assets/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
