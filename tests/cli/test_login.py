"""`taskhold login`: a server, a token for it, and who may read that."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.test_terminal import ended
from tests.support.accounts import PASSWORD, log_in, make_accounts
from tests.support.command_line import CommandLine
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")


@pytest.fixture
def cli(server: LiveServer, database_url: str, tmp_path: Path) -> CommandLine:
    """Somebody who has not logged in yet, on a server with accounts."""
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    return CommandLine(tmp_path)


@pytest.fixture
def browser(server: LiveServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url) as browser:
        yield browser


def kept(cli: CommandLine) -> Path:
    return cli.folder / "config" / "taskhold" / "login.json"


def test_from_a_password_to_a_token_that_only_the_owner_can_read(
    cli: CommandLine, server: LiveServer, browser: httpx2.Client
) -> None:
    running = cli.terminal("login", server.url)
    running.expect_exact(b"Name: ")
    running.sendline(b"ada")
    running.expect_exact(b"Password for ada: ")
    running.sendline(PASSWORD.encode())
    exit_code, screen = ended(running)
    assert (exit_code, screen.strip()) == (0, f"Logged in to {server.url} as ada")
    assert stat.S_IMODE(kept(cli).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(cli).parent.stat().st_mode) == 0o700
    assert PASSWORD not in kept(cli).read_text()
    assert cli.json("add", "mine")["id"] == 1
    assert [change["actor"] for change in cli.json("log")] == ["ada"]
    assert cli.said("undo").startswith("Undone: added 1 “mine”")
    log_in(browser, "ada")
    (token,) = browser.get("/tokens").json()
    assert token["name"].startswith("taskhold on ")
    assert token["scopes"] == ["read", "write"]
    assert [each["current"] for each in browser.get("/sessions").json()] == [True]
    said = cli.said("logout")
    assert said.startswith(f"Logged out of {server.url}. The token is forgotten here")
    assert not kept(cli).exists()
    assert cli.refused("logout") == "You are not logged in"
    assert len(browser.get("/tokens").json()) == 1


def test_a_password_on_standard_input_and_a_token_that_is_revoked(
    cli: CommandLine, server: LiveServer, browser: httpx2.Client
) -> None:
    said = cli.said("login", f"{server.url}/", "--username", "Ada", stdin=f"{PASSWORD}\n")
    assert said == f"Logged in to {server.url} as ada\n"
    assert cli.refused("logout", "--revoke", stdin="wrong password\n").startswith("The name or")
    assert kept(cli).exists()
    assert cli.said("logout", "--revoke", stdin=f"{PASSWORD}\n") == f"Logged out of {server.url}\n"
    log_in(browser, "ada")
    assert browser.get("/tokens").json() == []
    assert not kept(cli).exists()


def test_a_token_that_was_made_elsewhere(
    cli: CommandLine, server: LiveServer, browser: httpx2.Client
) -> None:
    log_in(browser, "bob")
    made = browser.post("/tokens", json={"name": "mine", "scopes": ["read"]}).json()["token"]
    assert cli.said("login", server.url, "--with-token", stdin=f"{made}\n").endswith(" as bob\n")
    assert cli.refused("add", "x") == "This token only reads."
    assert cli.said("list") == ""
    assert "was not made by" in cli.refused("logout", "--revoke")
    variables = CommandLine(cli.folder, TASKHOLD_URL=server.url, TASKHOLD_TOKEN=made)
    assert variables.said("list") == ""
    bad = CommandLine(cli.folder, TASKHOLD_URL=server.url, TASKHOLD_TOKEN="thk_nonsense")  # noqa: S106
    assert "taskhold login URL" in bad.refused("list")
    assert "thk_nonsense" not in bad.refused("list")
    alone = CommandLine(cli.folder / "elsewhere", TASKHOLD_TOKEN=made)
    alone.folder.mkdir()
    assert "TASKHOLD_URL is not" in alone.refused("list", exit_code=2)


def test_what_is_refused(cli: CommandLine, server: LiveServer, tmp_path: Path) -> None:
    assert "--username" in cli.refused("login", server.url, exit_code=2)
    wrong = cli.refused("login", server.url, "--username", "ada", stdin="not the password\n")
    assert wrong == "The name or the password is wrong."
    sentence = cli.refused("login", "http://192.0.2.7:8000", "--username", "ada", stdin=PASSWORD)
    assert sentence == "Over http:// others may read the password; --insecure does it anyway"
    assert "begins with http" in cli.refused("login", "localhost:8000", exit_code=2)
    assert "No answer from http://127.0.0.1:1" in cli.refused("login", "http://127.0.0.1:1")
    assert not kept(cli).exists()
    strangers = CommandLine(tmp_path, TASKHOLD_URL=server.url)
    assert strangers.refused("list").startswith("Log in")
    assert strangers.refused("list", "--user", "ada", exit_code=2).startswith("--user is for a")


def test_a_kept_token_is_for_its_server_alone_and_for_nobody_else_to_read(
    cli: CommandLine, server: LiveServer
) -> None:
    cli.said("login", server.url, "--username", "ada", stdin=f"{PASSWORD}\n")
    other = CommandLine(cli.folder, TASKHOLD_URL=server.url.replace("127.0.0.1", "localhost"))
    assert "taskhold login URL" in other.refused("list")
    database = CommandLine(cli.folder, TASKHOLD_DATABASE_URL="sqlite:///none.db")
    assert "There is no " in database.refused("list")
    kept(cli).chmod(0o644)
    assert "can be read by others" in cli.refused("list")
    kept(cli).chmod(0o600)
    assert cli.said("list") == ""
    kept(cli).write_text("{")
    assert "is damaged" in cli.refused("list")
    kept(cli).write_text(json.dumps({"url": server.url, "from_a_newer_version": 1}))
    assert "Log in" in cli.refused("list")
    assert cli.said("logout").startswith("Logged out")


def test_a_server_without_accounts_asks_for_nothing(server: LiveServer, tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    assert cli.said("login", server.url) == f"Logged in to {server.url}, where no login is needed\n"
    assert cli.json("add", "open")["id"] == 1
    assert cli.said("undo").startswith("Undone: added 1 “open”")
    assert cli.said("logout") == f"Logged out of {server.url}\n"
