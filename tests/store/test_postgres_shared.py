"""What many ask at the same moment is read once for all of them on PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Integer, text

from taskhold.errors import Unavailable
from taskhold.store import Store, Tx, open_store
from taskhold.store.query import Query
from tests.support.sql import run_sql
from tests.support.tasks import wait_until

pytestmark = pytest.mark.database("postgresql")

COUNT = Query(text("SELECT count(*) AS number, pg_sleep(1) FROM seen").columns(number=Integer))
"""It counts what is there when it begins, and takes a while."""
BEGUN = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(1)%seen'"
ASKED = 5
FULL = "There is no room."


class Counting:
    """An operation that knows how often it was run."""

    def __init__(self) -> None:
        self.runs = 0

    async def __call__(self, tx: Tx) -> int:
        self.runs += 1
        row = await tx.one(COUNT)
        assert row is not None
        number: int = row["number"]
        return number


class Failing:
    """One that fails when it is told to, the first time."""

    def __init__(self) -> None:
        self.runs = 0
        self.begun, self.told = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Tx) -> str:
        self.runs += 1
        self.begun.set()
        await self.told.wait()
        if self.runs == 1:
            raise Unavailable(FULL)
        return "read"


def play(url: str, game: Callable[[Store], Awaitable[None]]) -> None:
    async def run() -> None:
        store = open_store(url)
        await store.start()
        try:
            await game(store)
        finally:
            await store.stop()

    asyncio.run(run())


def asked_by_all(
    store: Store, operation: Callable[[Tx], Awaitable[object]]
) -> list["asyncio.Task[object]"]:
    return [asyncio.create_task(store.read_shared(operation)) for _ in range(ASKED)]


def test_those_who_ask_meanwhile_share_a_read_that_begins_after_that(database_url: str) -> None:
    run_sql(database_url, "CREATE TABLE seen (number int)")
    counting = Counting()

    async def game(store: Store) -> None:
        first = asyncio.create_task(store.read_shared(counting))
        await asyncio.to_thread(wait_until, lambda: bool(run_sql(database_url, BEGUN)))
        await asyncio.to_thread(run_sql, database_url, "INSERT INTO seen VALUES (1)")
        others = asked_by_all(store, counting)
        assert await first == 0
        assert await asyncio.gather(*others) == [1] * ASKED
        assert counting.runs == 2

    play(database_url, game)


def test_what_fails_is_told_to_all_who_wait_and_is_tried_for_the_next(database_url: str) -> None:
    async def game(store: Store) -> None:
        failing = Failing()
        first = asyncio.create_task(store.read_shared(failing))
        await failing.begun.wait()
        others = asked_by_all(store, failing)
        await asyncio.sleep(0)  # they ask
        failing.told.set()
        told = await asyncio.gather(first, *others, return_exceptions=True)
        assert [str(each) for each in told] == [FULL] * (1 + ASKED)
        assert await store.read_shared(failing) == "read"

    play(database_url, game)


def test_who_gives_up_takes_the_answer_from_no_other(database_url: str) -> None:
    async def game(store: Store) -> None:
        failing = Failing()
        failing.runs = 1  # it succeeds
        first, second, *others = asked_by_all(store, failing)
        await failing.begun.wait()
        first.cancel()
        second.cancel()
        failing.told.set()
        assert await asyncio.gather(*others) == ["read"] * (ASKED - 2)
        assert failing.runs == 2

    play(database_url, game)


def test_a_store_that_stops_leaves_nobody_waiting(database_url: str) -> None:
    async def game(store: Store) -> None:
        failing = Failing()
        begun = asyncio.create_task(store.read_shared(failing))
        await failing.begun.wait()
        asked = [begun, *asked_by_all(store, failing), *asked_by_all(store, Failing())]
        await asyncio.sleep(0)  # they ask
        await store.stop()
        async with asyncio.timeout(10):
            ended = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(each) for each in ended} == {asyncio.CancelledError}

    play(database_url, game)
