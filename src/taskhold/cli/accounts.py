"""`taskhold user`, `taskhold token`, `taskhold audit`: accounts, on the server's machine."""

import getpass
import re
import sys
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

import taskhold.tables  # noqa: F401  an account is removed from each of them
from taskhold.accounts import operations as accounts
from taskhold.accounts.models import DisplayName, Username
from taskhold.accounts.passwords import check_password, hash_password
from taskhold.accounts.removal import remove as remove_account
from taskhold.audit import operations as audit_trail
from taskhold.audit.operations import COMMAND
from taskhold.cli.database import Columns, Database, database, show
from taskhold.cli.options import database_url_option, json_option
from taskhold.errors import StartupError, Validation
from taskhold.sessions import operations as sessions
from taskhold.store import Row, Tx
from taskhold.store.query import stamp
from taskhold.tokens import operations as tokens

Shown: Columns = {
    "id": itemgetter("id"),
    "name": itemgetter("username"),
    "display name": itemgetter("display_name"),
    "": lambda row: ", ".join(name for name in ("admin", "disabled") if row[name]),
}
name_argument = click.argument("name")
username_argument = click.argument("username", metavar="NAME")


@click.group()
def user() -> None:
    """Make and change accounts."""


@click.group()
def token() -> None:
    """Make and revoke tokens for programs."""


@user.command("add")
@name_argument
@click.option("--admin", is_flag=True, help="May make and change accounts.")
@click.option("--display-name", metavar="TEXT", help="What others read.")
@database_url_option
@json_option
def add_user(
    name: str, *, admin: bool, display_name: str | None, database_url: str | None, as_json: bool
) -> None:
    """Make an account; the first one is an admin and gets the tasks that there are."""
    fields: Row = {"username": _valid(Username, name, "NAME"), "admin": admin}
    if display_name is not None:
        fields["display_name"] = _valid(DisplayName, display_name, "--display-name")
    with database(database_url) as found:
        fields["password"] = hash_password(_new_password(name))
        account = found.write(accounts.ACCOUNTS, accounts.add, COMMAND, fields)
        if as_json:
            show([account], Shown, as_json=True)
        else:
            kind = "the admin" if account["admin"] else "the account"
            click.echo(f"Made {kind} {account['username']}")


@user.command("list")
@database_url_option
@json_option
def list_users(*, database_url: str | None, as_json: bool) -> None:
    """List the accounts."""
    with database(database_url) as found:
        show(found.read(accounts.list_all), Shown, as_json=as_json)


@user.command("passwd")
@name_argument
@database_url_option
def set_password(name: str, database_url: str | None) -> None:
    """Set a password, which ends the account's sessions."""
    with database(database_url) as found:
        account = _find(found, name)
        _change(found, account, password=hash_password(_new_password(name)))
        click.echo(f"{account['username']} has a new password; who was logged in is not any more")


@user.command("disable")
@name_argument
@database_url_option
def disable_user(name: str, database_url: str | None) -> None:
    """Let nobody in by this account; its tasks stay."""
    with database(database_url) as found:
        account = _change(found, _find(found, name), disabled=True)
        click.echo(f"{account['username']} is disabled")


@user.command("enable")
@name_argument
@database_url_option
def enable_user(name: str, database_url: str | None) -> None:
    """Let its owner in again."""
    with database(database_url) as found:
        account = _change(found, _find(found, name), disabled=False)
        click.echo(f"{account['username']} is enabled")


@user.command("admin")
@name_argument
@click.option("--revoke", is_flag=True, help="Make it an ordinary one.")
@database_url_option
def make_admin(name: str, database_url: str | None, *, revoke: bool) -> None:
    """Make an account an admin."""
    with database(database_url) as found:
        account = _change(found, _find(found, name), admin=not revoke)
        click.echo(f"{account['username']} is {'no admin any more' if revoke else 'an admin'}")


@user.command("remove")
@name_argument
@click.option("--yes", is_flag=True, help="Don't ask.")
@database_url_option
def remove_user(name: str, database_url: str | None, *, yes: bool) -> None:
    """Remove an account with its tasks."""
    with database(database_url) as found:
        account = _find(found, name)
        if not yes and not _is_sure(f"Remove {account['username']} and all of its tasks?"):
            raise StartupError("nothing was removed; say --yes to remove it")
        _change(found, account, disabled=True)
        found.write(account["id"], remove_account, COMMAND, account["id"], account["username"])
        click.echo(f"Removed {account['username']}")


@token.command("add")
@username_argument
@click.option("--name", metavar="TEXT", required=True, help="What it is for.")
@click.option(
    "--scope",
    type=click.Choice(["read", "write"]),
    default="read",
    show_default=True,
    help="What it may do; one that writes also reads.",
)
@click.option(
    "--expires", metavar="WHEN", help="When it ends: 90d, 12h, or a date-time with an offset."
)
@database_url_option
@json_option
def add_token(
    *,
    username: str,
    name: str,
    scope: str,
    expires: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Make a token and print it, this once."""
    expires_at = None if expires is None else _end(expires)
    name = _valid(DisplayName, name, "--name")
    with database(database_url) as found:
        account = _find(found, username)
        added = found.write(
            account["id"],
            tokens.add,
            COMMAND,
            account,
            name=name,
            writes=scope == "write",
            expires_at=expires_at,
        )
        if as_json:
            show([added], {}, as_json=True)
        else:
            click.echo(added["token"])


@token.command("list")
@username_argument
@database_url_option
@json_option
def list_tokens(username: str, database_url: str | None, *, as_json: bool) -> None:
    """List an account's tokens."""
    columns: Columns = {
        "id": itemgetter("id"),
        "name": itemgetter("name"),
        "scopes": lambda row: ", ".join(row["scopes"]),
        "created": itemgetter("created_at"),
        "expires": itemgetter("expires_at"),
        "last used": itemgetter("last_used_at"),
    }
    with database(database_url) as found:
        account = _find(found, username)
        show(found.read(tokens.list_own, account["id"]), columns, as_json=as_json)


@token.command("revoke")
@username_argument
@click.argument("token_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@database_url_option
def revoke_token(username: str, token_id: int, database_url: str | None) -> None:
    """Let nobody in with a token any more."""
    with database(database_url) as found:
        account = _find(found, username)
        found.write(account["id"], tokens.revoke, COMMAND, account, token_id)
        click.echo(f"Token {token_id} of {account['username']} is revoked")


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=50,
    show_default=True,
    help="How many.",
)
@database_url_option
@json_option
def audit(limit: int, database_url: str | None, *, as_json: bool) -> None:
    """List what happened to accounts, newest first."""
    columns: Columns = {
        "at": itemgetter("at"),
        "what": itemgetter("action"),
        "account": itemgetter("account"),
        "by": itemgetter("actor"),
        "from": itemgetter("address"),
        "": itemgetter("detail"),
    }
    with database(database_url) as found:
        entries = found.read(audit_trail.newest, before_id=2**63 - 1, offset=0, limit=limit)
        show(entries[:limit], columns, as_json=as_json)


def _find(found: Database, name: str) -> Row:
    account = found.read(accounts.find, name)
    if account is None:
        raise StartupError(f"There is no account {name}")
    return account


def _change(found: Database, account: Row, **fields: Any) -> Row:
    return found.write(accounts.ACCOUNTS, _change_and_log_out, account["id"], fields)


async def _change_and_log_out(tx: Tx, account_id: int, fields: Row) -> Row:
    account = await accounts.change(tx, COMMAND, account_id, fields)
    if "password" in fields:
        await sessions.end_others(tx, account_id)
    return account


def _new_password(name: str) -> str:
    """From the terminal, twice; or one line of standard input."""
    if sys.stdin.isatty():
        password = getpass.getpass(f"Password for {name}: ")
        if getpass.getpass("Once more: ") != password:
            raise StartupError("the two differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        check_password(password)
    except Validation as validation:
        raise StartupError(f"The password {validation.errors[0].message}") from None
    return password


def _is_sure(question: str) -> bool:
    return sys.stdin.isatty() and click.confirm(question)


def _valid(kind: Any, text: str, what: str) -> str:
    try:
        valid: str = TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise StartupError(f"{what} {error.errors()[0]['msg']}", exit_code=2) from None
    return valid


def _end(text: str) -> str:
    try:
        if matched := re.fullmatch(r"([0-9]{1,6})([dh])", text):
            hours = int(matched[1]) * (24 if matched[2] == "d" else 1)
            moment = datetime.now(UTC) + timedelta(hours=hours)
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return stamp(moment)
    except (ValueError, OverflowError):
        raise StartupError(
            f"--expires {text} is neither like 90d or 12h nor a date-time with an offset",
            exit_code=2,
        ) from None
