"""What was acknowledged is there after `kill -9`, and a clean stop leaves one file."""

import select
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.support.disk import FailingDisk
from tests.support.journal import Task, tasks_and_journal_agree
from tests.support.postgresql import PostgreSQL
from tests.support.servers import ServerProcess
from tests.support.sql import run_sql
from tests.support.unanswered import begin

Serve = Callable[..., ServerProcess]


@pytest.fixture
def disk(tmp_path: Path) -> FailingDisk:
    return FailingDisk(tmp_path / "faults")


class Writer:
    """A client that writes until its server is gone, and remembers what it was promised."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.turn = 0
        self.promised: dict[int, Task | None] = {}
        """Its tasks as they were last acknowledged; None: deleted."""
        self.in_doubt: tuple[int | None, str | None] | None = None
        """The write that was not answered: which task, None for a new one, and its title."""

    def write_until_killed(self, url: str, acknowledged: threading.Semaphore) -> None:
        with httpx2.Client(base_url=url, timeout=30) as client:
            try:
                while True:
                    self._write(client)
                    acknowledged.release()
            except httpx2.TransportError:
                return

    def _write(self, client: httpx2.Client) -> None:
        self.turn += 1
        title = f"{self.name}, turn {self.turn}"
        living = [task_id for task_id, task in self.promised.items() if task]
        if self.turn % 4 in (1, 2):
            self.in_doubt = None, title
            answer = client.post("/tasks", json={"title": title})
            assert answer.status_code == 201, answer.text
            self.promised[answer.json()["id"]] = answer.json()
        elif self.turn % 4 == 3:
            self.in_doubt = living[-1], title
            answer = client.patch(f"/tasks/{living[-1]}", json={"title": title})
            assert answer.status_code == 200, answer.text
            self.promised[living[-1]] = answer.json()
        else:
            self.in_doubt = living[0], None
            answer = client.delete(f"/tasks/{living[0]}")
            assert answer.status_code == 204, answer.text
            self.promised[living[0]] = None
        self.in_doubt = None

    def finds_its_tasks_in(self, tasks: dict[int, Task]) -> None:
        """Each is as promised, or as the write in doubt would have left it."""
        task_in_doubt, title_in_doubt = self.in_doubt or (None, None)
        for task_id, promised in self.promised.items():
            found = tasks.get(task_id)
            if found != promised:
                assert self.in_doubt is not None
                assert task_id == task_in_doubt
                assert (found and found["title"]) == title_in_doubt
                self.promised[task_id] = found
        if self.in_doubt is not None and task_in_doubt is None:
            for task_id, task in tasks.items():
                if task["title"] == title_in_doubt:
                    self.promised[task_id] = task
        self.in_doubt = None


def everything_promised_is_there(writers: list[Writer], client: httpx2.Client) -> None:
    tasks = tasks_and_journal_agree(client)
    for writer in writers:
        writer.finds_its_tasks_in(tasks)
    known = {key for writer in writers for key, task in writer.promised.items() if task}
    assert set(tasks) == known, "there are tasks that nobody saved"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_acknowledged_write_survives_kill_9(
    workers: str, serve: Serve, database_url: str, long: bool
) -> None:
    writers = [Writer(f"writer {number}") for number in range(8)]
    process = serve("--workers", workers)
    for number in range(20 if long else 2):
        acknowledged = threading.Semaphore(0)
        with ThreadPoolExecutor(len(writers)) as threads:
            writing = [
                threads.submit(writer.write_until_killed, process.url, acknowledged)
                for writer in writers
            ]
            enough = 60 + 41 * number
            are_busy = all(acknowledged.acquire(timeout=20) for _ in range(enough))
            process.kill()
        for each in writing:
            each.result()
        assert are_busy, "the writers came to a standstill"
        process = serve("--workers", workers)
        with process.client() as client:
            everything_promised_is_there(writers, client)
        if database_url.startswith("sqlite:"):
            assert run_sql(database_url, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.database("sqlite")
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/tasks", {"title": "new"}, 201),
        ("PATCH", "/tasks/1", {"title": "changed"}, 200),
        ("DELETE", "/tasks/1", None, 204),
    ],
)
def test_an_answer_begins_only_when_its_write_is_on_the_disk(
    method: str, path: str, body: Task | None, *, status: int, serve: Serve, disk: FailingDisk
) -> None:
    """The sync of the WAL is held up: then nothing is answered, though the server is free to."""
    process = serve(**disk.variables)
    with process.client() as client:
        before = client.post("/tasks", json={"title": "there before"}).json()
        with disk.fault("sync-waits"):
            answer = begin(process.url, method, path, body)
            disk.wait_for_a_sync()
            for _ in range(20):
                assert client.get("/tasks").json() == [before]
                assert not select.select([answer], [], [], 0.01)[0], "answered before the sync"
        with answer:
            assert answer.recv(12, socket.MSG_WAITALL) == f"HTTP/1.1 {status}".encode()


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_lets_requests_finish_and_leaves_one_file(
    workers: str, serve: Serve, tmp_path: Path, disk: FailingDisk
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    options = ("--workers", workers, "--database-url", f"sqlite:///{folder}/tasks.db")
    process = serve(*options, **disk.variables)
    idle = [begin(process.url, "GET", "/healthz") for _ in range(8)]
    for connection in idle:
        assert connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
    with disk.fault("sync-waits"):
        in_flight = begin(process.url, "POST", "/tasks", {"title": "in flight"})
        disk.wait_for_a_sync()
        process.process.terminate()
        for connection in idle:  # a server that stops closes them
            with connection:
                while connection.recv(4096):
                    pass
    with in_flight:
        assert in_flight.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 201"
    assert process.process.wait(15) == 0
    assert [path.name for path in folder.iterdir()] == ["tasks.db"]
    with serve(*options).client() as client:
        assert [task["title"] for task in tasks_and_journal_agree(client).values()] == ["in flight"]


@pytest.mark.database("sqlite")
def test_only_their_owner_can_read_the_files(serve: Serve, tmp_path: Path) -> None:
    process = serve()
    with process.client() as client:
        client.post("/tasks", json={"title": "private"})
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("tasks.db*")}
    names = ("tasks.db", "tasks.db-wal", "tasks.db-shm", "tasks.db-lock")
    assert modes == dict.fromkeys(names, 0o600)
    assert process.stop() == 0
    assert (tmp_path / "tasks.db").stat().st_mode & 0o777 == 0o600


def test_no_setting_of_the_tests_weakens_their_postgresql(postgresql: PostgreSQL) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert postgresql.execute(f"SHOW {setting}") == [("on",)]
