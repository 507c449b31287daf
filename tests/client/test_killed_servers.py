"""The client against a server that is killed again and again: nothing lost, nothing twice."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2

from taskhold.client import AsyncClient, Change, Client, Task
from tests.support.servers import ServerProcess

Serve = Callable[..., ServerProcess]
WRITERS = 4
PATIENCE = 60.0


class Killer:
    """Kills the server each time that so many more tasks are made, and starts it again."""

    def __init__(self, serve: Serve, kills: int, made_between: int) -> None:
        self.server = serve()
        self.url = self.server.url
        self.made_between = made_between
        self.total = (kills + 1) * made_between
        self._serve = serve
        self._kills = kills
        self._made = 0
        self._enough = threading.Semaphore(0)

    def note(self) -> None:
        """One more is acknowledged."""
        self._made += 1
        if self._made % self.made_between == 0:
            self._enough.release()

    def run(self) -> None:
        for _ in range(self._kills):
            assert self._enough.acquire(timeout=60)
            self.server.kill()
            port = str(httpx2.URL(self.url).port)
            self.server = self._serve("--port", port)


def check(url: str, made: list[Task], told: list[Change]) -> None:
    """All that was acknowledged is there once, and was told once, in its order."""
    with Client(url) as client:
        there = list(client.tasks(page_size=50))
        cursor = client.changes()["cursor"]
    assert {task["title"] for task in made} == {task["title"] for task in there}
    assert len(made) == len(there) == cursor
    by_id = {task["id"]: task for task in there}
    assert all(by_id[task["id"]] == task for task in made)
    assert [change["seq"] for change in told] == list(range(1, cursor + 1))
    assert {change["id"] for change in told} == set(by_id)


def test_nothing_is_lost_or_done_twice_where_the_server_is_killed(serve: Serve, long: bool) -> None:
    killer = Killer(serve, kills=12 if long else 3, made_between=60)
    made: list[Task] = []
    told: list[Change] = []

    def write(writer: int) -> None:
        with Client(killer.url, patience=PATIENCE) as client:
            for number in range(killer.total // WRITERS):
                made.append(client.create_task(title=f"{writer}-{number}"))
                killer.note()

    def follow() -> None:
        with Client(killer.url, patience=PATIENCE) as client:
            for change in client.events(after=0):
                told.append(change)
                if len(told) == killer.total:
                    return

    with ThreadPoolExecutor(WRITERS + 2) as pool:
        running = [pool.submit(killer.run), pool.submit(follow)]
        running += [pool.submit(write, writer) for writer in range(WRITERS)]
        for each in running:
            each.result(120)
    check(killer.url, made, told)


def test_nor_by_the_client_for_asyncio(serve: Serve, long: bool) -> None:
    killer = Killer(serve, kills=12 if long else 3, made_between=60)
    made: list[Task] = []
    told: list[Change] = []

    async def write(client: AsyncClient, writer: int) -> None:
        for number in range(killer.total // WRITERS):
            made.append(await client.create_task(title=f"{writer}-{number}"))
            killer.note()

    async def follow(client: AsyncClient) -> None:
        async for change in client.events(after=0):
            told.append(change)
            if len(told) == killer.total:
                return

    async def run() -> None:
        async with AsyncClient(killer.url, patience=PATIENCE) as client, asyncio.timeout(120):
            await asyncio.gather(
                asyncio.to_thread(killer.run),
                follow(client),
                *(write(client, writer) for writer in range(WRITERS)),
            )

    asyncio.run(run())
    check(killer.url, made, told)
