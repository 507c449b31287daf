"""A command on the database: opened, asked, closed; and what it shows."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table

from taskhold.accounts import operations as accounts
from taskhold.accounts.models import OPEN_ACCOUNT_ID, OPEN_NAME
from taskhold.errors import Problem, StartupError
from taskhold.logs import configure_command_logs
from taskhold.settings import Settings
from taskhold.store import Advance, Operation, Row, Store, open_store

P = ParamSpec("P")
T = TypeVar("T")

Columns = dict[str, Callable[[Row], Any]]
"""What to show of a row, under which heading."""


class Database:
    """The store, for a program that does one thing after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def location(self) -> str:
        return self._store.location

    def read(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return asyncio.run(self._store.read(operation, *args, **kwargs))

    def write(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return asyncio.run(self._store.write_long(owner_id, operation, *args, **kwargs))

    def index(self) -> None:
        """Take what was written into the search index, as a running server does."""
        while asyncio.run(self._store.tidy()):
            pass

    def tidy(self) -> None:
        """Do a little of what a running server does beside its requests."""
        asyncio.run(self._store.tidy())

    def reindex(self, advance: Advance) -> None:
        asyncio.run(self._store.reindex(advance))


class Account(NamedTuple):
    """Whose tasks a command is about."""

    id: int
    name: str
    """The actor of its journal rows."""


def acting_account(found: Database, username: str | None) -> Account:
    """The one of that name; without a name the only one, or that of open mode while there is none.

    Raises StartupError where there is no such account, and, exit code 2, where there are several.
    """
    there = found.read(accounts.list_all)
    if username is not None:
        account = found.read(accounts.find, username)
        if account is None:
            raise StartupError(f"There is no account {username}")
        return Account(account["id"], account["username"])
    if not there:
        return Account(OPEN_ACCOUNT_ID, OPEN_NAME)
    if len(there) > 1:
        raise StartupError("There are several accounts; say which with --user NAME", exit_code=2)
    return Account(there[0]["id"], there[0]["username"])


@contextmanager
def database(
    url: str | None, *, missing: Literal["make", "say and make", "refuse"] = "make"
) -> Iterator[Database]:
    """The one of the settings, unless a URL is given. A problem ends the command in one line.

    `missing` is what becomes of a file that is not there.
    """
    settings = Settings.from_environment(database_url=url)
    configure_command_logs(settings)
    store = open_store(settings.database_url)
    if (
        missing != "make"
        and settings.database_url.startswith("sqlite")
        and not Path(store.location).exists()
    ):
        if missing == "refuse":
            raise StartupError(
                f"There is no {store.location}. `taskhold add` makes it; TASKHOLD_DATABASE_URL "
                "names another, `taskhold login URL` a server"
            )
        click.echo(f"taskhold: making {store.location}", err=True)
    try:
        store.open()
        try:
            yield Database(store)
        finally:
            store.close()
    except Problem as problem:
        raise StartupError(problem.detail) from problem


def show(rows: Iterable[Row], columns: Columns, *, as_json: bool) -> None:
    """Rows as a table for people, or as JSON for programs."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
        return
    table = Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for row in rows:
        table.add_row(*("" if (cell := of(row)) is None else str(cell) for of in columns.values()))
    Console(soft_wrap=True).print(table)
