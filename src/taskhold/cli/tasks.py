"""Where the tasks are that a command is about: on a server, or in a database of this machine's."""

import gc
import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Protocol, Unpack

import click

from taskhold.cli.logins import load_login
from taskhold.cli.options import database_url_option, user_option
from taskhold.client.errors import TaskholdError, Unauthenticated, Unreachable
from taskhold.client.shapes import (
    Change,
    Changes,
    NewTask,
    Operation,
    Tag,
    Task,
    TaskFilters,
    TaskList,
    TaskSort,
    TrashedTask,
)
from taskhold.errors import StartupError

PATIENCE_SECONDS = 5.0
"""Long enough for a server that is started again."""
URL, TOKEN, DATABASE_URL = "TASKHOLD_URL", "TASKHOLD_TOKEN", "TASKHOLD_DATABASE_URL"


class Tasks(Protocol):
    """What commands do with tasks, wherever these are. Raises TaskholdError."""

    def actor(self) -> str:
        """Who one is in the journal."""

    def create_task(self, **fields: Unpack[NewTask]) -> Task: ...

    def get_task(self, task_id: int) -> Task: ...

    def tasks(
        self, *, sort: TaskSort = ..., page_size: int = ..., **filters: Unpack[TaskFilters]
    ) -> Iterator[Task]: ...

    def batch(self, operations: Sequence[Operation]) -> list[Task | None]: ...

    def history(self, task_id: int, *, page_size: int = ...) -> Iterator[Change]: ...

    def trash(self, *, page_size: int = ...) -> Iterator[TrashedTask]: ...

    def restore_task(self, task_id: int) -> Task: ...

    def lists(self, *, archived: bool | None = ..., sort: str = ...) -> Iterator[TaskList]: ...

    def create_list(self, name: str) -> TaskList: ...

    def update_list(
        self, list_id: int, *, name: str | None = ..., archived: bool | None = ...
    ) -> TaskList: ...

    def delete_list(self, list_id: int) -> None: ...

    def tags(self) -> Iterator[Tag]: ...

    def rename_tag(self, tag: str, new: str) -> Tag: ...

    def changes(self, after: int | None = ..., *, limit: int = ...) -> Changes: ...

    def events(self, after: int | None = ...) -> Generator[Change]: ...

    def undo(self, seq: int) -> list[Change]: ...


def with_tasks(command: Callable[..., Any], *, is_made: bool = False) -> Callable[..., Any]:
    """Give a command the options that say whose tasks, and `tasks`; its problems in one line.

    `is_made`: it makes the database that is not there.
    """

    @wraps(command)
    def run(user: str | None, database_url: str | None, **arguments: Any) -> Any:
        with open_tasks(user, database_url, is_made=is_made) as tasks:
            return command(tasks=tasks, **arguments)

    return user_option(database_url_option(run))


@contextmanager
def open_tasks(
    user: str | None,
    database_url: str | None,
    *,
    is_made: bool = False,
    patience: float = PATIENCE_SECONDS,
) -> Iterator[Tasks]:
    """Where the tasks are.

    `--database-url`, else TASKHOLD_URL, else TASKHOLD_DATABASE_URL, else the server that one has
    logged in to, else the default database.
    """
    url, token = None, None
    if database_url is None:
        url, token = _server()
    try:
        if url is None:
            yield from _local(user, database_url, is_made=is_made)
        elif user is not None:
            raise click.UsageError(f"--user is for a local database; {url} knows who you are")
        else:
            yield from _remote(url, token, patience)
    except TaskholdError as error:
        raise StartupError(_sentence(error)) from error


def _server() -> tuple[str | None, str | None]:
    """The URL of the server and the token for it; no URL where the tasks are local."""
    url, token = os.environ.get(URL), os.environ.get(TOKEN)
    login = None
    if (not url and not os.environ.get(DATABASE_URL)) or (url and not token):
        login = load_login()
    if login is not None and (not url or login.url == url.rstrip("/")):
        return login.url, token or login.token
    if token and not url and not os.environ.get(DATABASE_URL):
        raise StartupError(f"{TOKEN} is set, but {URL} is not: which server is it for?", 2)
    return url or None, token


def _remote(url: str, token: str | None, patience: float) -> Iterator[Tasks]:
    from taskhold.cli.remote import Remote

    try:
        remote = Remote(url, token, patience)
    except ValueError as error:
        raise StartupError(f"{URL} and {TOKEN}: {error}", 2) from None
    with remote:
        yield remote


def _local(user: str | None, database_url: str | None, *, is_made: bool) -> Iterator[Tasks]:
    from taskhold.store.sqlite.library import choose

    gc.disable()  # the imports make nothing to collect; looking for it takes time
    choose()  # before anything imports sqlite3
    from taskhold.cli.database import acting_account, database
    from taskhold.cli.local import Local

    gc.enable()
    with database(database_url, missing="say and make" if is_made else "refuse") as found:
        yield Local(found, acting_account(found, user))


def _sentence(error: TaskholdError) -> str:
    sentence = str(error)
    if isinstance(error, Unauthenticated):
        return f"{sentence.rstrip('.')} (`taskhold login URL` keeps a token for you)"
    if isinstance(error, Unreachable) and error.may_be_done:
        return f"{sentence}; whether it was done is not known"
    return sentence


def warn(sentence: str) -> None:
    """Say something on standard error."""
    print(f"taskhold: {sentence}", file=sys.stderr)
