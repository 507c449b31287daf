"""SQL beside the server, as any other program would run it."""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

Rows = list[tuple[Any, ...]]


def run_sql(url: str, *statements: str) -> Rows:
    """Run statements on the database of a URL; the rows of the last one."""
    return run_each(url, statements)[-1]


def run_each(url: str, statements: Iterable[str]) -> list[Rows]:
    """The rows of each statement, all run on one connection."""
    if url.startswith("postgresql:"):
        return asyncio.run(_run_on_postgresql(url, statements))
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements]


async def _run_on_postgresql(url: str, statements: Iterable[str]) -> list[Rows]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return [list(map(tuple, await connection.fetch(each))) for each in statements]
    finally:
        await connection.close()
