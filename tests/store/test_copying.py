"""`taskhold copy`: a whole database into another one, or nothing of it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from taskhold.store import open_store
from taskhold.store.schema import Stored
from taskhold.store.sqlite import indexing
from tests.support import prepared
from tests.support.at_once import all_at_once
from tests.support.databases import PostgreSQLDatabases, SQLiteFiles
from tests.support.disk import FailingDisk, SmallTmpfs, small_disk
from tests.support.journal import tasks_and_journal_agree
from tests.support.lesson import run_script, write_lessons_app
from tests.support.many_tasks import make_many_tasks
from tests.support.postgresql import PASSWORD, PostgreSQL
from tests.support.servers import LiveServer
from tests.support.sessions import Session
from tests.support.sql import run_each, run_sql

KINDS = ("sqlite", "postgresql")
Make = Callable[[str], str]
AT = "'2026-12-01 09:30:00.000000'"
TITLES = (
    "Write the report",
    "Straße, ÄÖÜ, ﷺ",
    "日本語 \U0001f600 \U0010fffd",
    "e\u0301 and é",
    "'; DROP TABLE task; -- \\ \\N \\u0000 \t".strip(),
    "x" * 500,
)


@pytest.fixture
def make(postgresql_databases: PostgreSQLDatabases, tmp_path: Path) -> Iterator[Make]:
    """URLs of fresh databases: `make("sqlite")` or `make("postgresql")`."""
    numbers = count(1)
    with ExitStack() as stack:

        def make(kind: str) -> str:
            folder = tmp_path / f"database-{next(numbers)}"
            folder.mkdir()
            databases = SQLiteFiles() if kind == "sqlite" else postgresql_databases
            return stack.enter_context(databases.fresh(folder))

        yield make


def run_copy(
    source: str, target: str, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    if variables:  # of Python's start
        return subprocess.run(
            [sys.executable, "-m", "taskhold", "copy", source, target],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
    return prepared.run("copy", source, target)


def copy(source: str, target: str) -> str:
    """Copy; the line that says so."""
    ended = run_copy(source, target)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert PASSWORD not in ended.stdout
    (line,) = ended.stdout.splitlines()
    return line


def refusal(
    source: str, target: str, exit_code: int = 1, variables: dict[str, str] | None = None
) -> str:
    """Why it does not copy: one line."""
    ended = run_copy(source, target, variables)
    assert (ended.returncode, ended.stdout) == (exit_code, "")
    (line,) = ended.stderr.splitlines()
    assert PASSWORD not in line
    assert line.startswith("taskhold: ")
    return line.removeprefix("taskhold: ")


def migrate(url: str) -> None:
    with closing(open_store(url)) as store:
        store.open()


def keyed(client: httpx2.Client, number: int) -> httpx2.Response:
    key = "aB_"[number]  # in each language's order another one than by bytes
    headers = {"Idempotency-Key": key}
    return client.post("/tasks", json={"title": f"keyed {number}"}, headers=headers)


def fill(url: str) -> None:
    """Tasks that were created, changed, deleted (the newest, too), some under a key."""
    with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        for title in TITLES:
            assert client.post("/tasks", json={"title": title}).status_code == 201
        for number in range(3):
            assert keyed(client, number).status_code == 201
        assert client.patch("/tasks/1", json={"done": True}).status_code == 200
        assert client.patch("/tasks/2", json={"title": "changed"}).status_code == 200
        for task_id in (3, 9):
            assert client.delete(f"/tasks/{task_id}").status_code == 204


def shown(url: str) -> dict[str, Any]:
    """Everything that a client of this database can see."""
    with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:

        def get(path: str) -> Any:
            answer = client.get(path)
            return answer.status_code, answer.headers.get("etag"), answer.json()

        replays = [keyed(client, number) for number in range(3)]
        assert all("idempotent-replayed" in answer.headers for answer in replays)
        return {
            "tasks": tasks_and_journal_agree(client),
            "lists": [get(f"/tasks?sort={sort}") for sort in ("id", "-updated_at", "title")],
            "each": [(get(f"/tasks/{i}"), get(f"/tasks/{i}/history")) for i in range(1, 10)],
            "changes": get("/changes?after=0&limit=500"),
            "replays": [(answer.json(), answer.headers["etag"]) for answer in replays],
        }


def next_id(url: str) -> int:
    with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        task_id: int = client.post("/tasks", json={"title": "next"}).json()["id"]
        return task_id


def raw(url: str) -> list[Any]:
    """All rows as the database has them."""
    tables = Stored.metadata.sorted_tables
    counters = ["SELECT * FROM sqlite_sequence ORDER BY name"] if url.startswith("sqlite") else []
    return run_each(
        url, [*(str(select(table).order_by(*table.primary_key)) for table in tables), *counters]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_there_and_back_nothing_has_changed(make: Make, kind: str, other: str) -> None:
    there, abroad, back = make(kind), make(other), make(kind)
    fill(there)
    before, rows = shown(there), raw(there)
    line = copy(there, abroad)
    assert line.startswith("Copied 7 tasks, 13 changes and 7 other rows from ")
    assert shown(abroad) == before
    copy(abroad, back)
    assert shown(back) == before
    assert raw(back) == rows
    assert raw(there) == rows
    assert next_id(abroad) == next_id(back) == 10


def test_a_new_file_is_its_owners_alone_and_complete_by_itself(make: Make) -> None:
    source, target = make("postgresql"), make("sqlite")
    fill(source)
    copy(source, target)
    path = Path(target.removeprefix("sqlite:///"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["tasks.db"]


def test_a_new_file_has_its_search_index_at_once(make: Make) -> None:
    source, target = make("postgresql"), make("sqlite")
    fill(source)
    copy(source, target)
    found = "SELECT rowid FROM task_search WHERE task_search MATCH 'rep ort' ORDER BY rowid"
    assert run_each(target, ["SELECT count(*) FROM search_pending", found]) == [[(0,)], [(1,)]]


def test_postgresql_has_statistics_at_once(make: Make) -> None:
    source, target = make("sqlite"), make("postgresql")
    fill(source)
    copy(source, target)
    rows = run_sql(target, "SELECT reltuples FROM pg_class WHERE relname = 'task'")
    assert rows == [(7.0,)]


def test_no_table_is_left_out(database_url: str) -> None:
    migrate(database_url)
    tables = {
        "sqlite": "SELECT name FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }[database_url.partition(":")[0]]
    there = {name for (name,) in run_sql(database_url, tables)}
    ours = {table.name for table in Stored.metadata.sorted_tables} | {"alembic_version"}
    assert there == ours | (indexing.TABLES if database_url.startswith("sqlite") else set())


# Refusals


@pytest.mark.parametrize("kind", KINDS)
def test_a_used_target_is_left_alone(make: Make, tmp_path: Path, kind: str) -> None:
    source, target = make_many_tasks(tmp_path / "source.db", 1), make(kind)
    migrate(target)
    for used in (
        f"kept_answer VALUES (1, 'key', {AT}, '', 201, '', '')",
        f"change VALUES (1, 1, {AT}, 'open', 'delete', 'task', 1, NULL, NULL, 1, NULL, NULL)",
        "account DEFAULT VALUES",
    ):
        run_sql(target, f"INSERT INTO {used}")
        before = raw(target)
        assert "is not empty" in refusal(source, target)
        assert raw(target) == before
        if not used.startswith("account"):
            run_sql(target, f"DELETE FROM {used.split()[0]}")  # noqa: S608


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_with_tasks_is_left_alone(make: Make, tmp_path: Path, kind: str) -> None:
    source, target = make_many_tasks(tmp_path / "source.db", 3), make(kind)
    fill(target)
    before = shown(target)
    assert "is not empty" in refusal(source, target)
    assert shown(target) == before


def test_the_lessons_file_is_no_target(make: Make, tmp_path: Path) -> None:
    source = make_many_tasks(tmp_path / "source.db", 1)
    write_lessons_app(tmp_path)
    run_script(tmp_path, "import main_lesson")
    lesson = tmp_path / "tasks.db"
    before = lesson.read_bytes()
    assert "is not empty" in refusal(source, f"sqlite:///{lesson}")
    assert lesson.read_bytes() == before


def test_an_absent_source_is_not_made(
    make: Make, postgresql_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    path = tmp_path / "absent.db"
    with postgresql_databases.empty(tmp_path) as without_tables:
        for source in (f"sqlite:///{path}", without_tables):
            target = make("sqlite")
            assert refusal(source, target).startswith("There are no tasks at ")
            assert not Path(target.removeprefix("sqlite:///")).exists()
        tables = "SELECT 1 FROM pg_tables WHERE schemaname = 'public'"
        assert run_sql(without_tables, tables) == []
    assert not path.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_is_not_copied_to_itself(make: Make, tmp_path: Path, kind: str) -> None:
    url = make(kind)
    migrate(url)
    before = raw(url)
    if kind == "sqlite":
        (tmp_path / "link.db").hardlink_to(url.removeprefix("sqlite:///"))
        other_name = f"sqlite:///{tmp_path / 'link.db'}"
    else:
        other_name = url.replace("127.0.0.1", "localhost")
    assert "the same database" in refusal(url, url)
    assert "is the source" in refusal(url, other_name)
    assert raw(url) == before


@pytest.mark.parametrize(
    "url", ["tasks.db", "mysql://me:s3cret@host/tasks", "sqlite://", "postgresql://me:s3cr@et@h/t"]
)
def test_a_bad_url_is_wrong_usage(make: Make, tmp_path: Path, url: str) -> None:
    good = make_many_tasks(tmp_path / "source.db", 1)
    for source, target in ((url, good), (good, url)):
        assert "s3c" not in refusal(source, target, exit_code=2)


def test_a_postgresql_that_is_away_is_one_sentence(
    make: Make, tmp_path: Path, postgresql: PostgreSQL
) -> None:
    source, there = make_many_tasks(tmp_path / "source.db", 1), make("postgresql")
    assert "does not exist" in refusal(source, postgresql.url("absent"))
    wrong = postgresql.url("absent", password=f"{PASSWORD}.")
    assert "password authentication failed" in refusal(source, wrong)
    away = there.replace(f":{postgresql.port}/", ":1/")
    assert "Connection refused" in refusal(source, away)
    assert "Connection refused" in refusal(away, source)


def test_a_target_that_is_being_written_is_refused(make: Make, tmp_path: Path) -> None:
    import sqlite3

    urls = {kind: (make_many_tasks(tmp_path / f"{kind}.db", 3), make(kind)) for kind in KINDS}
    for _, target in urls.values():
        migrate(target)

    def write_while_it_copies(kind: str) -> None:
        source, target = urls[kind]
        if kind == "sqlite":
            with closing(sqlite3.connect(target.removeprefix("sqlite:///"))) as other:
                other.execute("BEGIN IMMEDIATE")
                assert "is locked by another program" in refusal(source, target)
        else:
            with Session(target) as session:
                session.execute("BEGIN")
                session.execute("LOCK TABLE task IN ROW EXCLUSIVE MODE")
                assert "is in use" in refusal(source, target)
        copy(source, target)

    all_at_once(write_while_it_copies, KINDS)


# What can't be carried over


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("title", "'a' || char(0) || 'b'", "a NUL character, which PostgreSQL can't keep,"),
        ("title", "CAST(x'61ff' AS TEXT)", "a text that is not UTF-8"),
        ("title", "x'6161'", "a value of another type"),
        ("done", "'maybe'", "a value of another type"),
        ("version", "1.5", "a value of another type"),
        ("completed_at", "7", "a value of another type"),
        ("created_at", "'2026-12-01 09:30:00.000+01'", "no time"),
    ],
)
def test_a_value_that_postgresql_cant_keep_is_named(
    make: Make, tmp_path: Path, column: str, value: str, problem: str
) -> None:
    source, target = make_many_tasks(tmp_path / "source.db", 3), make("postgresql")
    before = raw(target)
    run_sql(source, "DROP TRIGGER task_updated_outside")
    run_sql(source, f"UPDATE task SET {column} = {value} WHERE id = 2")  # noqa: S608
    assert refusal(source, target) == (
        f"Row 2 of the table “task” has {problem} in its column “{column}”; nothing was copied"
    )
    assert raw(target) == before
    run_sql(source, f"UPDATE task SET {column} = (SELECT {column} FROM task WHERE id = 1)")  # noqa: S608
    assert copy(source, target).startswith("Copied 3 tasks, 3 changes and 2 other rows from ")


def test_what_other_programs_keep_in_the_file_is_named_and_left(make: Make, tmp_path: Path) -> None:
    source, target = make_many_tasks(tmp_path / "source.db", 3), make("postgresql")
    run_each(
        source, ["ALTER TABLE task ADD COLUMN Colour TEXT", "CREATE TABLE note (id INTEGER, text)"]
    )
    ended = run_copy(source, target)
    assert ended.returncode == 0
    path = source.removeprefix("sqlite:///")
    assert ended.stderr.splitlines() == [
        f"taskhold: “{name}” in {path} is not Taskhold's and is not copied"
        for name in ("note.id", "note.text", "task.colour")
    ]
    assert run_sql(target, "SELECT count(*) FROM task") == [(3,)]


def test_the_lessons_file_can_be_copied(make: Make, tmp_path: Path) -> None:
    write_lessons_app(tmp_path)
    run_script(
        tmp_path,
        "from main_lesson import *\nwith Session(engine) as s:\n"
        "    s.add(Task(title='Übung', done=True)); s.commit()",
    )
    target = make("postgresql")
    ended = run_copy(f"sqlite:///{tmp_path / 'tasks.db'}", target)
    assert ended.stdout.startswith("Copied 1 task, 1 change and 2 other rows from ")
    assert "snapshot" in ended.stderr
    assert run_sql(target, "SELECT title, title_folded, done FROM task") == [
        ("Übung", "ubung", True)
    ]


# One moment of the source, all or nothing of the target


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_is_written_meanwhile_is_copied_as_of_one_moment(
    make: Make, tmp_path: Path, kind: str
) -> None:
    source, target = make_many_tasks(tmp_path / "many.db", 5_000), make("sqlite")
    if kind == "postgresql":
        source, file = make("postgresql"), source
        copy(file, source)
    done = threading.Event()
    written = 0

    def write(url: str) -> None:
        nonlocal written
        with httpx2.Client(base_url=url, timeout=30) as client:
            while not done.is_set():
                task_id = client.post("/tasks", json={"title": "meanwhile"}).json()["id"]
                assert client.patch(f"/tasks/{task_id - 1}", json={"done": True}).is_success
                assert client.delete(f"/tasks/{written + 1}").status_code == 204
                written += 1

    with LiveServer(source) as server, ThreadPoolExecutor(1) as thread:
        writing = thread.submit(write, server.url)
        try:
            while not written:
                time.sleep(0.01)
            before = written
            ended = run_copy(source, target)
            assert written > before
        finally:
            done.set()
        writing.result()
    assert ended.returncode == 0, ended.stderr
    with LiveServer(target) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        tasks_and_journal_agree(client)
    rows = "SELECT seq, action, object_id, before, after FROM change ORDER BY seq"
    copied_changes, all_changes = run_sql(target, rows), run_sql(source, rows)
    assert 5_000 < len(copied_changes) < len(all_changes)
    assert copied_changes == all_changes[: len(copied_changes)]


def with_each_task(url: str, kind: str, sqlite: str, postgresql: str) -> None:
    """Have the database run something for each task that comes into it, until it is dropped."""
    body = f"RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {postgresql}; RETURN NULL; END'"
    trigger = "CREATE TRIGGER with_each AFTER INSERT ON task"
    statements = {
        "sqlite": [f"{trigger} BEGIN {sqlite}; END"],
        "postgresql": [
            f"CREATE FUNCTION with_each() {body}",
            f"{trigger} FOR EACH ROW EXECUTE FUNCTION with_each()",
        ],
    }
    run_each(url, statements[kind])


def stop_half_way(
    source: str, target: str, stop: Callable[[prepared.Process], None]
) -> tuple[int, str]:
    """Copy 20,000 tasks until half of the rows are there.

    The exit code, and what the terminal showed: standard error alone is one.
    """
    with prepared.bars_of("copy", source, target) as (process, terminal):
        screen = b""
        while not re.search(rb"2\d,\d\d\d of 40,002", screen):
            screen += os.read(terminal, 4096)
        stop(process)
        with suppress(OSError):  # it has ended
            while True:
                screen += os.read(terminal, 4096)
    return process.wait(20), screen.decode()


def slow_database(make: Make, kind: str) -> str:
    url = make(kind)
    migrate(url)
    with_each_task(url, kind, "SELECT count(*) FROM change", "PERFORM pg_sleep(0.0002)")
    return url


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_killed_half_way_it_leaves_the_target_empty(
    make: Make, tmp_path: Path, kind: str, kill: signal.Signals
) -> None:
    source, target = make_many_tasks(tmp_path / "many.db", 20_000), slow_database(make, kind)
    before = raw(target)
    exit_code, screen = stop_half_way(source, target, lambda process: process.send_signal(kill))
    assert exit_code != 0
    if kill == signal.SIGINT:
        assert screen.endswith("taskhold: stopped\r\n")
        assert exit_code == 1
    if kind == "postgresql":
        others = "relation = 'task'::regclass AND pid <> pg_backend_pid()"
        until = time.monotonic() + 30
        while run_sql(target, f"SELECT 1 FROM pg_locks WHERE {others}"):  # noqa: S608
            assert time.monotonic() < until, "the killed copy still has its locks"
            time.sleep(0.05)
    assert raw(target) == before
    run_sql(target, "DROP TRIGGER with_each" + " ON task" * (kind == "postgresql"))
    assert copy(source, target).startswith("Copied 20,000 tasks, 20,000 changes ")


def test_a_crash_of_postgresql_leaves_the_target_empty(
    cluster: PostgreSQL, cluster_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    source = make_many_tasks(tmp_path / "many.db", 20_000)
    with cluster_databases.fresh(tmp_path) as target:
        slow_database(lambda _: target, "postgresql")
        before = raw(target)
        exit_code, screen = stop_half_way(source, target, lambda _: cluster.kill())
        cluster.start()
        assert exit_code == 1
        assert re.search(r"taskhold: postgresql://\S+ can't be used: .+\r\n$", screen)
        assert raw(target) == before


def test_every_failing_sync_is_told(tmp_path: Path, long: bool) -> None:
    source = make_many_tasks(tmp_path / "many.db", 3)
    disk = FailingDisk(tmp_path / "faults")
    for spared in count(0, 1 if long else 5):
        folder = tmp_path / f"target-{spared}"
        folder.mkdir()
        target = f"sqlite:///{folder / 'tasks.db'}"
        with disk.fault("sync-fails-once", spared):
            ended = run_copy(source, target, disk.variables)
            if not disk.has_failed_once():
                break
        migrate(target)
        ((tasks,),) = run_sql(target, "SELECT count(*) FROM task")
        if ended.returncode == 0:
            assert tasks == 3
        elif "look whether it is there" not in ended.stderr:
            assert tasks == 0
    assert spared > 6


def test_no_time_out_of_the_database_cuts_a_slow_copy(
    make: Make, tmp_path: Path, long: bool
) -> None:
    source, target = make("postgresql"), make("postgresql")
    copy(make_many_tasks(tmp_path / "many.db", 6_000 if long else 1_000), source)
    with_each_task(target, "postgresql", "", "PERFORM pg_sleep(0.002)")
    for url in (source, target):
        name = url.rpartition("/")[2]
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            run_sql(url, f"ALTER DATABASE {name} SET {setting} = 500")
    assert copy(source, target).startswith("Copied ")


def test_a_full_disk_leaves_the_target_empty(tmp_path: Path) -> None:
    source = make_many_tasks(tmp_path / "many.db", 20_000)
    with small_disk(tmp_path / "small") as disk:
        if not isinstance(disk, SmallTmpfs):
            disk.fill(0)
        target = f"sqlite:///{disk.folder / 'tasks.db'}"
        assert "full" in refusal(source, target, variables=disk.variables)
        assert run_sql(target, "SELECT count(*) FROM change") == [(0,)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_difference_between_the_sides_is_found(make: Make, tmp_path: Path, kind: str) -> None:
    source, target = make_many_tasks(tmp_path / "source.db", 3), make(kind)
    migrate(target)
    before = raw(target)
    with_each_task(target, kind, *["UPDATE task SET version = 7 WHERE id = 2"] * 2)
    assert refusal(source, target) == (
        "The table “task” came out different in the target; nothing was copied"
    )
    assert raw(target) == before


def memory_of(process: subprocess.Popen[str]) -> int:
    """The most that it has had so far, in MB (proc_pid_status(5)); 0 once it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        return int(found[1]) // 1024 if found else 0
    return 0


@pytest.mark.timeout(900)
def test_many_tasks_are_copied_both_ways_in_little_time_and_memory(
    make: Make, tmp_path: Path, long: bool
) -> None:
    """A million of them, with `--long`: each way in less than 3 minutes and 150 MB."""
    number = 1_000_000 if long else 5_000
    urls = make_many_tasks(tmp_path / "many.db", number), make("postgresql"), make("sqlite")
    for source, target in pairwise(urls):
        began, most = time.monotonic(), 0
        command = [sys.executable, "-m", "taskhold", "copy", source, target]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            while process.poll() is None:
                most = max(most, memory_of(process))
                time.sleep(0.01)
            output, _ = process.communicate()
        seconds = time.monotonic() - began
        print(f"{number:,} tasks in {seconds:.0f} s and {most} MB")
        assert output.startswith(f"Copied {number:,} tasks, {number:,} changes and 2 other rows ")
        assert seconds < 180
        assert 0 < most < 150
    for table in ("task", "change"):
        lost = f"SELECT * FROM source.{table} EXCEPT SELECT * FROM main.{table}"  # noqa: S608
        assert run_each(urls[2], [f"ATTACH '{tmp_path / 'many.db'}' AS source", lost])[-1] == []
