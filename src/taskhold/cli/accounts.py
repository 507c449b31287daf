"""`taskhold user`, `taskhold token`, `taskhold audit`: accounts, on the server's machine."""

import getpass
import re
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Any, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError

from taskhold.accounts import operations as accounts
from taskhold.accounts.models import DisplayName, Username
from taskhold.accounts.passwords import check_password, hash_password
from taskhold.accounts.removal import remove as remove_account
from taskhold.audit import operations as audit
from taskhold.audit.operations import COMMAND
from taskhold.cli.database import Columns, Database, database, show
from taskhold.errors import StartupError, Validation
from taskhold.sessions import operations as sessions
from taskhold.store import Row, Tx
from taskhold.store.query import stamp
from taskhold.tokens import operations as tokens

T = TypeVar("T")
app = typer.Typer()
user_app = typer.Typer(no_args_is_help=True, help="Accounts.")
token_app = typer.Typer(no_args_is_help=True, help="Tokens for programs.")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--database-url", help="Where the tasks are kept.", show_default="TASKHOLD_DATABASE_URL"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Shown: Columns = {
    "id": itemgetter("id"),
    "name": itemgetter("username"),
    "display name": itemgetter("display_name"),
    "": lambda row: ", ".join(name for name in ("admin", "disabled") if row[name]),
}


class Scope(StrEnum):
    """What a token may do; one that writes also reads."""

    read = "read"
    write = "write"


@user_app.command("add")
def add_user(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="May make and change accounts.")] = False,
    display_name: Annotated[str | None, typer.Option(help="What others read.")] = None,
    database_url: Url = None,
    as_json: Json = False,
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
            typer.echo(f"Made {kind} {account['username']}")


@user_app.command("list")
def list_users(database_url: Url = None, as_json: Json = False) -> None:
    """List the accounts."""
    with database(database_url) as found:
        show(found.read(accounts.list_all), Shown, as_json=as_json)


@user_app.command("passwd")
def set_password(name: Name, database_url: Url = None) -> None:
    """Set a password, which ends the account's sessions."""
    with database(database_url) as found:
        account = _find(found, name)
        _change(found, account, password=hash_password(_new_password(name)))
        typer.echo(f"{account['username']} has a new password; who was logged in is not any more")


@user_app.command("disable")
def disable_user(name: Name, database_url: Url = None) -> None:
    """Let nobody in by this account; its tasks stay."""
    with database(database_url) as found:
        account = _change(found, _find(found, name), disabled=True)
        typer.echo(f"{account['username']} is disabled")


@user_app.command("enable")
def enable_user(name: Name, database_url: Url = None) -> None:
    """Let its owner in again."""
    with database(database_url) as found:
        account = _change(found, _find(found, name), disabled=False)
        typer.echo(f"{account['username']} is enabled")


@user_app.command("admin")
def make_admin(
    name: Name,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make it an ordinary one.")] = False,
    database_url: Url = None,
) -> None:
    """Make an account an admin."""
    with database(database_url) as found:
        account = _change(found, _find(found, name), admin=not revoke)
        typer.echo(f"{account['username']} is {'no admin any more' if revoke else 'an admin'}")


@user_app.command("remove")
def remove_user(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    database_url: Url = None,
) -> None:
    """Remove an account with its tasks."""
    with database(database_url) as found:
        account = _find(found, name)
        if not yes and not _is_sure(f"Remove {account['username']} and all of its tasks?"):
            raise StartupError("nothing was removed; say --yes to remove it")
        _change(found, account, disabled=True)
        found.write(account["id"], remove_account, COMMAND, account["id"], account["username"])
        typer.echo(f"Removed {account['username']}")


@token_app.command("add")
def add_token(
    *,
    username: Name,
    name: Annotated[str, typer.Option("--name", help="What it is for.")],
    scope: Annotated[Scope, typer.Option(help="What it may do.")] = Scope.read,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 90d, 12h, or a date-time with an offset.")
    ] = None,
    database_url: Url = None,
    as_json: Json = False,
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
            writes=scope is Scope.write,
            expires_at=expires_at,
        )
        if as_json:
            show([added], {}, as_json=True)
        else:
            typer.echo(added["token"])


@token_app.command("list")
def list_tokens(username: Name, database_url: Url = None, as_json: Json = False) -> None:
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


@token_app.command("revoke")
def revoke_token(
    username: Name,
    token_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)],
    database_url: Url = None,
) -> None:
    """Let nobody in with a token any more."""
    with database(database_url) as found:
        account = _find(found, username)
        found.write(account["id"], tokens.revoke, COMMAND, account, token_id)
        typer.echo(f"Token {token_id} of {account['username']} is revoked")


@app.command("audit")
def show_audit(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many.")] = 50,
    database_url: Url = None,
    as_json: Json = False,
) -> None:
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
        entries = found.read(audit.newest, before_id=2**63 - 1, offset=0, limit=limit)
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
    return sys.stdin.isatty() and typer.confirm(question)


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
