"""What a short query and a write cost on PostgreSQL: `python -m bench.connections URL`.

CPU of this process in µs, 16 at a time: the driver alone, behind asyncpg's pool with and without
its reset, behind our connections; and the statements of one create, each a trip to the server.
The database of the URL has to be one of Taskhold's; nothing is left in it. Best of four.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import uvloop

from taskhold.metrics import StoreMeters
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.connections import Connections
from taskhold.store.postgres.opening import connect

AT_ONCE, TIMES, ROUNDS = 16, 4_000, 4
QUERY = "SELECT id, title, done, created_at, version FROM task WHERE owner_id = $1 AND id = $2"
TRIP = "SELECT seq FROM change WHERE owner_id = $1 ORDER BY seq DESC LIMIT 1"

Call = Callable[[int], Awaitable[Any]]


async def measure(name: str, call: Call) -> None:
    """Print the CPU of one call; each of `AT_ONCE` workers has a number."""

    async def work(worker: int) -> None:
        for _ in range(TIMES // AT_ONCE):
            await call(worker)

    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        await asyncio.gather(*map(work, range(AT_ONCE)))
        best = min(best, (time.process_time() - began) / TIMES)
    print(f"{name:34} {best * 1e6:7.1f}")


async def _keep(_: asyncpg.Connection) -> None:
    """Reset nothing."""


async def main(url: str) -> None:
    """Measure everything."""
    address = Address.from_url(url)
    open_one = partial(connect, address)
    alone = [await open_one() for _ in range(AT_ONCE)]
    sizes = {"min_size": AT_ONCE, "max_size": AT_ONCE}
    resetting = await asyncpg.create_pool(address.dsns[0], **sizes)
    keeping = await asyncpg.create_pool(address.dsns[0], reset=_keep, **sizes)
    ours = Connections(open_one, StoreMeters(), size=AT_ONCE, grace=1)

    async def by_pool(pool: asyncpg.Pool, _: int) -> None:
        async with pool.acquire() as connection:
            await connection.fetch(QUERY, 1, 1)

    async def by_ours(_: int) -> None:
        connection = await ours.take(asyncio.get_running_loop().time() + 5)
        await connection.fetch(QUERY, 1, 1)
        ours.give_back(connection)

    async def create(trips: int, worker: int) -> None:
        connection = alone[worker]
        await connection.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
        for _ in range(trips - 2):
            await connection.fetch(TRIP, 1)
        await connection.execute("COMMIT")

    await measure("the driver alone", lambda worker: alone[worker].fetch(QUERY, 1, 1))
    await measure("asyncpg's pool", partial(by_pool, resetting))
    await measure("asyncpg's pool without its reset", partial(by_pool, keeping))
    await measure("our connections", by_ours)
    await measure("a transaction of 4 trips", partial(create, 4))
    await measure("a transaction of 5 trips", partial(create, 5))
    for connection in alone:
        connection.terminate()
    await ours.close()
    resetting.terminate()
    keeping.terminate()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
