"""TLS ends at nginx or at Caddy, at the root or below a path, as the files in `deploy/` have it."""

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import httpx2
import pytest

from tests.deploy.proxies import CADDY, KINDS, NGINX, free_port, running
from tests.support.accounts import PASSWORD
from tests.support.servers import ServerProcess
from tests.support.tls import make_certificate

pytestmark = [
    pytest.mark.database("sqlite"),  # what is in front of it is the same on any
    pytest.mark.skipif(
        not (NGINX and CADDY),
        reason="NO PROXIES: nginx and Caddy are not tested; install both with: tools/programs.sh",
    ),
]

Serve = Callable[..., ServerProcess]


class Site(NamedTuple):
    """A server behind a proxy, with a first account that is logged in."""

    client: httpx2.Client
    """Its base URL is what the world sees."""
    cookie: str
    """The session's, as it was set."""
    path: str
    origin: str


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["", "/todo"], ids=["root", "sub-path"])
def site(request: pytest.FixtureRequest, kind: str, serve: Serve, tmp_path: Path) -> Iterator[Site]:
    path: str = request.param
    make_certificate(tmp_path, "tls")
    port = free_port()
    origin = f"https://127.0.0.1:{port}"
    server = serve(TASKHOLD_PUBLIC_URL=origin + path, TASKHOLD_TRUSTED_PROXIES="127.0.0.1")
    assert server.process.stdout is not None
    code = server.process.stdout.readline().rsplit(maxsplit=1)[1]
    upstream = int(server.url.rpartition(":")[2])
    trust = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
    with (
        running(kind, tmp_path, port, upstream, below=path),
        httpx2.Client(base_url=origin + path + "/", verify=trust, timeout=30) as client,
    ):
        first = {"username": "ada", "password": PASSWORD, "code": code}
        made = client.post("setup", json=first)
        assert made.status_code == 201, made.text
        yield Site(client, made.headers.get_list("set-cookie")[0], path, origin)


def test_a_login_and_its_cookie_and_no_write_of_another_site(site: Site) -> None:
    name = "__Secure-taskhold" if site.path else "__Host-taskhold"
    assert re.fullmatch(
        rf"{name}=\S+; Path={site.path or '/'}; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure",
        site.cookie,
    )
    client = site.client
    assert client.get("me").json()["username"] == "ada"
    made = client.post("tasks", json={"title": "by a page"}, headers={"Origin": site.origin})
    assert made.status_code == 201
    assert "strict-transport-security" in made.headers
    evil = {"Origin": "https://evil.example"}
    assert client.post("tasks", json={"title": "no"}, headers=evil).status_code == 403
    assert client.post("logout").status_code == 204
    assert client.get("me").status_code == 401
    wrong = client.post("login", json={"username": "ada", "password": "wrong horse battery"})
    assert wrong.status_code == 401
    right = client.post("login", json={"username": "ada", "password": PASSWORD})
    assert right.status_code == 200
    assert client.get("me").status_code == 200


def test_where_things_are_is_said_as_the_world_sees_it(site: Site) -> None:
    client = site.client
    made = client.post("tasks", json={"title": "one"})
    assert made.headers["location"] == f"{site.path}/tasks/1"
    assert client.get(urljoin(site.origin, made.headers["location"])).json()["title"] == "one"
    client.post("tasks", json={"title": "two"})
    page = client.get("tasks?limit=1")
    following = client.get(urljoin(site.origin, page.links["next"]["url"]))
    assert [task["title"] for task in following.json()] == ["two"]
    html = client.get("")
    assert html.status_code == 200
    for reference in re.findall(r'(?:src|href)="(static/[^"]+)"', html.text)[:3]:
        assert client.get(reference).status_code == 200


def test_if_match_holds_after_compression(site: Site) -> None:
    client = site.client
    client.post("tasks", json={"title": "long", "notes": "word " * 2000})
    shown = client.get("tasks/1")
    assert shown.headers["content-encoding"] == "gzip"
    etag = shown.headers["etag"]
    assert client.get("tasks/1", headers={"If-None-Match": etag}).status_code == 304
    changed = client.patch("tasks/1", json={"done": True}, headers={"If-Match": etag})
    assert changed.status_code == 200
    stale = client.patch("tasks/1", json={"done": False}, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert stale.json()["current"]["done"] is True


def test_changes_arrive_at_once(site: Site) -> None:
    following = threading.Event()

    def write() -> None:
        assert following.wait(20)
        site.client.post("tasks", json={"title": "arrives"})

    writer = threading.Thread(target=write)
    writer.start()
    with site.client.stream("GET", "events", headers={"Accept-Encoding": "gzip"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            following.set()  # the stream has begun: its first line is through
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["after"]["title"] == "arrives"
                break
    writer.join()


def test_a_client_can_not_say_where_it_comes_from(site: Site) -> None:
    lies = {
        "X-Forwarded-For": "198.51.100.7",
        "Forwarded": "for=198.51.100.7;proto=http",
        "X-Real-IP": "198.51.100.7",
        "X-Forwarded-Proto": "http",
    }
    wrong = {"username": "ada", "password": "wrong horse battery"}
    assert site.client.post("login", json=wrong, headers=lies).status_code == 401
    (failed, *_) = [
        entry for entry in site.client.get("audit").json() if entry["action"] == "login failed"
    ]
    assert failed["address"] == "127.0.0.1"


def test_a_batch_of_several_megabytes_gets_through(site: Site) -> None:
    create = {"op": "create", "task": {"title": "large", "notes": "n" * 49_000}}
    assert site.client.post("tasks/batch", json={"operations": [create] * 100}).status_code == 200
