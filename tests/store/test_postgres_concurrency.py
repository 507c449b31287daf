"""Several servers on one PostgreSQL write to one account: one journal, no deadlock, no loss."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from tests.support.journal import tasks_and_journal_agree
from tests.support.servers import ServerProcess
from tests.support.sql import run_sql
from tests.support.writers import Writers

Serve = Callable[..., ServerProcess]
THREADS = 16
pytestmark = pytest.mark.database("postgresql")


@pytest.fixture
def urls(serve: Serve) -> list[str]:
    """Three servers, one of them with two workers."""
    return [serve().url, serve().url, serve("--workers", "2").url]


def at_once(urls: list[str], work: Callable[[httpx2.Client, int], None]) -> None:
    """Call `work` in many threads that begin together, each a client of one of the servers."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        with httpx2.Client(base_url=urls[number % len(urls)], timeout=30) as client:
            start.wait(20)
            work(client, number)

    with ThreadPoolExecutor(THREADS) as pool:
        for each in [pool.submit(run, number) for number in range(THREADS)]:
            each.result()


class Follower:
    """A client that follows `/changes` and finds each change once, in order."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.cursor = 0
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._follow)

    def _follow(self) -> None:
        try:
            with httpx2.Client(base_url=self._url, timeout=30) as client:
                while not self._stop.is_set():
                    page = client.get(f"/changes?after={self.cursor}&limit=100").json()
                    found = [change["seq"] for change in page["changes"]]
                    assert found == list(range(self.cursor + 1, self.cursor + 1 + len(found)))
                    self.cursor = page["cursor"]
        except BaseException as failure:
            self._failure = failure

    def start(self) -> None:
        self._thread.start()

    def stop_at(self, cursor: int) -> None:
        """Follow until that change, and no further."""
        until = time.monotonic() + 20
        while self.cursor < cursor and self._failure is None and time.monotonic() < until:
            time.sleep(0.01)
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        assert self.cursor == cursor


@contextmanager
def followers(urls: list[str]) -> Iterator[None]:
    """Each server is followed from the first change until the block ends, and to its last one."""
    all_of_them = [Follower(url) for url in urls]
    for each in all_of_them:
        each.start()
    try:
        yield
    finally:
        newest = httpx2.get(f"{urls[0]}/changes").json()["cursor"]
        for each in all_of_them:
            each.stop_at(newest)


@pytest.mark.timeout(4000)
def test_mixed_writes_through_all_servers_make_one_journal_without_a_deadlock(
    urls: list[str], database_url: str, long: bool
) -> None:
    """Nobody who follows `/changes` misses one, has to wait for one, or sees another order."""
    writers = Writers(urls, plain=THREADS // 2, keyed=THREADS // 2)
    with followers([*urls, urls[-1]]), writers.writing():
        until = time.monotonic() + (3600 if long else 3)
        while time.monotonic() < until and writers.are_well:
            time.sleep(0.1)
    assert [writer.failures for writer in writers.all] == [0] * THREADS
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert run_sql(database_url, deadlocks) == [(0,)]
    with httpx2.Client(base_url=urls[0], timeout=60) as client:
        writers.find_everything(client, database_url)


def test_increments_through_all_servers_lose_nothing(urls: list[str]) -> None:
    httpx2.post(f"{urls[0]}/tasks", json={"title": "0"})
    increments = 6

    def increment(client: httpx2.Client, _number: int) -> None:
        for _ in range(increments):
            while True:
                known = client.get("/tasks/1")
                changed = client.patch(
                    "/tasks/1",
                    json={"title": str(int(known.json()["title"]) + 1)},
                    headers={"If-Match": known.headers["ETag"]},
                )
                assert changed.status_code in (200, 412)
                if changed.status_code == 200:
                    break

    at_once(urls, increment)
    with httpx2.Client(base_url=urls[0], timeout=30) as client:
        (task,) = tasks_and_journal_agree(client).values()
        assert task["title"] == str(THREADS * increments)
        assert task["version"] == 1 + THREADS * increments


def test_parallel_repeats_of_one_key_through_all_servers_have_one_effect(urls: list[str]) -> None:
    answers: list[httpx2.Response] = []

    def write(client: httpx2.Client, _number: int) -> None:
        created = client.post(
            "/tasks", json={"title": "once"}, headers={"Idempotency-Key": "create"}
        )
        changed = client.patch(
            "/tasks/1", json={"done": True}, headers={"Idempotency-Key": "change"}
        )
        answers.extend((created, changed))

    at_once(urls, write)
    for status in (201, 200):
        same = [answer for answer in answers if answer.status_code == status]
        assert len(same) == THREADS
        assert len({answer.content for answer in same}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in same) == 1
    with httpx2.Client(base_url=urls[0], timeout=30) as client:
        assert list(tasks_and_journal_agree(client)) == [1]
        assert client.get("/changes").json()["cursor"] == 2
