"""What clients are told while the disk, the lock or the files fail, and what is there after."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from taskhold.errors import NotFound
from taskhold.journal.operations import Author
from taskhold.store import Row, Tx, open_store
from taskhold.store.sqlite import indexing
from taskhold.tasks import operations
from taskhold.tasks.models import TaskCreate
from tests.support.disk import FailingDisk, SmallDisk, small_disk
from tests.support.journal import tasks_and_journal_agree
from tests.support.servers import LiveServer, ServerProcess
from tests.support.sql import run_sql
from tests.support.unanswered import begin

Serve = Callable[..., ServerProcess]
WRITERS = 8
DONE = {"title": "done", "done": True}
pytestmark = pytest.mark.database("sqlite")


@pytest.fixture
def disk(tmp_path: Path) -> FailingDisk:
    return FailingDisk(tmp_path / "faults")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small") as disk:
        yield disk


@contextmanager
def another_program_writes(database: Path) -> Iterator[None]:
    """Hold SQLite's own lock, as any program with the file open may."""
    with closing(sqlite3.connect(database, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def another_server_hangs(serve: Serve, disk: FailingDisk) -> Iterator[None]:
    """Another server on the same file gets stuck in the middle of a commit."""
    process = serve(**disk.variables)
    with disk.fault("sync-waits"):
        stuck = begin(process.url, "POST", "/tasks", {"title": "stuck"})
        disk.wait_for_a_sync()
        yield
    with stuck:
        assert stuck.recv(12) == b"HTTP/1.1 201"


def create(client: httpx2.Client, title: str) -> httpx2.Response:
    return client.post("/tasks", json={"title": title})


def create_at_once(
    threads: ThreadPoolExecutor, client: httpx2.Client, name: str
) -> list[Future[httpx2.Response]]:
    titles = [f"{name} {number}" for number in range(WRITERS)]
    return [threads.submit(create, client, title) for title in titles]


def reads_go_on(client: httpx2.Client, seconds: float, path: str = "/tasks/count") -> None:
    """Read for that long, while others hold the lock and writes queue up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert client.get(path).status_code == 200


def titles(client: httpx2.Client) -> list[str]:
    return [task["title"] for task in tasks_and_journal_agree(client).values()]


def is_refused(answer: httpx2.Response, status: int, problem: str) -> None:
    """It is that problem, and says when to try again."""
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_full_disk_refuses_writes_and_nothing_else(serve: Serve, full_disk: SmallDisk) -> None:
    url = f"sqlite:///{full_disk.folder}/tasks.db"
    process = serve("--database-url", url, **full_disk.variables)
    kept = []
    with process.client() as client, ThreadPoolExecutor(WRITERS) as threads:
        task = create(client, "there before").json()
        path = f"/tasks/{task['id']}"
        for leaving in (0, 6_000, 12_000, 30_000, 60_000):
            full_disk.fill(leaving)
            answers = [
                waiting.result()
                for turn in range(4)
                for waiting in create_at_once(threads, client, f"{leaving}.{turn}")
            ]
            refused = [answer for answer in answers if answer.status_code != 201]
            assert refused, "the disk was not full"
            for answer in refused:
                is_refused(answer, 507, "storage-full")
            kept += [answer.json()["title"] for answer in answers if answer.status_code == 201]
            if leaving == 0:
                is_refused(client.patch(path, json={"title": "no"}), 507, "storage-full")
                is_refused(client.delete(path), 507, "storage-full")
            assert client.get(path).json() == task
            assert client.get("/tasks/count").json() == {"count": 1 + len(kept)}
            full_disk.free()
            after = create(client, f"room again after {leaving}")
            assert after.status_code == 201
            kept.append(after.json()["title"])
        assert sorted(titles(client)) == sorted(["there before", *kept])
        full_disk.fill(0)
    process.kill()
    full_disk.free()
    with serve("--database-url", url).client() as client:
        assert sorted(titles(client)) == sorted(["there before", *kept])


def test_a_first_start_on_a_full_disk_says_so_in_one_line(
    tmp_path: Path, full_disk: SmallDisk
) -> None:
    full_disk.fill(0)
    options = ("--database-url", f"sqlite:///{full_disk.folder}/tasks.db")
    process = ServerProcess(tmp_path, options, full_disk.variables)
    exit_code = process.process.wait(20)
    process.kill()
    assert exit_code == 1
    (line,) = process.log.read_text().splitlines()
    assert "full" in line


def test_a_write_whose_sync_failed_does_not_come_back(serve: Serve, disk: FailingDisk) -> None:
    """All of it is in the WAL when the sync fails, so a crash would bring it back."""
    process = serve(**disk.variables)
    with process.client() as client:
        create(client, "kept")
        with disk.fault("sync-fails-once"):
            is_refused(create(client, "refused"), 503, "unavailable")
            assert disk.has_failed_once()
        assert titles(client) == ["kept"]
    process.kill()
    with serve().client() as client:
        assert titles(client) == ["kept"]
        assert create(client, "next").status_code == 201
        assert titles(client) == ["kept", "next"]


def test_while_every_sync_fails_nothing_is_acknowledged_and_reads_go_on(
    serve: Serve, disk: FailingDisk
) -> None:
    process = serve(**disk.variables)
    with process.client() as client, ThreadPoolExecutor(WRITERS) as threads:
        create(client, "kept")
        with disk.fault("sync-fails"):
            unsure = create(client, "unsure")
            is_refused(unsure, 503, "outcome-unknown")
            assert "not known" in unsure.json()["detail"]
            for waiting in create_at_once(threads, client, "refused"):
                is_refused(waiting.result(), 503, "unavailable")
            assert client.get("/tasks/1").status_code == 200
            assert client.get("/tasks/count").json() == {"count": 1}
        answers = [waiting.result() for waiting in create_at_once(threads, client, "well again")]
        assert {answer.status_code for answer in answers} == {201}
        expected = ["kept", *(f"well again {number}" for number in range(WRITERS))]
        assert sorted(titles(client)) == sorted(expected)
    process.kill()
    with serve().client() as client:
        assert sorted(titles(client)) == sorted(expected)


def test_a_key_settles_a_write_in_doubt_after_a_crash(serve: Serve, disk: FailingDisk) -> None:
    process = serve(**disk.variables)
    key = {"Idempotency-Key": "in-doubt"}
    with process.client() as client, disk.fault("sync-fails"):
        answer = client.post("/tasks", json={"title": "in doubt"}, headers=key)
        is_refused(answer, 503, "outcome-unknown")
        process.kill()
    with serve().client() as client:
        answer = client.post("/tasks", json={"title": "in doubt"}, headers=key)
        assert answer.status_code == 201
        assert titles(client) == ["in doubt"]


def writes_are_refused_after_five_seconds(client: httpx2.Client) -> None:
    """And reads do not wait with them."""
    with ThreadPoolExecutor(WRITERS) as threads:
        began = time.monotonic()
        waiting = create_at_once(threads, client, "refused")
        while not all(each.done() for each in waiting):
            asked = time.monotonic()
            assert client.get("/tasks/1").status_code == 200
            assert time.monotonic() - asked < 2, "reads wait for the writer"
        assert 4.5 < time.monotonic() - began < 8  # and what a busy machine adds
        for each in waiting:
            is_refused(each.result(), 503, "unavailable")


def test_while_another_program_holds_the_lock_writes_are_refused(
    serve: Serve, tmp_path: Path
) -> None:
    with serve().client() as client:
        create(client, "there before")
        with another_program_writes(tmp_path / "tasks.db"):
            writes_are_refused_after_five_seconds(client)
        assert create(client, "next").status_code == 201
        assert titles(client) == ["there before", "next"]


def test_while_another_server_hangs_writes_are_refused_and_a_stop_is_not_held_up(
    serve: Serve, disk: FailingDisk
) -> None:
    process = serve()
    with process.client() as client:
        create(client, "there before")
        with another_server_hangs(serve, disk):
            writes_are_refused_after_five_seconds(client)
            assert process.stop() == 0
    with serve().client() as client:
        assert create(client, "next").status_code == 201
        assert titles(client) == ["there before", "stuck", "next"]


def test_a_write_that_gets_the_lock_in_time_just_takes_longer(serve: Serve, tmp_path: Path) -> None:
    process = serve()
    with process.client() as client, ThreadPoolExecutor(WRITERS) as threads:
        with another_program_writes(tmp_path / "tasks.db"):
            waiting = create_at_once(threads, client, "late")
            reads_go_on(client, 1)
            assert not any(each.done() for each in waiting)
        assert {each.result().status_code for each in waiting} == {201}
        assert len(titles(client)) == WRITERS


def test_a_client_that_goes_away_takes_nobody_with_it(serve: Serve, tmp_path: Path) -> None:
    """Its write waits in the same batch as others'; whether it is kept is open, theirs are."""
    process = serve()
    with process.client() as client, ThreadPoolExecutor(WRITERS) as threads:
        with another_program_writes(tmp_path / "tasks.db"):
            gone = [begin(process.url, "POST", "/tasks", {"title": "gone"}) for _ in range(WRITERS)]
            waiting = create_at_once(threads, client, "stays")
            reads_go_on(client, 0.5)
            for connection in gone:
                connection.close()
            reads_go_on(client, 0.2)
        assert {each.result().status_code for each in waiting} == {201}
        assert create(client, "next").status_code == 201
        there = titles(client)
        assert [title for title in there if title == "next"] == ["next"]
        assert sorted(title for title in there if title not in ("gone", "next")) == sorted(
            f"stays {number}" for number in range(WRITERS)
        )


async def create_task(tx: Tx, title: str) -> Row:
    """Each transaction has an author of its own."""
    return await operations.create(tx, Author(1, "tester"), TaskCreate(title=title))


async def create_and_fail(tx: Tx) -> Row:
    await create_task(tx, "undone")
    raise NotFound("Task")


def test_a_cancelled_write_is_dropped_while_it_waits_and_kept_once_it_has_begun(
    tmp_path: Path,
) -> None:
    """A server that has to stop cancels what takes too long."""
    store = open_store(f"sqlite:///{tmp_path}/tasks.db")

    def write(title: str) -> asyncio.Task[Row]:
        return asyncio.create_task(store.write(1, create_task, title))

    async def play() -> list[Row | BaseException]:
        begun = [write("begun and cancelled"), write("begun")]
        await asyncio.sleep(0)  # they queue up
        await asyncio.sleep(0)  # their batch runs, and goes to the commit thread
        begun[0].cancel()
        with another_program_writes(tmp_path / "tasks.db"):
            waiting = [write(title) for title in ("first", "cancelled", "last")]
            await asyncio.sleep(0)
            waiting[1].cancel()
        every = asyncio.gather(*begun, *waiting, return_exceptions=True)
        return await asyncio.wait_for(every, timeout=20)

    answers = asyncio.run(play())
    store.close()
    cancelled = [isinstance(answer, asyncio.CancelledError) for answer in answers]
    assert cancelled == [True, False, False, True, False]
    with (
        LiveServer(f"sqlite:///{tmp_path}/tasks.db") as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        assert titles(client) == ["begun and cancelled", "begun", "first", "last"]


@pytest.mark.database("sqlite", "postgresql")
def test_an_operation_that_fails_after_it_has_written_is_undone_alone(database_url: str) -> None:
    store = open_store(database_url)

    async def play() -> list[Row | BaseException]:
        writes = [
            store.write(1, create_task, "before"),
            store.write(1, create_and_fail),
            store.write(1, create_task, "after"),
        ]
        return await asyncio.gather(*writes, return_exceptions=True)

    answers = asyncio.run(play())
    store.close()
    assert [isinstance(answer, NotFound) for answer in answers] == [False, True, False]
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        assert sorted(titles(client)) == ["after", "before"]


def wait_until_all_is_searchable(database: Path) -> None:
    """Until the server has nothing to do beside its requests."""
    pending = "SELECT count(*) FROM search_pending"
    unfolded = "SELECT count(*) FROM task WHERE title_folded = ''"
    until = time.monotonic() + 20
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        while connection.execute(unfolded).fetchone() != (0,) or (
            connection.execute(pending).fetchone() > (indexing.MOST_PENDING,)
        ):
            assert time.monotonic() < until, "the search index is not brought up to date"
            time.sleep(0.05)


def test_a_disk_that_cannot_be_read_in_the_middle_of_a_batch_fails_the_batch(
    serve: Serve, disk: FailingDisk, tmp_path: Path
) -> None:
    """SQLite then rolls back everything, what others in the batch have written as well."""
    process = serve(**disk.variables)
    database = tmp_path / "tasks.db"
    with process.client() as client, ThreadPoolExecutor(WRITERS) as threads:
        with closing(sqlite3.connect(database, timeout=20)) as connection, connection:
            connection.execute(
                "INSERT INTO task (title, done) WITH RECURSIVE numbers(n) AS "
                "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4000) "
                "SELECT n, 0 FROM numbers"
            )
        wait_until_all_is_searchable(database)  # or the fault would hit that
        written = 0
        for turn in range(20):
            # What another program has written makes SQLite forget the pages that it has read.
            run_sql(f"sqlite:///{database}", "UPDATE database SET settled = settled + 1")
            create(client, "the pages that every write needs are read")
            with disk.fault("read-fails-once", spared=3 + turn):
                with another_program_writes(database):
                    waiting = [threads.submit(client.post, "/tasks", json=DONE) for _ in range(5)]
                    reads_go_on(client, 0.1, "/healthz")
                    path = f"/tasks/{100 + 150 * turn}"  # its pages are not
                    waiting.append(threads.submit(client.patch, path, json={"done": True}))
                    reads_go_on(client, 0.2, "/healthz")
                answers = [each.result() for each in waiting]
            failures = [answer for answer in answers if not answer.is_success]
            for answer in failures:
                is_refused(answer, 503, "unavailable")
            written += len(answers) - len(failures)
            if len(failures) > 1:
                break
        else:
            pytest.fail("it was never in the middle of a batch")
        tasks = tasks_and_journal_agree(client).values()
        assert sum(task["done"] for task in tasks) == written


def test_what_is_done_beside_the_requests_goes_on_after_a_read_that_failed(
    serve: Serve, disk: FailingDisk, tmp_path: Path
) -> None:
    """Only that finds a title that another program wrote by its letters without accents."""
    process = serve(**disk.variables)
    with process.client() as client:
        create(client, "the file is there")
        with disk.fault("read-fails-once"):
            insert = "INSERT INTO task (title, done) VALUES ('Übung', 0)"
            run_sql(f"sqlite:///{tmp_path / 'tasks.db'}", insert)
            until = time.monotonic() + 20
            while not disk.has_failed_once():
                assert time.monotonic() < until, "nothing is done beside the requests"
                time.sleep(0.02)
        while not client.get("/tasks", params={"q": "ubung"}).json():
            assert time.monotonic() < until, "nothing is done beside the requests any more"
            time.sleep(0.1)


def test_a_request_that_fails_in_a_batch_leaves_its_neighbours(
    serve: Serve, tmp_path: Path
) -> None:
    process = serve()
    with process.client() as client, ThreadPoolExecutor(3 * WRITERS) as threads:
        stale = {"If-Match": create(client, "contended").headers["ETag"]}
        client.patch("/tasks/1", json={"title": "changed since"})
        with another_program_writes(tmp_path / "tasks.db"):
            creates = create_at_once(threads, client, "new")
            patches = [
                threads.submit(client.patch, "/tasks/1", json={"title": "lost"}, headers=stale)
                for _ in range(WRITERS)
            ]
            deletes = [threads.submit(client.delete, "/tasks/99") for _ in range(WRITERS)]
            reads_go_on(client, 0.5)
        assert {each.result().status_code for each in creates} == {201}
        assert {each.result().status_code for each in patches} == {412}
        assert {each.result().json()["current"]["title"] for each in patches} == {"changed since"}
        assert {each.result().status_code for each in deletes} == {404}
        assert sorted(titles(client)) == sorted(
            ["changed since", *(f"new {number}" for number in range(WRITERS))]
        )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_after_the_wal_was_deleted_nothing_is_acknowledged_and_nothing_is_lost(
    workers: str, serve: Serve, tmp_path: Path
) -> None:
    process = serve("--workers", workers)
    with process.client() as client, ThreadPoolExecutor(WRITERS) as threads:
        for turn in range(4):
            answers = [each.result() for each in create_at_once(threads, client, f"kept {turn}")]
            assert {answer.status_code for answer in answers} == {201}
        kept = set(titles(client))
        (tmp_path / "tasks.db-wal").unlink()
        for waiting in create_at_once(threads, client, "refused"):
            answer = waiting.result()
            is_in_doubt = answer.json()["type"] == "/problems/outcome-unknown"  # what found it out
            is_refused(answer, 503, "outcome-unknown" if is_in_doubt else "unavailable")
        assert client.get("/tasks/1").status_code == 200
    process.kill()
    with serve().client() as client:
        assert kept <= set(titles(client))
        assert create(client, "next").status_code == 201


@pytest.mark.parametrize("removed", ["tasks.db", "tasks.db*"])
def test_a_removed_database_is_noticed(removed: str, serve: Serve, tmp_path: Path) -> None:
    with serve().client() as client:
        create(client, "gone")
        assert client.get("/readyz").status_code == 200
        for path in tmp_path.glob(removed):
            path.unlink()
        assert client.get("/readyz").status_code == 503
        is_refused(create(client, "in doubt"), 503, "outcome-unknown")
        is_refused(create(client, "refused"), 503, "unavailable")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
