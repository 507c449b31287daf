"""What somebody knows and nobody else may: it is nowhere but where it was sent."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from tests.support.accounts import PASSWORD, cookies_of, log_in, make_accounts
from tests.support.postgresql import PostgreSQL
from tests.support.servers import ServerProcess
from tests.support.sql import run_sql

Serve = Callable[..., ServerProcess]
WRONG = "a wrong password, typed in anger"
AS_NAME = "my-password-in-the-wrong-field"


def use_secrets(server: ServerProcess) -> set[str]:
    """Everything that is secret, after all of it was used."""
    code = re.search(r"code ([a-z2-9-]{19})", server.process.stdout.readline())  # type: ignore[union-attr]
    assert code, "the code is on the second line"
    secrets = {code[1], WRONG, AS_NAME, PASSWORD, "another horse battery"}
    with server.client() as client:
        first = {"username": "ada", "password": PASSWORD}
        made = client.post("/setup", json=first | {"code": code[1]})
        assert made.status_code == 201, made.text
        session = {"Cookie": cookies_of(made)}
        secrets |= {each.partition("=")[2] for each in session["Cookie"].split("; ")}
        token = {"name": "script", "scopes": ["read", "write"]}
        bearer = client.post("/tokens", json=token, headers=session).json()["token"]
        secrets.add(bearer)
        client.cookies.clear()
        assert log_in(client, "ada", WRONG).status_code == 401
        assert log_in(client, AS_NAME, WRONG).status_code == 401
        key = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": "key"}
        for _ in range(2):
            assert client.post("/tasks", json={"title": "kept"}, headers=key).status_code == 201
        change = {"password": "another horse battery", "current_password": PASSWORD}
        assert client.patch("/me", json=change, headers=session).status_code == 200
        assert client.get(f"/tasks/{bearer}", headers=key).status_code == 422
    return secrets


@pytest.mark.database("sqlite")
def test_no_secret_is_in_a_file_of_sqlite_or_in_the_log(serve: Serve, tmp_path: Path) -> None:
    server = serve(TASKHOLD_LOG_REQUESTS="true", TASKHOLD_LOG_LEVEL="debug")
    secrets = use_secrets(server)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name.endswith("-wal") for path in files)
    found_in(secrets, files)
    assert server.stop() == 0
    found_in(secrets, [path for path in tmp_path.rglob("*") if path.is_file()])


@pytest.mark.database("postgresql")
def test_no_secret_is_in_a_file_of_postgresql_or_in_the_log(
    serve: Serve, tmp_path: Path, postgresql: PostgreSQL
) -> None:
    server = serve(TASKHOLD_LOG_REQUESTS="true", TASKHOLD_LOG_LEVEL="debug")
    secrets = use_secrets(server)
    postgresql.execute("CHECKPOINT")
    folders = [postgresql.data / name for name in ("base", "pg_wal")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    found_in(secrets, [*files, *(path for path in tmp_path.rglob("*") if path.is_file())])


def found_in(secrets: set[str], files: list[Path]) -> None:
    """None is in none of them; what is no secret is found in the same way."""
    contents = {path: path.read_bytes() for path in files}
    assert any(b"script" in content for content in contents.values())
    for path, content in contents.items():
        # The path of a request is logged: whoever puts a token into it has published it.
        if path.suffix == ".log":
            content = re.sub(rb'"path": ?"/tasks/thk_\w+"', b"", content)  # noqa: PLW2901
        for secret in secrets:
            assert secret.encode() not in content, f"{secret} in {path.name}"


def test_what_is_revoked_is_over_on_the_next_request_of_every_server(
    serve: Serve, database_url: str
) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    with serve().client() as here, serve().client() as there:
        ada, bob = ({"Cookie": cookies_of(log_in(here, name))} for name in ("ada", "bob"))
        here.cookies.clear()

        def post(path: str, body: dict[str, object]) -> httpx2.Response:
            return here.post(path, json=body, headers=bob)

        token = post("/tokens", {"name": "t", "scopes": ["read"]}).json()
        bearer = {"Authorization": f"Bearer {token['token']}"}
        assert there.get("/tasks", headers=bearer).status_code == 200
        assert here.delete(f"/tokens/{token['id']}", headers=bob).status_code == 204
        assert there.get("/tasks", headers=bearer).status_code == 401
        assert there.get("/tasks", headers=bob).status_code == 200
        other = {"Cookie": cookies_of(log_in(there, "bob"))}
        there.cookies.clear()
        change = {"password": "another horse battery", "current_password": PASSWORD}
        assert there.patch("/me", json=change, headers=other).status_code == 200
        assert here.get("/tasks", headers=bob).status_code == 401
        assert here.get("/tasks", headers=other).status_code == 200
        disabled = here.patch("/users/2", json={"disabled": True}, headers=ada)
        assert disabled.status_code == 200
        assert there.get("/tasks", headers=other).status_code == 401


def test_no_session_outlives_the_password_that_it_was_begun_with(
    serve: Serve, database_url: str
) -> None:
    make_accounts(database_url, {"username": "ada"})
    passwords = [PASSWORD, *(f"another horse battery {number}" for number in range(6))]
    with (
        serve().client() as here,
        serve().client() as there,
        ThreadPoolExecutor(4) as threads,
    ):
        for old, new in pairwise(passwords):
            own = {"Cookie": cookies_of(log_in(here, "ada", old))}
            change = {"password": new, "current_password": old}
            here.cookies.clear()
            changing = threads.submit(here.patch, "/me", json=change, headers=own)
            begun = []
            while not changing.done():
                begun.append(log_in(there, "ada", old))
                there.cookies.clear()
            assert changing.result().status_code == 200, changing.result().text
            assert here.get("/me", headers=own).status_code == 200
            for answer in begun:
                cookies = {"Cookie": cookies_of(answer)}
                assert there.get("/me", headers=cookies).status_code == 401


def test_an_account_that_is_removed_while_it_writes_leaves_nothing(
    serve: Serve, database_url: str
) -> None:
    names = [f"user-{number}" for number in range(6)]
    ids = make_accounts(database_url, {"username": "ada"}, *({"username": each} for each in names))
    with (
        serve().client() as here,
        serve().client() as there,
        ThreadPoolExecutor(8) as threads,
    ):
        ada = {"Cookie": cookies_of(log_in(here, "ada"))}
        for name, account_id in zip(names, ids[1:], strict=True):
            own = {"Cookie": cookies_of(log_in(there, name))}
            here.cookies.clear()
            there.cookies.clear()

            def write(own: dict[str, str] = own) -> list[int]:
                statuses = []
                while 401 not in statuses:
                    answer = there.post("/tasks", json={"title": "left over"}, headers=own)
                    statuses.append(answer.status_code)
                return statuses

            writing = [threads.submit(write) for _ in range(8)]
            removed = here.delete(f"/users/{account_id}", headers=ada)
            assert removed.status_code == 204
            for each in writing:
                assert set(each.result()) <= {201, 401}
    assert run_sql(database_url, "SELECT count(*) FROM task") == [(0,)]


def test_a_stream_ends_when_its_token_is_revoked(serve: Serve, database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"})
    with serve().client() as here, serve().client() as there:
        session = {"Cookie": cookies_of(log_in(here, "ada"))}
        here.cookies.clear()
        made = here.post("/tokens", json={"name": "t", "scopes": ["read"]}, headers=session).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        with there.stream("GET", "/events", headers=bearer) as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": following"
            assert here.delete(f"/tokens/{made['id']}", headers=session).status_code == 204
            with ThreadPoolExecutor(1) as thread:
                ending = thread.submit(list, lines)
                until = time.monotonic() + 10
                while not ending.done():
                    assert time.monotonic() < until
                    here.post("/tasks", json={"title": "still"}, headers=session)
                    time.sleep(0.1)
