"""The documentation's site: what `docs/` makes, served whole and strictly at `/help`."""

import gzip
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from tools.help_site import BUILT, build

from tests.support.lesson import ROOT

pytestmark = pytest.mark.database("sqlite")  # it is the same on any

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Parts(HTMLParser):
    """What a page loads, what it leads to, and what its policy would stop."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given["id"]} if "id" in given else set()
        if tag == "a" or (tag == "link" and given["rel"] in ("prev", "next")):
            self.links += [given["href"]] if "href" in given else []
        else:
            self.loads += [given[name] for name in ("src", "href", "action") if name in given]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


def test_the_site_in_the_package_is_what_the_pages_make(tmp_path: Path) -> None:
    build(ROOT / "docs", tmp_path / "site")
    made, kept = contents(tmp_path / "site"), contents(BUILT)
    differing = sorted(name for name in made.keys() | kept if made.get(name) != kept.get(name))
    assert not differing, "it is out of step: uv run python tools/help_site.py"


def test_each_mistake_stops_the_build(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], long: bool
) -> None:
    if not long:
        pytest.skip("it is about the generator: .ci/run runs it, with --long")
    for name in ("docs", "deploy", "bench"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "SECURITY.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    mistakes = {
        "tour.md": "\n[a page that isn't there](nowhere.md)\n",
        "page.md": "\n[a heading that isn't there](settings.md#nowhere)\n",
        "care.md": "\n[a file that isn't there](../deploy/nowhere.conf)\n",
        "forgotten.md": "# Forgotten in the contents\n",
    }
    for page, mistake in mistakes.items():
        with (tmp_path / "docs" / page).open("a") as text:
            text.write(mistake)
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path / "docs", tmp_path / "site")
    warned = set(re.findall(r"docs/(\w+\.md):.*WARNING", capfd.readouterr().err))
    assert warned == set(mistakes)
    assert not (tmp_path / "site").exists()


@pytest.fixture
def pages(client: httpx2.Client) -> dict[str, Parts]:
    """All pages by their paths, found by following links from the first."""
    found: dict[str, Parts] = {}
    ahead = ["/help/"]
    while ahead:
        path = ahead.pop()
        if path in found:
            continue
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "<p></p></th>" not in answer.text, f"{path} has a column without a name"
        found[path] = Parts(answer.text)
        targets = [urljoin(path, link).partition("#")[0] for link in found[path].links]
        ahead += [each for each in targets if re.fullmatch(r"/help/\S*\.html", each)]
    return found


def test_every_page_is_led_to_and_leads_nowhere_that_is_not(
    client: httpx2.Client, pages: dict[str, Parts]
) -> None:
    built = {f"/help/{name}" for name in contents(BUILT) if name.endswith(".html")}
    assert set(pages) - {"/help/"} == built - {"/help/search.html"}
    elsewhere = {urljoin(path, link) for path, page in pages.items() for link in page.links}
    for link in elsewhere:
        if urlsplit(link).netloc:
            continue
        path, _, part = link.partition("#")
        if path in pages:
            assert not part or part in pages[path].ids, link
        else:
            assert client.get(path).status_code == 200, link


def test_a_page_loads_from_this_server_alone_and_has_nothing_inline(
    client: httpx2.Client, pages: dict[str, Parts]
) -> None:
    pages["/help/search.html"] = Parts(client.get("/help/search.html").text)
    loaded = set()
    for path, page in pages.items():
        assert not page.inline, path
        assert len(page.loads) >= 4
        for reference in page.loads:
            # Relative without a leading slash: so it works below a proxy's sub-path, too.
            assert not urlsplit(reference).netloc, reference
            assert not reference.startswith("/"), reference
            loaded.add(urljoin(path, reference))
    for path in loaded:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == TYPES[urlsplit(path).path.rpartition(".")[2]]


def test_the_policy_allows_files_of_this_server_alone(client: httpx2.Client) -> None:
    for path in ("/help/", "/help/search.html", "/help/_static/help.js"):
        policy = client.get(path).headers["content-security-policy"]
        directives = {name: sources for name, *sources in map(str.split, policy.split(";"))}
        assert directives["default-src"] == ["'none'"]
        assert {source for sources in directives.values() for source in sources} == {
            "'none'",
            "'self'",
        }
        for not_under_default_src in ("base-uri", "form-action", "frame-ancestors"):
            assert not_under_default_src in directives


def test_pages_are_asked_for_again_and_named_files_never(client: httpx2.Client) -> None:
    page = client.get("/help/")
    assert page.headers["cache-control"] == "no-cache"
    again = client.get("/help/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" in again.headers
    named = [path for path in Parts(page.text).loads if "?v=" in path]
    assert len(named) == 2  # the style and the script
    for path in named:
        forever = client.get(f"/help/{path}").headers["cache-control"]
        assert forever == "public, max-age=31536000, immutable"
        unnamed = client.get(f"/help/{path.partition('?')[0]}").headers["cache-control"]
        assert unnamed == "no-cache"


def test_a_page_comes_compressed_to_who_takes_it(client: httpx2.Client) -> None:
    plain = client.get("/help/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", "/help/", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(answer.iter_raw())) == plain.content
    head = client.head("/help/", headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(plain.content))


def test_the_way_to_it_is_relative(client: httpx2.Client) -> None:
    """So it leads to the right place below a proxy's sub-path, too."""
    answer = client.get("/help", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "help/")


@pytest.mark.parametrize(
    "path",
    ["nowhere.html", "../app.py", "..%2fapp.py", "decisions", "decisions/", "_static/", "%00"],
)
def test_nothing_else_is_handed_out(client: httpx2.Client, path: str) -> None:
    answer = client.get(f"/help/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.post("/help/", json={}).status_code == 404


def test_it_is_read_without_a_login(client: httpx2.Client) -> None:
    assert client.get("/help/", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 200
