"""Every operation of the API, tried by everybody: a row for each, and none is left out."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import httpx2
import pytest

from tests.support.accounts import PASSWORD, cookies_of, log_in, make_accounts
from tests.support.databases import Databases
from tests.support.servers import LiveServer
from tests.support.sql import run_sql

ABSENT = 987_654_321


class For(Enum):
    """Whom an operation is for."""

    everybody = auto()
    owners = auto()
    """Who is logged in, and their tokens within their scopes."""
    people = auto()
    """Who is logged in with a password."""
    admins = auto()


@dataclass(frozen=True)
class Row:
    """An operation: whom it is for, and what to send."""

    whom: For
    body: Any = None


NEW_TASK = {"title": "new"}
NEW_USER = {"username": "new", "password": PASSWORD}
ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/healthz"): Row(For.everybody),
    ("GET", "/readyz"): Row(For.everybody),
    ("GET", "/problems/{name}"): Row(For.everybody),
    ("POST", "/login"): Row(For.everybody, {"username": "bob", "password": PASSWORD}),
    ("POST", "/setup"): Row(For.everybody, NEW_USER | {"code": "x"}),
    ("POST", "/register"): Row(For.everybody, NEW_USER),
    ("POST", "/tasks"): Row(For.owners, NEW_TASK),
    ("GET", "/tasks"): Row(For.owners),
    ("GET", "/tasks/count"): Row(For.owners),
    ("GET", "/tasks/{task_id}"): Row(For.owners),
    ("PATCH", "/tasks/{task_id}"): Row(For.owners, {"done": True}),
    ("DELETE", "/tasks/{task_id}"): Row(For.owners),
    ("GET", "/tasks/{task_id}/history"): Row(For.owners),
    ("POST", "/tasks/batch"): Row(For.owners, {"operations": [{"op": "create", "task": NEW_TASK}]}),
    ("GET", "/trash"): Row(For.owners),
    ("POST", "/trash/{task_id}/restore"): Row(For.owners, {}),
    ("DELETE", "/trash/{task_id}"): Row(For.owners),
    ("POST", "/lists"): Row(For.owners, {"name": "new"}),
    ("GET", "/lists"): Row(For.owners),
    ("GET", "/lists/{list_id}"): Row(For.owners),
    ("PATCH", "/lists/{list_id}"): Row(For.owners, {"archived": True}),
    ("DELETE", "/lists/{list_id}"): Row(For.owners),
    ("GET", "/tags"): Row(For.owners),
    ("PATCH", "/tags/{tag}"): Row(For.owners, {"tag": "renamed"}),
    ("GET", "/changes"): Row(For.owners),
    ("POST", "/changes/{seq}/undo"): Row(For.owners, {}),
    ("GET", "/events"): Row(For.owners),
    ("GET", "/me"): Row(For.owners),
    ("PATCH", "/me"): Row(For.people, {"display_name": "Bob"}),
    ("POST", "/logout"): Row(For.people),
    ("GET", "/sessions"): Row(For.people),
    ("DELETE", "/sessions"): Row(For.people),
    ("GET", "/sessions/{session_id}"): Row(For.people),
    ("DELETE", "/sessions/{session_id}"): Row(For.people),
    ("POST", "/tokens"): Row(For.people, {"name": "new", "scopes": ["read"]}),
    ("GET", "/tokens"): Row(For.people),
    ("GET", "/tokens/{token_id}"): Row(For.people),
    ("DELETE", "/tokens/{token_id}"): Row(For.people),
    ("GET", "/users"): Row(For.admins),
    ("POST", "/users"): Row(For.admins, NEW_USER),
    ("GET", "/users/{user_id}"): Row(For.admins),
    ("PATCH", "/users/{user_id}"): Row(For.admins, {"display_name": "New"}),
    ("DELETE", "/users/{user_id}"): Row(For.admins),
    ("GET", "/audit"): Row(For.admins),
    ("GET", "/metrics"): Row(For.admins),  # and for their tokens: tests/test_metrics.py
}
NOBODY = (
    "anonymous",
    "revoked token",
    "expired token",
    "mistyped token",
    "disabled account",
    "token of a disabled account",
    "expired session",
    "ended session",
)
BY_TOKEN = ("read token", "write token")
EVERYBODY = (*NOBODY, *BY_TOKEN, "bob", "admin")


@dataclass
class World:
    """A server with accounts, and everybody who may come to it."""

    client: httpx2.Client
    database_url: str
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def send(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> httpx2.Response:
        content = None if body is None else json.dumps(body).encode()
        if body is not None:
            headers = headers | {"Content-Type": "application/json"}
        self.client.cookies.clear()
        with self.client.stream(method, path, content=content, headers=headers) as answer:
            if not path.startswith("/events") or answer.status_code != 200:
                answer.read()
        return answer

    def logged_in(self, username: str) -> dict[str, str]:
        self.client.cookies.clear()
        answer = log_in(self.client, username)
        assert answer.status_code == 200, answer.text
        return {"Cookie": cookies_of(answer)}

    def session(self, username: str) -> dict[str, str]:
        """A session that goes on from test to test."""
        if username not in self.sessions:
            self.sessions[username] = self.logged_in(username)
        return self.sessions[username]

    def token(self, username: str, *scopes: str) -> dict[str, str]:
        made = self.send(
            "POST", "/tokens", self.session(username), {"name": "t", "scopes": scopes}
        ).json()
        return {"Authorization": f"Bearer {made['token']}", "id": str(made["id"])}

    def as_(self, who: str) -> dict[str, str]:
        """The headers of their requests."""
        if who in ("bob", "admin"):
            return self.session({"admin": "ada"}.get(who, who))
        return self.headers[who]

    def new(self, what: str, owner: str) -> int | str:
        """The id of something new that belongs to an account, or the name of a tag."""
        headers = self.session(owner)
        number = next(self.numbers)
        if what in ("task_id", "trashed", "tag", "seq"):
            tag = f"tag-{number}"
            body: Any = {"title": f"task {number}", "tags": [tag]}
            answer = self.send("POST", "/tasks", headers, body)
            if what == "tag":
                return tag
            if what == "seq":
                return int(self.send("GET", "/changes", headers).json()["cursor"])
            if what == "trashed":
                self.send("DELETE", answer.headers["Location"], headers)
        elif what == "list_id":
            answer = self.send("POST", "/lists", headers, {"name": f"list {number}"})
        elif what == "token_id":
            body = {"name": f"token {number}", "scopes": ["read"]}
            answer = self.send("POST", "/tokens", headers, body)
        elif what == "session_id":
            (newest, *_) = self.send("GET", "/sessions", self.logged_in(owner)).json()
            return int(newest["id"])
        else:
            body = {"username": f"user-{number}", "password": PASSWORD}
            answer = self.send("POST", "/users", self.session("ada"), body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with databases.fresh(tmp_path_factory.mktemp("world")) as url:
        make_accounts(url, *({"username": name} for name in ("ada", "bob", "eve")))
        with (
            LiveServer(url) as server,
            httpx2.Client(base_url=server.url, timeout=30) as client,
        ):
            world = World(client, url)
            make_everybody(world)
            yield world


def make_everybody(world: World) -> None:
    mistyped = world.token("bob", "read", "write")["Authorization"]
    known = {
        "anonymous": {},
        "read token": world.token("bob", "read"),
        "write token": world.token("bob", "read", "write"),
        "revoked token": world.token("bob", "read", "write"),
        "expired token": world.token("bob", "read", "write"),
        "mistyped token": {"Authorization": mistyped[:-1] + ("a" if mistyped[-1] != "a" else "b")},
        "disabled account": world.logged_in("eve"),
        "token of a disabled account": world.token("eve", "read", "write"),
        "expired session": world.logged_in("bob"),
        "ended session": world.logged_in("bob"),
    }
    session = world.send("GET", "/sessions", known["expired session"]).json()
    (expired,) = [each["id"] for each in session if each["current"]]
    world.send("DELETE", f"/tokens/{known['revoked token'].pop('id')}", world.logged_in("bob"))
    world.send("POST", "/logout", known["ended session"])
    for table, row in (("session", expired), ("token", known["expired token"].pop("id"))):
        past = "'2026-01-01 00:00:00.000000'"
        run_sql(world.database_url, f"UPDATE {table} SET expires_at = {past} WHERE id = {row}")  # noqa: S608
    world.send("PATCH", "/users/3", world.logged_in("ada"), {"disabled": True})
    for headers in known.values():
        headers.pop("id", None)
    world.headers = known


def test_every_operation_has_a_row(world: World) -> None:
    document = world.send("GET", "/openapi.json", {}).json()
    there = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert there == ROWS.keys()


def refused(whom: For, who: str, method: str) -> int | None:
    """The status of a refusal; None where it is let in."""
    if whom is For.everybody:
        return None
    if who in NOBODY:
        return 401
    if who in BY_TOKEN:
        may_not_write = who == "read token" and method != "GET"
        return 403 if whom is not For.owners or may_not_write else None
    return 403 if whom is For.admins and who != "admin" else None


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize(("method", "path"), ROWS)
def test_who_may(method: str, path: str, who: str, world: World) -> None:
    row = ROWS[method, path]
    wanted = refused(row.whom, who, method)
    owner = "ada" if who == "admin" else "bob"
    body = row.body
    if path == "/users" and body:
        body = body | {"username": f"new-{next(world.numbers)}"}
    headers = world.as_(who)
    answer = world.send(method, filled(path, lambda what: world.new(what, owner)), headers, body)
    if path in ("/login", "/logout", "/sessions"):
        world.sessions.clear()  # they may be over
    if wanted is not None:
        assert answer.status_code == wanted, answer.text
        assert answer.json()["type"].startswith("/problems/")
        assert ("www-authenticate" in answer.headers) or wanted == 403
    elif row.whom is not For.everybody:
        assert answer.is_success, answer.text
    if "{" in path and row.whom in (For.owners, For.people) and wanted is None:
        others = "bob" if who == "admin" else "ada"
        foreign = filled(path, lambda what: world.new(what, others))
        absent = filled(path, lambda _: ABSENT)
        if "{seq}" in path:  # each account counts its own from 1
            foreign = absent
        of_another, of_nobody = (
            world.send(method, target, world.as_(who), body) for target in (foreign, absent)
        )
        assert of_another.status_code == 404
        assert shown(of_another) == shown(of_nobody)
    if row.whom is For.admins and "{" in path and wanted is None:
        answer = world.send(method, filled(path, lambda _: ABSENT), world.as_(who), body)
        assert answer.status_code == 404


def filled(path: str, id_of: Callable[[str], int | str]) -> str:
    """The path with its parameters filled in."""
    path = path.replace("/trash/{task_id}", "/trash/{trashed}").replace("{name}", "validation")
    return re.sub(r"\{(\w+)\}", lambda matched: str(id_of(matched[1])), path)


def shown(answer: httpx2.Response) -> Any:
    own = {"date", "x-request-id"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.status_code, headers, answer.content


def test_a_disabled_account_is_enabled_again(world: World) -> None:
    admin, eve = world.logged_in("ada"), world.headers["token of a disabled account"]
    assert world.send("GET", "/tasks", eve).status_code == 401
    assert world.send("PATCH", "/users/3", admin, {"disabled": False}).status_code == 200
    assert world.send("GET", "/tasks", eve).status_code == 200
    assert world.send("PATCH", "/users/3", admin, {"disabled": True}).status_code == 200
    assert world.send("GET", "/tasks", eve).status_code == 401


def test_what_happens_to_accounts_is_in_the_audit_trail(world: World) -> None:
    admin, bob = world.session("ada"), world.logged_in("bob")
    (before, *_) = world.send("GET", "/audit?limit=1", admin).json()
    user = world.send("POST", "/users", admin, NEW_USER | {"username": "zoe"}).json()
    made = world.send("POST", "/tokens", bob, {"name": "script", "scopes": ["read"]}).json()
    world.send("DELETE", f"/tokens/{made['id']}", bob)
    world.send("POST", "/logout", bob)
    world.send("POST", "/login", {}, {"username": "zoe", "password": "a wrong password"})
    world.send("POST", "/login", {}, {"username": "a password, maybe", "password": "x"})
    world.send("PATCH", f"/users/{user['id']}", admin, {"disabled": True})
    world.send("DELETE", f"/users/{user['id']}", admin)
    entries = world.send("GET", "/audit?limit=500", admin).json()
    found = [
        (entry["action"], entry["actor"], entry["account"], entry["detail"])
        for entry in reversed(entries)
        if entry["id"] > before["id"]
    ]
    assert found == [
        ("account created", "ada", "zoe", None),
        ("token created", "bob", "bob", "script"),
        ("token revoked", "bob", "bob", "script"),
        ("logout", "bob", "bob", None),
        ("login failed", None, "zoe", None),
        ("login failed", None, None, None),
        ("account changed", "ada", "zoe", "disabled"),
        ("account removed", "ada", "zoe", None),
    ]
    assert {entry["address"] for entry in entries[:8]} == {"127.0.0.1"}
