"""Where the tests' databases come from: files, or the PostgreSQL of the tests."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from taskhold.store import open_store
from tests.support.postgresql import PostgreSQL
from tests.support.sql import run_sql


class Databases(Protocol):
    """Databases of one kind. Each is given by its URL, and gone after the block."""

    def fresh(self, folder: Path) -> AbstractContextManager[str]:
        """A database to serve, without a task. Where it is a file, it is in `folder`."""

    def empty(self, folder: Path) -> AbstractContextManager[str]:
        """The same without a table: the first start makes them."""


class SQLiteFiles:
    """`tasks.db` in the folder that a test gives; its first start makes it."""

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:
        yield f"sqlite:///{folder / 'tasks.db'}"

    empty = fresh


class PostgreSQLDatabases:
    """Databases of one server. Fresh ones are copied, which is quicker than migrating each."""

    def __init__(self, server: PostgreSQL) -> None:
        self._server = server
        self._one_migrates = threading.Lock()

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:  # noqa: ARG002  it has none
        with self._one_migrates:  # Alembic has one migration at a time in a process
            template = self._template
        with self._dropped_after(self._server.create_database(template)) as url:
            run_sql(url, f"UPDATE database SET lineage = '{secrets.token_hex(4)}'")  # noqa: S608
            yield url

    @contextmanager
    def empty(self, folder: Path) -> Iterator[str]:  # noqa: ARG002
        with self._dropped_after(self._server.create_database()) as url:
            yield url

    @contextmanager
    def _dropped_after(self, url: str) -> Iterator[str]:
        try:
            yield url
        finally:
            self._server.drop_database(_name(url))

    @cached_property
    def _template(self) -> str:
        url = self._server.create_database()
        with closing(open_store(url)) as store:
            store.open()
        return _name(url)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
