"""What browsers are told, and what other sites can't make them do."""

from typing import Any

import httpx2
import pytest

from tests.support import raw
from tests.support.accounts import PASSWORD, cookies_of, log_in, make_accounts
from tests.support.servers import LiveServer
from tests.support.sql import run_sql

SAME, OTHER = "http://localhost", "https://evil.example"


@pytest.fixture
def session(database_url: str, client: httpx2.Client) -> dict[str, str]:
    make_accounts(database_url, {"username": "ada"})
    cookies = cookies_of(log_in(client, "ada"))
    client.cookies.clear()
    return {"Cookie": cookies}


@pytest.mark.database("sqlite")
def test_every_kind_of_answer_has_the_headers_for_browsers(
    server: LiveServer, client: httpx2.Client
) -> None:
    client.post("/tasks", json={"title": "a"})
    asked: list[tuple[int, str, str, dict[str, Any]]] = [
        (200, "GET", "/tasks", {}),
        (200, "HEAD", "/tasks", {}),
        (304, "GET", "/tasks", {"headers": {"If-None-Match": "*"}}),
        (201, "POST", "/tasks", {"json": {"title": "b"}}),
        (204, "DELETE", "/tasks/1", {}),
        (401, "GET", "/tasks", {"headers": {"Via": "1.1 proxy"}}),
        (403, "POST", "/tasks", {"json": {"title": "b"}, "headers": {"Origin": OTHER}}),
        (404, "GET", "/nowhere", {}),
        (405, "PUT", "/tasks", {}),
        (415, "POST", "/tasks", {"content": "x"}),
        (422, "GET", "/tasks?x=1", {}),
        (200, "GET", "/docs", {}),
        (200, "GET", "/redoc", {}),
        (200, "GET", "/openapi.json", {}),
        (200, "GET", "/docs-assets/mark.svg", {}),
        (404, "GET", "/docs-assets/none.js", {}),
        (200, "GET", "/healthz", {}),
        (200, "HEAD", "/events", {}),
    ]
    for status, method, path, options in asked:
        answer = client.request(method, path, **options)
        assert answer.status_code == status, (method, path)
        has_headers_for_browsers(answer)
    with client.stream("GET", "/events") as stream:
        has_headers_for_browsers(stream)
    run_sql(server.database_url, "DROP TABLE kept_answer")
    broken = client.post("/tasks", json={"title": "c"}, headers={"Idempotency-Key": "k"})
    assert broken.status_code == 500
    has_headers_for_browsers(broken)


def has_headers_for_browsers(answer: httpx2.Response) -> None:
    place = f"{answer.request.method} {answer.request.url.path}"
    for name, value in {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }.items():
        assert answer.headers.get_list(name) == [value], place
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "unsafe" not in policy, place
    assert "default-src" in policy
    assert "frame-ancestors 'none'" in policy, place
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, 201),
        ({"Origin": "{own}"}, 201),
        ({"Origin": OTHER}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "{own}.evil.example"}, 403),
        ({"Origin": "https://127.0.0.1"}, 403),
    ],
)
def test_a_write_with_a_cookie_is_refused_to_other_sites(
    headers: dict[str, str], status: int, session: dict[str, str], server: LiveServer
) -> None:
    sent = {name: value.format(own=server.url) for name, value in headers.items()} | session
    with httpx2.Client(base_url=server.url) as client:
        assert client.post("/tasks", json={"title": "a"}, headers=sent).status_code == status
        assert client.delete("/sessions", headers=sent).status_code == (
            status if status == 403 else 204
        )
        assert client.get("/tasks", headers=sent).status_code == 200
        login = {"username": "ada", "password": PASSWORD}
        sent.pop("Cookie")
        answer = client.post("/login", json=login, headers=sent)
        assert answer.status_code == (403 if status == 403 else 200)


def test_a_token_needs_no_origin(session: dict[str, str], client: httpx2.Client) -> None:
    body = {"name": "t", "scopes": ["read", "write"]}
    token = client.post("/tokens", json=body, headers=session).json()["token"]
    sent = {"Authorization": f"Bearer {token}", "Origin": OTHER, "Sec-Fetch-Site": "cross-site"}
    assert client.post("/tasks", json={"title": "a"}, headers=sent).status_code == 201


def test_the_public_url_is_an_origin_of_ones_own(database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"})
    settings = {"public_url": "https://tasks.example/sub", "trusted_proxies": "127.0.0.1"}
    with (
        LiveServer(database_url, **settings) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        origin = {"Origin": "https://tasks.example"}
        login = {"username": "ada", "password": PASSWORD}
        answer = client.post("/login", json=login, headers=origin)
        assert answer.status_code == 200
        cookie = answer.headers.get_list("set-cookie")[0]
        assert cookie.startswith("__Secure-taskhold=")
        assert "; Path=/sub; " in cookie
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        sent = {"Cookie": cookies_of(answer)} | origin
        client.cookies.clear()
        assert client.post("/tasks", json={"title": "a"}, headers=sent).status_code == 201
        assert client.post("/login", json=login, headers={"Origin": OTHER}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example"]
)
def test_a_rebound_name_gets_nothing_in_open_mode(host: str, server: LiveServer) -> None:
    request = f"GET /tasks HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    assert raw.status(raw.exchange(server.port, request)) == 401


def test_a_session_that_was_not_used_for_two_weeks_is_over(
    session: dict[str, str], client: httpx2.Client, database_url: str
) -> None:
    assert client.get("/me", headers=session).status_code == 200
    run_sql(database_url, "UPDATE session SET last_used_at = '2026-01-01 00:00:00.000000'")
    assert client.get("/me", headers=session).status_code == 401
    assert log_in(client, "ada").status_code == 200
    assert len(client.get("/sessions").json()) == 1


def test_a_login_with_a_session_takes_its_place(
    session: dict[str, str], client: httpx2.Client
) -> None:
    login = {"username": "ada", "password": PASSWORD}
    again = {"Cookie": cookies_of(client.post("/login", json=login, headers=session))}
    client.cookies.clear()
    assert again != session
    assert client.get("/me", headers=session).status_code == 401
    assert client.get("/me", headers=again).status_code == 200


def test_accounts_are_made_by_anybody_only_where_that_is_set(database_url: str) -> None:
    new = {"username": "eve", "password": PASSWORD, "display_name": "Eve"}
    with LiveServer(database_url, registration="open") as server:
        assert httpx2.post(f"{server.url}/register", json=new).status_code == 401
    make_accounts(database_url, {"username": "ada"})
    with LiveServer(database_url) as server:
        assert httpx2.post(f"{server.url}/register", json=new).status_code == 403
    with LiveServer(database_url, registration="open") as server:
        made = httpx2.post(f"{server.url}/register", json=new)
        assert made.status_code == 201
        assert made.json() == {"id": 2, "username": "eve", "display_name": "Eve", "admin": False}
        assert httpx2.post(f"{server.url}/register", json=new).status_code == 409
        bold = new | {"username": "mallory", "admin": True}
        assert httpx2.post(f"{server.url}/register", json=bold).status_code == 422


def test_pages_of_named_origins_may_call_with_a_token(database_url: str) -> None:
    page = {"Origin": "https://app.example"}
    asks = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    other = {"Origin": "https://else.example"}
    with (
        LiveServer(database_url, cors_origins="http://a.example:1, https://app.example") as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        asked = client.options("/tasks/1", headers=page | asks)
        assert asked.status_code == 204
        assert "PATCH" in asked.headers["access-control-allow-methods"]
        assert "If-Match" in asked.headers["access-control-allow-headers"]
        made = client.post("/tasks", json={"title": "a"}, headers=page)
        for answer in (asked, made, client.get("/tasks/9", headers=page)):
            assert answer.headers["access-control-allow-origin"] == page["Origin"]
            assert "access-control-allow-credentials" not in answer.headers
            assert "Origin" in answer.headers["vary"]
            assert "ETag, Link, Location" in answer.headers["access-control-expose-headers"]
            assert answer.headers["x-request-id"]
        assert made.status_code == 201
        assert client.options("/tasks/1", headers=other | asks).status_code == 405
        assert client.post("/tasks", json={"title": "a"}, headers=other).status_code == 403
        refused = client.get("/tasks", headers=other)
        assert "access-control-allow-origin" not in refused.headers
        assert "Origin" in refused.headers["vary"]


def test_no_page_of_another_origin_reads_by_default(client: httpx2.Client) -> None:
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    for answer in (client.options("/tasks", headers=asks), client.get("/tasks", headers=asks)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
