"""`taskhold user`, `token` and `audit`, as a person and as a script use them."""

import json
import os
import pty
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import make_url

from taskhold.store.sqlite.lock import WriteLock
from taskhold.store.sqlite.opening import NOTICE_SECONDS
from tests.support.accounts import PASSWORD, log_in
from tests.support.commands import refused, said, taskhold
from tests.support.servers import LiveServer


def test_accounts_from_the_first_to_the_last(database_url: str) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        assert client.post("/tasks", json={"title": "made in open mode"}).status_code == 201
        assert said(database_url, "user", "add", "ada", line=PASSWORD) == "Made the admin ada\n"
        assert client.get("/tasks").status_code == 401
        assert log_in(client, "ada").json()["user"]["admin"] is True
        assert [task["title"] for task in client.get("/tasks").json()] == ["made in open mode"]
        made = json.loads(said(database_url, "user", "add", "bob", "--json", line=PASSWORD))
        assert [(user["username"], user["admin"]) for user in made] == [("bob", False)]
        assert "already" in refused(database_url, "user", "add", "BOB", line=PASSWORD)
        assert "12 characters" in refused(database_url, "user", "add", "eve", line="short")
        assert "guessed" in refused(database_url, "user", "add", "eve", line="password1234")
        assert "A to Z" in refused(database_url, "user", "add", "é", line=PASSWORD, exit_code=2)
        assert "last admin" in refused(database_url, "user", "disable", "ada")
        assert said(database_url, "user", "admin", "bob") == "bob is an admin\n"
        assert said(database_url, "user", "disable", "ada") == "ada is disabled\n"
        assert client.get("/tasks").status_code == 401
        assert said(database_url, "user", "enable", "ada") == "ada is enabled\n"
        assert client.get("/tasks").status_code == 200
        said(database_url, "user", "passwd", "ada", line="another horse battery")
        assert client.get("/tasks").status_code == 401
        assert log_in(client, "ada", "another horse battery").status_code == 200
        assert "--yes" in refused(database_url, "user", "remove", "bob")
        assert said(database_url, "user", "remove", "bob", "--yes") == "Removed bob\n"
        assert refused(database_url, "user", "remove", "bob", "--yes") == "There is no account bob"
    listed = json.loads(said(database_url, "user", "list", "--json"))
    assert [user["username"] for user in listed] == ["ada"]
    assert "ada" in said(database_url, "user", "list")
    trail = json.loads(said(database_url, "audit", "--json", "--limit", "3"))
    assert [entry["action"] for entry in trail] == ["account removed", "account changed", "login"]
    assert [entry["actor"] for entry in trail] == ["command", "command", "ada"]
    assert PASSWORD not in said(database_url, "audit")


def test_tokens(database_url: str) -> None:
    said(database_url, "user", "add", "ada", line=PASSWORD)
    options = ("--name", "script", "--scope", "write", "--expires", "90d")
    token = said(database_url, "token", "add", "ada", *options).strip()
    with LiveServer(database_url) as server:
        bearer = {"Authorization": f"Bearer {token}"}
        with httpx2.Client(base_url=server.url, headers=bearer) as client:
            assert client.post("/tasks", json={"title": "by a token"}).status_code == 201
            (listed,) = json.loads(said(database_url, "token", "list", "ada", "--json"))
            assert (listed["name"], listed["scopes"]) == ("script", ["read", "write"])
            assert listed["last_used_at"] is not None
            assert listed["expires_at"] > listed["created_at"]
            assert "token" not in listed
            said(database_url, "token", "revoke", "ada", str(listed["id"]))
            assert client.get("/tasks").status_code == 401
    assert "not found" in refused(database_url, "token", "revoke", "ada", "1")
    wrong = ("token", "add", "ada", "--name", "x", "--expires", "soon")
    assert "90d" in refused(database_url, *wrong, exit_code=2)


@pytest.mark.database("sqlite")
def test_a_command_that_waits_for_another_says_so_in_a_line(database_url: str) -> None:
    said(database_url, "user", "add", "ada", line=PASSWORD)
    lock = WriteLock(Path(make_url(database_url).database or ""))
    with ThreadPoolExecutor() as pool:
        lock.acquire()
        try:
            waiting = pool.submit(taskhold, database_url, "user", "list")
            with suppress(TimeoutError):
                waiting.result(2 * NOTICE_SECONDS)
        finally:
            lock.release()
        ended = waiting.result()
    assert "ada" in ended.stdout
    (line,) = ended.stderr.splitlines()
    assert re.fullmatch(r"taskhold: waiting for another process .* \(path .*tasks\.db\)", line)


@pytest.mark.database("sqlite")
def test_a_terminal_is_asked_twice_and_shows_nothing(database_url: str) -> None:
    terminal, its_end = pty.openpty()
    command = [sys.executable, "-m", "taskhold", "user", "add", "ada"]
    with subprocess.Popen(
        command,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
        env=os.environ | {"TASKHOLD_DATABASE_URL": database_url},
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509
    ) as process:
        os.close(its_end)
        screen = b""
        for prompt in (b"Password for ada: ", b"Once more: "):
            while not screen.endswith(prompt):
                screen += os.read(terminal, 1024)
            os.write(terminal, PASSWORD.encode() + b"\n")
        with suppress(OSError):
            while chunk := os.read(terminal, 1024):
                screen += chunk
    os.close(terminal)
    assert process.returncode == 0
    assert b"Made the admin ada" in screen
    assert PASSWORD.encode() not in screen
