"""Many at once: no update is lost, no write is doubled, and every process sees the same tasks."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import pytest

from tests.support.journal import tasks_and_journal_agree
from tests.support.servers import ServerProcess
from tests.support.unanswered import begin

Serve = Callable[..., ServerProcess]
THREADS = 16


def at_once(threads: int, work: Callable[[int], None]) -> None:
    """Call `work` with 0, 1, 2 … in as many threads, which begin together."""
    start = threading.Barrier(threads)

    def run(number: int) -> None:
        start.wait(20)
        work(number)

    with ThreadPoolExecutor(threads) as pool:
        for each in [pool.submit(run, number) for number in range(threads)]:
            each.result()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_increments_under_if_match_lose_nothing(workers: str, serve: Serve, long: bool) -> None:
    process = serve("--workers", workers)
    increments = 50 if long else 10

    def increment(_number: int) -> None:
        with process.client() as client:
            known = client.get("/tasks/1")
            done = 0
            while done < increments:
                changed = client.patch(
                    "/tasks/1",
                    json={"title": str(int(known.json()["title"]) + 1)},
                    headers={"If-Match": known.headers["ETag"]},
                )
                assert changed.status_code in (200, 412)
                if changed.status_code == 200:
                    known = changed
                    done += 1
                else:
                    known = client.get("/tasks/1")

    with process.client() as client:
        client.post("/tasks", json={"title": "0"})
        at_once(THREADS, increment)
        (task,) = tasks_and_journal_agree(client).values()
        assert task["title"] == str(THREADS * increments)
        assert task["version"] == 1 + THREADS * increments


@pytest.mark.parametrize("workers", ["1", "2"])
def test_parallel_repeats_of_one_key_have_one_effect_and_one_answer(
    workers: str, serve: Serve
) -> None:
    process = serve("--workers", workers)
    answers: list[httpx2.Response] = []

    def create(_number: int) -> None:
        with process.client() as client:
            key = {"Idempotency-Key": "the-same"}
            answers.append(client.post("/tasks", json={"title": "once"}, headers=key))

    at_once(20, create)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["Location"] for answer in answers} == {"/tasks/1"}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    with process.client() as client:
        assert list(tasks_and_journal_agree(client)) == [1]


def test_writers_at_once_are_all_answered_and_leave_no_gap(client: httpx2.Client) -> None:
    def create(number: int) -> None:
        for turn in range(5):
            title = f"{number}.{turn}"
            created = client.post("/tasks", json={"title": title})
            assert (created.status_code, created.json()["title"]) == (201, title)

    at_once(THREADS, create)
    tasks = tasks_and_journal_agree(client)
    assert list(tasks) == list(range(1, THREADS * 5 + 1))


@pytest.mark.parametrize("processes", ["two servers", "two workers"])
def test_processes_on_one_file_write_together(processes: str, serve: Serve, long: bool) -> None:
    """No error, no gap, and what one has answered the other knows at once."""
    turns = 8 if long else 4
    if processes == "two servers":
        urls = [serve().url, serve().url]
    else:
        urls = [serve("--workers", "2").url] * 2

    def write(number: int) -> None:
        with (
            httpx2.Client(base_url=urls[number % 2], timeout=30) as mine,
            httpx2.Client(base_url=urls[1 - number % 2], timeout=30) as other,
        ):
            for turn in range(turns):
                path = mine.post("/tasks", json={"title": f"{number}.{turn}"}).headers["Location"]
                seen = other.get(path)
                assert seen.status_code == 200
                version = {"If-Match": seen.headers["ETag"]}
                changed = other.patch(path, json={"done": True}, headers=version)
                assert changed.status_code == 200
                assert mine.get(path).json() == changed.json()
                if turn % 2:
                    assert other.delete(path).status_code == 204
                    assert mine.get(path).status_code == 404

    at_once(THREADS, write)
    for url in urls:
        with httpx2.Client(base_url=url, timeout=30) as client:
            tasks = tasks_and_journal_agree(client)
            assert len(tasks) == THREADS * turns // 2
            assert client.get("/changes").json()["cursor"] == THREADS * turns * 5 // 2


def test_idle_connections_hold_up_nobody(serve: Serve) -> None:
    process = serve()
    with ExitStack() as connections, process.client() as client:
        for _ in range(300):
            idle = connections.enter_context(begin(process.url, "GET", "/healthz"))
            assert idle.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
        assert client.post("/tasks", json={"title": "new"}, timeout=3).status_code == 201
        assert client.get("/tasks/1", timeout=3).status_code == 200
