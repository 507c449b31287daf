"""The index that finds texts, made anew beside those who use it."""

import asyncio

import asyncpg

from taskhold.store import Advance
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.opening import UNLIMITED, connect_to_ours

INDEX = "ix_task_search"
_ALONE = -2
"""The advisory lock of whoever does it."""
_LEFT_OVER = """
SELECT quote_ident(name.relname) FROM pg_index JOIN pg_class AS name ON name.oid = indexrelid
WHERE indrelid = 'task'::regclass AND NOT indisvalid AND starts_with(name.relname, $1)
"""
_PROGRESS = "SELECT blocks_done, blocks_total FROM pg_stat_progress_create_index WHERE pid = $1"
_LOOK_SECONDS = 0.2


async def reindex(address: Address, advance: Advance) -> None:
    """`REINDEX CONCURRENTLY`, which holds up neither readers nor writers.

    It leaves an index that is of no use where it is stopped; the next one removes it
    (https://www.postgresql.org/docs/current/sql-reindex.html).
    """
    working, _ = await connect_to_ours(address, **UNLIMITED)
    watching, _ = await connect_to_ours(address)
    try:
        await working.execute(f"SELECT pg_advisory_lock({_ALONE})")
        for (name,) in await working.fetch(_LEFT_OVER, f"{INDEX}_cc"):
            await working.execute(f"DROP INDEX CONCURRENTLY {name}")
        work = asyncio.create_task(working.execute(f"REINDEX INDEX CONCURRENTLY {INDEX}"))
        while not (await asyncio.wait((work,), timeout=_LOOK_SECONDS))[0]:
            await _look(watching, working.get_server_pid(), advance)
        await work
    finally:
        working.terminate()
        watching.terminate()


async def _look(watching: asyncpg.Connection, pid: int, advance: Advance) -> None:
    progress = await watching.fetchrow(_PROGRESS, pid)
    if progress is not None and progress["blocks_total"]:
        advance(progress["blocks_done"], progress["blocks_total"])
