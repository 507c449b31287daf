"""Clients that go on writing while the database fails, and know what has to be there after."""

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2

from tests.support.journal import Task, tasks_and_journal_agree
from tests.support.sql import run_sql


class Writer:
    """Creates, changes and deletes tasks of its own; each write has a title that is used once.

    With `keyed` it repeats what failed under the same Idempotency-Key until it is done.
    """

    def __init__(self, name: str, *, keyed: bool) -> None:
        self.name = name
        self.keyed = keyed
        self.slowest = 0.0
        """How many seconds the slowest answer took."""
        self.acknowledged_at = 0.0
        """When its newest acknowledged write was begun."""
        self.failures = 0
        """How many answers were no success."""
        self._turns = itertools.count(1)
        self._kept: dict[int, Task] = {}
        self._deleted: set[int] = set()
        self._doubtful: dict[int, tuple[str, str | None]] = {}
        """The title of a task, and the one that it may have now; None where it may be gone."""
        self._doubtful_titles: set[str] = set()
        """Of new tasks."""
        self._refused_titles: set[str] = set()
        """Whoever sent them was told that nothing was saved."""

    def write(self, client: httpx2.Client) -> None:
        """One write, and what it was answered; with a key as often as it takes."""
        turn = next(self._turns)
        title = f"{self.name}, turn {turn}"
        if turn % 4 in (1, 2) or not self._kept:
            method, path, task_id = "POST", "/tasks", None
        else:
            place = 0 if turn % 4 == 0 else -1
            task_id = list(self._kept)[place]
            method, path = ("DELETE", "PATCH")[turn % 4 == 3], f"/tasks/{task_id}"
        body = None if method == "DELETE" else {"title": title}
        headers = {"Idempotency-Key": title.replace(" ", "-")} if self.keyed else {}
        while True:
            began = time.monotonic()
            answer = client.request(method, path, json=body, headers=headers)
            self.slowest = max(self.slowest, time.monotonic() - began)
            if answer.is_success:
                break
            problem = f"{method} {path}: {answer.status_code} {answer.text}"
            assert answer.status_code == 503, problem
            assert int(answer.headers["Retry-After"]) >= 1
            is_unsure = answer.json()["type"] == "/problems/outcome-unknown"
            assert is_unsure or answer.json()["type"] == "/problems/unavailable", problem
            self.failures += 1
            if not self.keyed:
                self._note_failure(task_id, title if body else None, is_unsure=is_unsure)
                return
            time.sleep(0.05)
        self.acknowledged_at = began
        self._note_success(answer, task_id)

    def _note_failure(self, task_id: int | None, title: str | None, *, is_unsure: bool) -> None:
        if not is_unsure:
            if title is not None:
                self._refused_titles.add(title)
        elif task_id is not None:
            self._doubtful[task_id] = self._kept.pop(task_id)["title"], title
        elif title is not None:
            self._doubtful_titles.add(title)

    def _note_success(self, answer: httpx2.Response, task_id: int | None) -> None:
        if answer.status_code == 204:
            assert task_id is not None
            del self._kept[task_id]
            self._deleted.add(task_id)
        else:
            task = answer.json()
            assert task_id in (None, task["id"])
            self._kept[task["id"]] = task

    def explain(self, tasks: dict[int, Task], titles: list[str]) -> set[int]:
        """The ids of its tasks, once all is as it was told. `titles` are those ever saved."""
        for task_id, task in self._kept.items():
            assert tasks.get(task_id) == task, f"{self.name} lost what was acknowledged"
        assert not self._deleted & tasks.keys(), f"{self.name} has deleted tasks again"
        assert not self._refused_titles & set(titles), "what was refused was saved"
        for task_id, either in self._doubtful.items():
            found = tasks.get(task_id)
            assert (found and found["title"]) in either
        unsure = {key for key, task in tasks.items() if task["title"] in self._doubtful_titles}
        return {*self._kept, *(self._doubtful.keys() & tasks.keys()), *unsure}


class Writers:
    """Some writers at work, each in a thread and with a client of its own."""

    def __init__(self, urls: list[str], *, plain: int = 0, keyed: int = 0) -> None:
        self._urls = itertools.cycle(urls)
        self.all = [
            *(Writer(f"plain {number}", keyed=False) for number in range(plain)),
            *(Writer(f"keyed {number}", keyed=True) for number in range(keyed)),
        ]
        self._stop = threading.Event()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """They write until the block ends; what one finds wrong is raised there."""
        self._stop.clear()
        with ThreadPoolExecutor(len(self.all)) as threads:
            work = [threads.submit(self._work, each, next(self._urls)) for each in self.all]
            try:
                self.wait_for_progress()
                yield
                self.wait_for_progress()
            finally:
                self._stop.set()
        for each in work:
            each.result()

    def _work(self, writer: Writer, url: str) -> None:
        with httpx2.Client(base_url=url, timeout=30) as client:
            try:
                while not self._stop.is_set():
                    writer.write(client)
            except BaseException:
                self._stop.set()
                raise

    def wait_for_progress(self, seconds: float = 20) -> float:
        """Wait until each has begun a write that succeeds; how long that took."""
        began = time.monotonic()
        while any(writer.acknowledged_at <= began for writer in self.all):
            if not self.are_well:
                break
            assert time.monotonic() - began < seconds, f"no write succeeded within {seconds} s"
            time.sleep(0.01)
        return time.monotonic() - began

    def find_everything(self, client: httpx2.Client, database_url: str) -> None:
        """No acknowledged write is lost, none is doubled, and nobody else's is there."""
        tasks = tasks_and_journal_agree(client)
        after = "(after::json ->> 'title')"
        titles = [
            title
            for (title,) in run_sql(
                database_url,
                f"SELECT {after} FROM change WHERE after IS NOT NULL",  # noqa: S608
            )
        ]
        assert len(titles) == len(set(titles)), "a write was done twice"
        keys = run_sql(database_url, "SELECT key FROM change WHERE key IS NOT NULL")
        assert len(keys) == len(set(keys)), "a write was done twice under its key"
        explained = {key for writer in self.all for key in writer.explain(tasks, titles)}
        assert tasks.keys() == explained, "there are tasks that nobody saved"

    @property
    def are_well(self) -> bool:
        """Whether none has found something wrong, which ends the work of all."""
        return not self._stop.is_set()

    @property
    def slowest(self) -> float:
        """How many seconds the slowest answer took."""
        return max(writer.slowest for writer in self.all)
