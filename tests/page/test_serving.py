"""How the page comes to the browser: compressed, kept for good, nothing of another host."""

import base64
import gzip
import hashlib
import json
import re
from urllib.parse import urljoin

import httpx2
import pytest

from tests.page.conftest import Visit, go_on
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")  # the page is the same on any

LARGEST_FIRST_VIEW = 150_000
"""Bytes: with the headers of the answers, the calls of the API, and gzip."""
IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>')
LINKED = re.compile(r'(?:src|href)="(static/[^"]+)"')


def imports(client: httpx2.Client) -> dict[str, str]:
    found = IMPORT_MAP.search(client.get("/").text)
    assert found
    mapped: dict[str, str] = json.loads(found[1])["imports"]
    return mapped


def test_the_page_is_asked_for_again_and_its_files_never(client: httpx2.Client) -> None:
    page = client.get("/?view=list&list=1&list=2&q=%ff")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    linked = LINKED.findall(page.text)
    assert len(linked) >= 10
    for path in {*linked, *imports(client).values()}:
        file = client.get(urljoin("/", path))
        assert file.status_code == 200, path
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        named = re.search(r"\.([0-9a-f]{10})\.[a-z]+$", path)
        assert named
        assert hashlib.sha256(file.content).hexdigest().startswith(named[1])


def test_what_is_longer_than_a_packet_comes_compressed_to_who_takes_it(
    client: httpx2.Client,
) -> None:
    path = imports(client)["./static/app.js"].removeprefix(".")
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    with client.stream("GET", path, headers={"Accept-Encoding": "br, gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw) == plain.content
    head = client.head(path, headers={"Accept-Encoding": "gzip"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(raw)))


def test_the_policy_allows_our_scripts_and_the_import_map_alone(client: httpx2.Client) -> None:
    page = client.get("/")
    found = IMPORT_MAP.search(page.text)
    assert found
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    directives = {name: sources for name, *sources in map(str.split, policy.split(";"))}
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'", f"'sha256-{digest}'"]
    assert directives["style-src"] == ["'self'"]
    assert directives["connect-src"] == ["'self'"]
    assert "style=" not in page.text
    assert page.text.count("<script") == page.text.count("<script type=") == 2


@pytest.mark.parametrize(
    "path",
    ["app.js", "", "vendor/", "../routes.py", "..%2froutes.py", "index.html", "app.0123456789.js"],
)
def test_only_the_names_of_now_are_files(client: httpx2.Client, path: str) -> None:
    answer = client.get(f"/static/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("path", ["/", "/service-worker.js", "/static/app.js"])
def test_the_page_is_only_read(client: httpx2.Client, path: str) -> None:
    assert client.post(path, json={}).status_code in (404, 405)


def test_the_service_worker_knows_every_file(client: httpx2.Client) -> None:
    worker = client.get("/service-worker.js")
    assert worker.headers["cache-control"] == "no-cache"
    listed = re.search(r"self\.FILES = (\[.*\]);", worker.text)
    assert listed
    files = json.loads(listed[1])
    assert set(LINKED.findall(client.get("/").text)) < set(files)
    for path in files:
        assert client.get(urljoin("/", path)).status_code == 200


def test_the_first_view_is_small(visit: Visit, server: LiveServer) -> None:
    page = visit(server.url, path="healthz")  # anywhere but on the page
    devtools = page.context.new_cdp_session(page)
    received: list[int] = []
    devtools.send("Network.enable")
    devtools.on(
        "Network.loadingFinished", lambda event: received.append(event["encodedDataLength"])
    )
    with page.expect_request("**/events*"):  # the last that it asks for
        page.goto(server.url)
        go_on(page)
    assert len(received) > 40  # it counts what came: headers and bodies, as they were sent
    assert sum(received) < LARGEST_FIRST_VIEW
