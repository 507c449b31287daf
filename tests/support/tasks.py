"""Tasks as a client makes them and sees them, and waiting for what it sees."""

import time
from collections.abc import Callable

import httpx2

from tests.support.journal import tasks_and_journal_agree


def create(
    client: httpx2.Client, title: str, headers: dict[str, str] | None = None
) -> httpx2.Response:
    return client.post("/tasks", json={"title": title}, headers=headers)


def titles(client: httpx2.Client) -> list[str]:
    """Those of all tasks, once the journal agrees with them."""
    return [task["title"] for task in tasks_and_journal_agree(client).values()]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)
