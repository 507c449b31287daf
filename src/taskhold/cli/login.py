"""`taskhold login`, `taskhold logout`: a server, and a token for it."""

import getpass
import platform
import sys
from typing import Any
from urllib.parse import urlsplit

import click

from taskhold.cli.logins import Login, file_of_login, forget_login, load_login, save_login
from taskhold.cli.screen import say
from taskhold.client.errors import TaskholdError, Unauthenticated
from taskhold.client.sync import Client
from taskhold.errors import StartupError

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@click.command()
@click.argument("url")
@click.option("--username", metavar="NAME", help="Your name there; asked for on a terminal.")
@click.option(
    "--with-token",
    is_flag=True,
    help="Take a token that you have made there, instead of name and password.",
)
@click.option(
    "--insecure", is_flag=True, help="Also over http:// to another machine, which others may read."
)
def login(url: str, username: str | None, *, with_token: bool, insecure: bool) -> None:
    """Log in to a server.

    Commands are about the tasks there from then on. The password, or the token, comes from the
    terminal, or as one line of standard input. The password is not kept, but a token that the
    server makes for this machine.
    """
    url = url.rstrip("/")
    if urlsplit(url).scheme == "http" and urlsplit(url).hostname not in _HERE and not insecure:
        raise StartupError("Over http:// others may read the password; --insecure does it anyway")
    try:
        found = _log_in(url, username, with_token=with_token)
    except ValueError as error:
        raise StartupError(str(error), 2) from None
    except TaskholdError as error:
        raise StartupError(str(error)) from error
    save_login(found)
    who = f" as {found.username}" if found.username else ", where no login is needed"
    say(f"Logged in to {url}{who}")


@click.command()
@click.option(
    "--revoke", is_flag=True, help="Revoke the token on the server, too; asks for the password."
)
def logout(*, revoke: bool) -> None:
    """Forget the server and the token."""
    try:
        found = load_login()
    except StartupError:  # a file that is damaged, or that others can read
        found = None
    else:
        if found is None:
            raise StartupError("You are not logged in")
    if revoke:
        if found is None or found.username is None or found.token_id is None:
            raise StartupError("This token was not made by `taskhold login`; revoke it there")
        try:
            _revoke(found, found.username, found.token_id)
        except TaskholdError as error:
            raise StartupError(str(error)) from error
    forget_login()
    if found is None:
        say(f"Forgot what was in {file_of_login()}")
    elif revoke or found.token is None:
        say(f"Logged out of {found.url}")
    else:
        say(f"Logged out of {found.url}. The token is forgotten here; --revoke would revoke it")


def _log_in(url: str, username: str | None, *, with_token: bool) -> Login:
    if with_token:
        token = _secret("Token: ")
        with Client(url, token, patience=2) as client:
            return Login(url, token, None, client.me()["username"])
    with Client(url, patience=2) as client:
        if username is None and _is_open(client):
            return Login(url)
        if username is None:
            if not sys.stdin.isatty():
                raise StartupError("Say who you are with --username NAME", 2)
            username = click.prompt("Name", err=True)
        user = _begin_session(client, username)
        try:
            name = f"taskhold on {platform.node() or 'a machine'}"[:100]
            made = _ask(client, "POST", "/tokens", {"name": name, "scopes": ["read", "write"]})
        finally:
            _ask(client, "POST", "/logout")
        return Login(url, made["token"], made["id"], user["username"])


def _is_open(client: Client) -> bool:
    """Whether the server answers without a login."""
    try:
        client.changes()
    except Unauthenticated:
        return False
    return True


def _begin_session(client: Client, username: str) -> Any:
    """The client has its cookie from then on."""
    password = _secret(f"Password for {username}: ")
    return _ask(client, "POST", "/login", {"username": username, "password": password})["user"]


def _revoke(found: Login, username: str, token_id: int) -> None:
    with Client(found.url, patience=2) as client:
        _begin_session(client, username)
        try:
            _ask(client, "DELETE", f"/tokens/{token_id}")
        finally:
            _ask(client, "POST", "/logout")


def _ask(client: Client, method: str, path: str, body: Any = None) -> Any:
    answer = client.request(method, path, body=body)
    return answer.json() if answer.body else None


def _secret(prompt: str) -> str:
    """From the terminal, without showing it; or one line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\r\n")
