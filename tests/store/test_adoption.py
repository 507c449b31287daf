"""Files that the lesson's app made are adopted in place, and it may go on writing them."""

import ast
import hashlib
import json
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from taskhold.errors import StartupError
from taskhold.store import open_store
from tests.support.journal import changes_after, tasks_and_journal_agree
from tests.support.lesson import run_script, write_lessons_app
from tests.support.processes import cpu_seconds
from tests.support.schema import differences_from_the_models
from tests.support.servers import LiveServer, ServerProcess
from tests.support.sql import Rows
from tests.support.sql import run_sql as run_sql_on

pytestmark = pytest.mark.database("sqlite")

TITLES = [
    "Write the report",
    "Ärger mit 日本語 🎉 und “Zitaten”",
    "x" * 600,
    "",
    "line one\nline two\ttab",
    "  spaces at both ends  ",
    "quotes ' \" and a back\\slash",
    "zebra",
    "Äpfel",
    "apple",
]
DONE = {2, 3, 9}
MAKE = f"""
from main_lesson import Task, engine
from sqlmodel import Session
for number, title in enumerate({TITLES!r}, 1):
    with Session(engine) as session:
        session.add(Task(title=title, done=number in {DONE}))
        session.commit()
"""
IN_THE_LESSONS_APP = """
from fastapi.testclient import TestClient
from main_lesson import app
client = TestClient(app)
"""


@pytest.fixture(scope="module")
def lessons_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The lesson's app and the tasks.db that it made: without and with exercise 1's column."""
    folders = {}
    for created_at in (False, True):
        folders[created_at] = tmp_path_factory.mktemp("lesson")
        write_lessons_app(folders[created_at], created_at=created_at)
        run_script(folders[created_at], MAKE)
    return folders


@pytest.fixture(params=[False, True], ids=["as in the lesson", "with created_at"])
def folder(
    request: pytest.FixtureRequest, lessons_folders: dict[bool, Path], tmp_path: Path
) -> Path:
    """A copy of the lesson's folder, to adopt; each shape in turn."""
    shutil.copytree(lessons_folders[request.param], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def one_folder(lessons_folders: dict[bool, Path], tmp_path: Path) -> Path:
    """The same where the shape makes no difference."""
    shutil.copytree(lessons_folders[True], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def adopted(folder: Path) -> Iterator[httpx2.Client]:
    """A client of a server on the lesson's file."""
    with (
        LiveServer(f"sqlite:///{folder / 'tasks.db'}") as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        yield client


def run_sql(database: Path, *statements: str) -> Rows:
    return run_sql_on(f"sqlite:///{database}", *statements)


def make_table(database: Path, columns: str) -> None:
    run_sql(database, f"CREATE TABLE task ({columns})")


def as_stamp(text: str) -> str:
    return text.replace(" ", "T") + "Z"


def test_every_row_is_kept_and_journaled_as_created_outside(folder: Path) -> None:
    columns = [name for _, name, *_ in run_sql(folder / "tasks.db", "PRAGMA table_info(task)")]
    old = run_sql(folder / "tasks.db", f"SELECT {', '.join(columns)} FROM task")  # noqa: S608
    with (
        LiveServer(f"sqlite:///{folder / 'tasks.db'}") as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        tasks = client.get("/tasks", params={"limit": 500}).json()
        changes = changes_after(client, 0)
        assert client.post("/tasks", json={"title": "The next"}).json()["id"] == len(TITLES) + 1
        stamps = {task["created_at"] for task in tasks}
        run_sql(folder / "tasks.db", "INSERT INTO task (title, done) VALUES ('By SQL alone', 0)")
        by_sql = client.get(f"/tasks/{len(TITLES) + 2}").json()
        assert by_sql["created_at"] == by_sql["updated_at"] > max(stamps)
    assert [(task["id"], task["title"], task["done"]) for task in tasks] == [
        (number, title, number in DONE) for number, title in enumerate(TITLES, 1)
    ]
    assert {task["version"] for task in tasks} == {1}
    assert [task["completed_at"] is not None for task in tasks] == [task["done"] for task in tasks]
    if "created_at" in columns:
        assert stamps == {
            as_stamp(dict(zip(columns, row, strict=True))["created_at"]) for row in old
        }
    assert [
        (c["seq"], c["actor"], c["action"], c["kind"], c["id"], c["before"], c["after"])
        for c in changes
    ] == [(t["id"], "outside", "create", "task", t["id"], None, t) for t in tasks]
    kept = f"SELECT {', '.join(columns)} FROM task"  # noqa: S608
    assert run_sql(folder / "tasks.db", kept)[: len(TITLES)] == old


def test_the_adopted_schema_is_that_of_the_models(folder: Path) -> None:
    url = f"sqlite:///{folder / 'tasks.db'}"
    with closing(open_store(url)) as store:
        store.open()
    assert differences_from_the_models(url) == []
    (task,) = run_sql(folder / "tasks.db", "SELECT sql FROM sqlite_master WHERE name = 'task'")
    assert "AUTOINCREMENT" in task[0]


def test_the_log_names_a_snapshot_of_the_file_as_it_was(
    one_folder: Path, serve: Callable[..., ServerProcess]
) -> None:
    dump = "SELECT type, name, sql FROM sqlite_master"
    old = (
        run_sql(one_folder / "tasks.db", "SELECT * FROM task"),
        run_sql(one_folder / "tasks.db", dump),
    )
    server = serve()
    (named,) = [
        Path(event["snapshot"])
        for event in map(json.loads, server.log.read_text().splitlines())
        if "snapshot" in event
    ]
    assert named.parent == one_folder
    assert (run_sql(named, "SELECT * FROM task"), run_sql(named, dump)) == old
    assert stat.S_IMODE(named.stat().st_mode) == 0o600
    assert server.stop() == 0
    server.kill()
    again = serve()
    assert "snapshot" not in again.log.read_text()
    assert len(list(one_folder.glob("tasks.db-before-*"))) == 1


def test_what_the_file_has_of_its_own_stays(tmp_path: Path) -> None:
    database = tmp_path / "tasks.db"
    make_table(
        database,
        "title VARCHAR NOT NULL, done BOOLEAN NOT NULL, id INTEGER NOT NULL, place VARCHAR(80) "
        "DEFAULT 'home', weight DECIMAL(10, 2) NOT NULL DEFAULT 1.5, anything, PRIMARY KEY (id)",
    )
    own = {
        "notice": "TABLE notice (task_id INTEGER REFERENCES task ON DELETE CASCADE, words TEXT)",
        "own_index": "INDEX own_index ON task (place, weight DESC)",
        "own_partial": "UNIQUE INDEX own_partial ON task (place) WHERE done = 0",
        "own_trigger": "TRIGGER own_trigger AFTER INSERT ON task BEGIN INSERT INTO notice "
        "(task_id, words) VALUES (NEW.id, 'new: ' || NEW.title); END",
        "open_task": "VIEW open_task AS SELECT id, title FROM task WHERE NOT done",
    }
    run_sql(
        database,
        *(f"CREATE {definition}" for definition in own.values()),
        "INSERT INTO task (title, done, place, anything) VALUES ('a', 0, NULL, x'00')",
        "INSERT INTO task (title, done, weight) VALUES ('b', 1, 2.25)",
    )
    values = "SELECT id, title, done, place, weight, anything FROM task"
    before = run_sql(database, values)
    with (
        LiveServer(f"sqlite:///{database}") as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        assert run_sql(database, values) == before
        assert client.post("/tasks", json={"title": "c"}).status_code == 201
        assert client.delete("/tasks/2").status_code == 204
    definitions: dict[str, str] = dict(run_sql(database, "SELECT name, sql FROM sqlite_master"))
    assert {name: definitions.get(name) for name in own} == {
        name: f"CREATE {definition}" for name, definition in own.items()
    }
    assert run_sql(database, "SELECT words FROM notice") == [("new: a",), ("new: c",)]
    assert run_sql(database, "SELECT id, title FROM open_task") == [(1, "a"), (3, "c")]
    assert run_sql(database, "SELECT place, weight FROM task WHERE id = 3") == [("home", 1.5)]
    assert run_sql(database, "PRAGMA integrity_check") == [("ok",)]
    assert run_sql(database, "PRAGMA foreign_key_check") == []


def test_columns_that_were_declared_with_index_true_keep_their_indexes(folder: Path) -> None:
    """SQLModel names such an index after its table and column."""
    columns = [name for _, name, *_ in run_sql(folder / "tasks.db", "PRAGMA table_info(task)")]
    own = {f"ix_task_{name}": f"CREATE INDEX ix_task_{name} ON task ({name})" for name in columns}
    run_sql(folder / "tasks.db", *own.values())
    with closing(open_store(f"sqlite:///{folder / 'tasks.db'}")) as store:
        store.open()
    indexes: dict[str, str] = dict(
        run_sql(folder / "tasks.db", "SELECT name, sql FROM sqlite_master")
    )
    assert {name: indexes[name] for name in own} == own


def test_what_its_columns_and_indexes_demand_stays(tmp_path: Path) -> None:
    database = tmp_path / "tasks.db"
    make_table(
        database,
        "id INTEGER PRIMARY KEY, title VARCHAR NOT NULL, done BOOLEAN NOT NULL DEFAULT 0, "
        "place TEXT COLLATE NOCASE CHECK (place <> ''), "
        "loud TEXT GENERATED ALWAYS AS (upper(title)) STORED",
    )
    index = "CREATE UNIQUE INDEX own_expression ON task (lower(title))"
    run_sql(database, index, "INSERT INTO task (title, place) VALUES ('a', 'home')")
    with LiveServer(f"sqlite:///{database}"):
        pass
    assert run_sql(database, "SELECT loud FROM task WHERE place = 'HOME'") == [("A",)]
    for refused in (
        "UPDATE task SET place = ''",
        "UPDATE task SET loud = 'B'",
        "INSERT INTO task (title) VALUES ('A')",
    ):
        with pytest.raises(sqlite3.Error):
            run_sql(database, refused)
    own = "SELECT sql FROM sqlite_master WHERE name = 'own_expression'"
    assert run_sql(database, own) == [(index,)]


def test_the_highest_id_is_not_used_again_after_the_lessons_app_deleted_it(
    folder: Path, adopted: httpx2.Client
) -> None:
    highest = len(TITLES)
    script = f"print(client.delete('/tasks/{highest}').status_code)"
    assert run_script(folder, IN_THE_LESSONS_APP + script) == "204\n"
    assert adopted.post("/tasks", json={"title": "a"}).json()["id"] == highest + 1


def test_what_the_lessons_app_writes_beside_the_server_is_journaled_as_outside(
    folder: Path, adopted: httpx2.Client
) -> None:
    cursor = adopted.get("/changes").json()["cursor"]
    listed = adopted.get("/tasks").headers["ETag"]
    first = adopted.get("/tasks/1")
    gone = adopted.get("/tasks/2").json()
    script = """
print(client.post("/tasks", json={"title": "Von außen 🎉", "done": True}).json()["id"])
print(client.patch("/tasks/1", json={"done": True}).status_code)
print(client.patch("/tasks/1", json={"title": "Renamed outside"}).json()["done"])
print(client.delete("/tasks/2").status_code)
"""
    printed = run_script(folder, IN_THE_LESSONS_APP + script)
    new_id = len(TITLES) + 1
    assert printed.splitlines() == [str(new_id), "200", "True", "204"]
    created, done, renamed, deleted = changes_after(adopted, cursor)
    assert {c["actor"] for c in (created, done, renamed, deleted)} == {"outside"}
    assert [c["seq"] for c in (created, done, renamed, deleted)] == list(
        range(cursor + 1, cursor + 5)
    )
    new = adopted.get(f"/tasks/{new_id}").json()
    assert (new["title"], new["done"], new["version"]) == ("Von außen 🎉", True, 1)
    assert new["completed_at"] is not None
    assert (created["action"], created["before"], created["after"]) == ("create", None, new)
    changed = adopted.get("/tasks/1")
    assert (done["action"], renamed["action"]) == ("update", "update")
    assert done["before"] == first.json()
    assert done["after"] == renamed["before"]
    assert renamed["after"] == changed.json()
    assert (done["after"]["done"], done["after"]["version"]) == (True, 2)
    assert done["after"]["completed_at"] == changed.json()["completed_at"] is not None
    assert (changed.json()["title"], changed.json()["version"]) == ("Renamed outside", 3)
    assert first.json()["updated_at"] <= changed.json()["updated_at"]
    assert (deleted["action"], deleted["before"], deleted["after"]) == ("delete", gone, None)
    assert adopted.get("/tasks/2/history").json()[0] == deleted

    stale = {"If-Match": first.headers["ETag"]}
    conflict = adopted.patch("/tasks/1", json={"title": "Lost"}, headers=stale)
    assert (conflict.status_code, conflict.json()["current"]) == (412, changed.json())
    assert adopted.delete("/tasks/1", headers=stale).status_code == 412
    assert adopted.get("/tasks", headers={"If-None-Match": listed}).status_code == 200
    fresh = {"If-Match": changed.headers["ETag"]}
    undone = adopted.patch("/tasks/1", json={"done": False}, headers=fresh).json()
    assert (undone["version"], undone["completed_at"]) == (4, None)


def test_what_the_lessons_app_adds_stands_behind_the_last(
    folder: Path, adopted: httpx2.Client
) -> None:
    for turn in range(3):
        assert adopted.post("/tasks", json={"title": f"ours {turn}"}).status_code == 201
        script = f"client.post('/tasks', json={{'title': 'outside {turn}'}})"
        run_script(folder, IN_THE_LESSONS_APP + script)
    tasks = adopted.get("/tasks", params={"sort": "position", "limit": 500}).json()
    assert [task["id"] for task in tasks] == list(range(1, len(TITLES) + 7))
    assert len({task["position"] for task in tasks}) == len(tasks)
    tasks_and_journal_agree(adopted)


def test_a_parent_that_the_lessons_app_deletes_leaves_its_subtasks_at_the_top(
    one_folder: Path,
) -> None:
    with (
        LiveServer(f"sqlite:///{one_folder / 'tasks.db'}") as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):

        def create(title: str, **fields: Any) -> int:
            answer = client.post("/tasks", json={"title": title, "tags": ["home"]} | fields)
            assert answer.status_code == 201, answer.text
            return int(answer.json()["id"])

        list_id = client.post("/lists", json={"name": "Moving"}).json()["id"]
        parent = create("parent", list_id=list_id, notes="kept", due="2026-12-01", priority="high")
        first, second = create("first", parent_id=parent), create("second", parent_id=parent)
        below = create("below", parent_id=first)
        before = tasks_and_journal_agree(client)
        cursor = client.get("/changes").json()["cursor"]

        run_script(one_folder, IN_THE_LESSONS_APP + f"client.delete('/tasks/{parent}')")
        tasks = tasks_and_journal_agree(client)
        changes = changes_after(client, cursor)
        assert [(each["action"], each["id"]) for each in changes] == [
            ("update", first),
            ("update", second),
            ("delete", parent),
        ]
        assert {(each["actor"], each["operation"]) for each in changes} == {("outside", cursor + 1)}
        for task_id in (first, second):
            assert tasks[task_id]["parent_id"] is None
            assert tasks[task_id]["version"] == before[task_id]["version"] + 1
            assert tasks[task_id]["list_id"] == list_id
        assert tasks[below] == before[below]
        assert client.get("/tags").json() == [{"tag": "home", "open_count": 3}]
        (gone,) = client.get("/trash").json()
        assert gone.pop("deleted_at") == changes[-1]["at"]
        assert gone == before[parent]

        restored = client.post(f"/trash/{parent}/restore").json()
        counted = ("version", "updated_at")
        assert restored | {name: gone[name] for name in counted} == gone
        assert client.get("/trash").json() == []
        tasks_and_journal_agree(client)

        run_script(one_folder, IN_THE_LESSONS_APP + f"client.delete('/tasks/{first}')")
        newest = client.get("/changes").json()["cursor"]
        assert client.post(f"/changes/{newest}/undo").status_code == 200
        tasks = tasks_and_journal_agree(client)
        assert (tasks[first]["title"], tasks[below]["parent_id"]) == ("first", first)
        assert client.get("/tags").json() == [{"tag": "home", "open_count": 4}]


def test_what_the_lessons_app_ticks_off_is_seen_in_every_count_and_filter(
    one_folder: Path,
) -> None:
    with (
        LiveServer(f"sqlite:///{one_folder / 'tasks.db'}") as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        list_id = client.post("/lists", json={"name": "Moving"}).json()["id"]
        task = {"title": "Boxes", "notes": "from the cellar", "tags": ["Home"], "list_id": list_id}
        task_id = client.post("/tasks", json=task).json()["id"]

        def count(**filters: Any) -> int:
            return int(client.get("/tasks/count", params=filters).json()["count"])

        for done in (True, False):
            script = f"client.patch('/tasks/{task_id}', json={{'done': {done}}})"
            run_script(one_folder, IN_THE_LESSONS_APP + script)
            assert client.get("/tags").json() == [{"tag": "Home", "open_count": int(not done)}]
            assert client.get(f"/lists/{list_id}").json()["open_count"] == int(not done)
            assert count(tag="home", done=done) == count(list_id=list_id, done=done) == 1
            assert count(tag="home", done=not done) == count(list_id=list_id, done=not done) == 0

        script = f"client.patch('/tasks/{task_id}', json={{'title': 'Kartöns'}})"
        run_script(one_folder, IN_THE_LESSONS_APP + script)
        assert count(q="cellar home") == 1  # what it knows nothing of is found as before
        assert count(q="boxes") == 0
        until = time.monotonic() + 20
        while count(q="kartons") == 0:
            assert time.monotonic() < until, "the new title is never found"
            time.sleep(0.05)
        assert client.get(f"/tasks/{task_id}").json()["notes"] == "from the cellar"
        tasks_and_journal_agree(client)


def test_the_lessons_app_goes_on_without_the_server_and_the_next_start_tells_it(
    folder: Path,
) -> None:
    database = folder / "tasks.db"
    with (
        LiveServer(f"sqlite:///{database}") as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        client.patch("/tasks/1", json={"title": "By the server"})
        cursor = client.get("/changes").json()["cursor"]
    script = """
print(client.get("/tasks/1").json()["title"], len(client.get("/tasks").json()))
print(client.post("/tasks", json={"title": "ähnlich"}).status_code)
print(client.patch("/tasks/8", json={"title": "Aardvark"}).status_code)
print(client.delete("/tasks/3").status_code)
"""
    printed = run_script(folder, IN_THE_LESSONS_APP + script)
    assert printed.splitlines() == ["By the server 10", "201", "200", "204"]
    with (
        LiveServer(f"sqlite:///{database}") as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        changes = changes_after(client, cursor)
        assert [(c["actor"], c["action"], c["id"]) for c in changes] == [
            ("outside", "create", 11),
            ("outside", "update", 8),
            ("outside", "delete", 3),
        ]
        assert changes[1]["after"] == client.get("/tasks/8").json()
        ordered = client.get("/tasks", params={"sort": "title"}).json()
        assert [task["title"] for task in ordered if task["title"][:1].isalpha()] == [
            "Aardvark",
            "ähnlich",
            "Äpfel",
            "apple",
            "Ärger mit 日本語 🎉 und “Zitaten”",
            "By the server",
            "line one\nline two\ttab",
            "quotes ' \" and a back\\slash",
        ]
        backwards = client.get("/tasks", params={"sort": "-title"}).json()
        assert backwards == ordered[::-1]


def test_only_the_fields_that_are_sent_are_held_to_todays_rules(adopted: httpx2.Client) -> None:
    for task_id in (3, 4, 5, 6):
        before = adopted.get(f"/tasks/{task_id}").json()
        patched = adopted.patch(f"/tasks/{task_id}", json={"done": not before["done"]})
        assert patched.status_code == 200
        assert (patched.json()["title"], patched.json()["done"]) == (
            TITLES[task_id - 1],
            not before["done"],
        )
        assert adopted.get(f"/tasks/{task_id}/history").json()[0]["after"] == patched.json()
    for bad in ("", "x" * 501, "tab\there"):
        assert adopted.patch("/tasks/3", json={"title": bad}).status_code == 422
    assert adopted.patch("/tasks/3", json={"title": "Well"}).json()["title"] == "Well"


def test_rows_and_times_that_sql_alone_would_write_are_shown_and_journaled_alike(
    tmp_path: Path,
) -> None:
    """SQLite takes nearly anything for a time; what is shown is one, and the same everywhere."""
    database = tmp_path / "tasks.db"
    make_table(
        database,
        "id INTEGER PRIMARY KEY, title TEXT, done BOOLEAN, "
        "created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
    )
    times = [
        "2024-05-06 07:08:09",
        "2024-05-06 07:08:09.123",
        "2024-05-06 07:08:09.123456",
        "2024-05-06T07:08:09Z",
        "2024-05-06T09:08:09+02:00",
        "2024-05-06",
        "yesterday",
        "",
    ]
    insert = "INSERT INTO task (title, done, created_at) VALUES"
    run_sql(
        database, *(f"{insert} ('a', 0, '{time}')" for time in times), f"{insert} ('n', 0, NULL)"
    )
    with (
        LiveServer(f"sqlite:///{database}") as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        run_sql(database, *(f"{insert} ('b', 1, '{time}')" for time in times))
        run_sql(database, "INSERT INTO task (title, done) VALUES ('without a time', 0)")
        tasks = client.get("/tasks", params={"limit": 500}).json()
        changes = changes_after(client, 0)
    assert [change["after"] for change in changes] == tasks
    known = [
        "2024-05-06T07:08:09.000000Z",
        "2024-05-06T07:08:09.123000Z",
        "2024-05-06T07:08:09.123456Z",
        "2024-05-06T07:08:09.000000Z",
        "2024-05-06T07:08:09.000000Z",
        "2024-05-06T00:00:00.000000Z",
    ]
    assert [task["created_at"] for task in tasks][: len(known)] == known
    for task in tasks:
        time.strptime(task["created_at"], "%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN, created_at TEXT", "created_at"),
        ("id INTEGER PRIMARY KEY, title VARCHAR, done VARCHAR", "done"),
        ("id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN, version TEXT", "version"),
        ("id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN, Version TEXT", "ersion"),
        ("id INTEGER PRIMARY KEY, title BLOB, done BOOLEAN", "title"),
        ("id VARCHAR PRIMARY KEY, title VARCHAR, done BOOLEAN", "id"),
        ("id INTEGER, title VARCHAR, done BOOLEAN", "id"),
        ("id INTEGER, title VARCHAR, done BOOLEAN, PRIMARY KEY (id, title)", "id"),
        ("id INTEGER PRIMARY KEY, title VARCHAR", "done"),
        ("id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN, priority INTEGER", "priority"),
        ("id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN, Notes TEXT", "notes"),
        (
            "id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN); CREATE TABLE List (id INT",
            "list",
        ),
        (
            "id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN); CREATE TABLE account (id INT",
            "account",
        ),
        (
            "id INTEGER PRIMARY KEY, title VARCHAR, done BOOLEAN); CREATE TABLE Change (id INT",
            "hange",
        ),
    ],
)
def test_a_file_that_cant_be_adopted_is_left_as_it_is(
    tmp_path: Path, columns: str, said: str
) -> None:
    database = tmp_path / "tasks.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(f"CREATE TABLE task ({columns})")
        connection.execute("INSERT INTO task (title) VALUES ('mine')")
        connection.commit()
    before = hashlib.sha256(database.read_bytes()).digest()
    with pytest.raises(StartupError, match=said) as refusal:
        open_store(f"sqlite:///{database}").open()
    assert refusal.value.exit_code == 1
    assert len(str(refusal.value).splitlines()) == 1
    assert hashlib.sha256(database.read_bytes()).digest() == before
    assert list(tmp_path.iterdir()) == [database]


def test_two_servers_that_start_at_once_adopt_the_file_once(one_folder: Path) -> None:
    servers = [ServerProcess(one_folder) for _ in range(2)]
    try:
        for server in servers:
            server.wait_until_ready()
        for number, server in enumerate(servers):
            with server.client() as client:
                created = client.post("/tasks", json={"title": f"By server {number}"})
                assert created.json()["id"] == len(TITLES) + 1 + number
                tasks = client.get("/tasks", params={"limit": 500}).json()
                changes = changes_after(client, 0)
                assert [change["after"] for change in changes] == tasks
        logs = [server.log.read_text() for server in servers]
        assert sorted("snapshot" in text for text in logs) == [False, True]
        assert len(list(one_folder.glob("tasks.db-before-*"))) == 1
        assert [server.stop() for server in servers] == [0, 0]
    finally:
        for server in servers:
            server.kill()
    assert run_sql(one_folder / "tasks.db", "PRAGMA integrity_check") == [("ok",)]
    assert not [path for path in one_folder.glob("tasks.db-*") if "before" not in path.name]


def test_20_000_rows_are_adopted_quickly(
    one_folder: Path, serve: Callable[..., ServerProcess]
) -> None:
    run_sql(
        one_folder / "tasks.db",
        "WITH RECURSIVE counter (n) AS (SELECT count(*) + 1 FROM task UNION ALL "
        "SELECT n + 1 FROM counter WHERE n < 20000) INSERT INTO task (title, done, created_at) "
        "SELECT 'Task ' || n, n % 3 = 0, '2026-12-01 09:30:00.000000' FROM counter",
    )
    server = serve()
    assert cpu_seconds(server) < 5
    with server.client() as client:
        assert client.get("/tasks/count").json() == {"count": 20_000}
        assert client.get("/changes").json()["cursor"] == 20_000
        last = client.get("/tasks/20000")
        assert changes_after(client, 19_999)[0]["after"] == last.json()


def test_a_file_that_the_lessons_app_has_open_is_adopted_under_it(one_folder: Path) -> None:
    """Its session is idle, as between two requests; its next write is journaled."""
    script = """
import subprocess
from main_lesson import Task, engine
from sqlmodel import Session, select
session = Session(engine)
print(len(session.exec(select(Task)).all()))
session.commit()
command = [sys.executable, "-m", "taskhold", "serve", "--port", "0"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
print("/docs" in server.stdout.readline())
session.add(Task(title="In a session from before"))
session.commit()
print(len(session.exec(select(Task)).all()))
server.terminate()
print(server.wait(15))
"""
    printed = run_script(one_folder, script)
    assert [ast.literal_eval(line) for line in printed.splitlines()] == [
        len(TITLES),
        True,
        len(TITLES) + 1,
        0,
    ]
    with (
        LiveServer(f"sqlite:///{one_folder / 'tasks.db'}") as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        (change,) = changes_after(client, len(TITLES))
    assert (change["actor"], change["after"]["title"]) == ("outside", "In a session from before")
