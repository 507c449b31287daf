"""The sessions of a PostgreSQL: those that other programs have open, and what is left on ours."""

import asyncio
import time
from types import TracebackType
from typing import Self

import asyncpg

from tests.support.postgresql import PostgreSQL
from tests.support.sql import Rows


class Session:
    """A connection to PostgreSQL; its transaction is open as long as it is."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        try:
            self._connection = self._runner.run(_connect(url))
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def execute(self, sql: str) -> Rows:
        return self._runner.run(self._execute(sql))

    def close(self) -> None:
        self._runner.run(self._close())
        self._runner.close()

    async def _execute(self, sql: str) -> Rows:
        return [tuple(row) for row in await self._connection.fetch(sql)]

    async def _close(self) -> None:
        self._connection.terminate()
        await asyncio.sleep(0)


async def _connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url)


def nothing_is_left_on_connections(server: PostgreSQL, url: str) -> None:
    """Nobody holds a lock in the database or is in a transaction; it may take a moment."""
    left = (
        "SELECT (SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()), "
        "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state <> 'idle' AND pid <> pg_backend_pid())"
    )
    name = url.rpartition("/")[2]
    until = time.monotonic() + 2
    while (found := server.execute(left, name)) != [(0, 0)]:
        assert time.monotonic() < until, found
        time.sleep(0.02)
