"""Databases of earlier versions, with what people kept in them."""

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from taskhold.errors import StartupError
from taskhold.store import migrations, open_store
from taskhold.tasks.models import TaskPublic
from tests.support.accounts import cookies_of, log_in, make_accounts
from tests.support.journal import changes_after, tasks_and_journal_agree
from tests.support.revisions import migrate_to
from tests.support.schema import differences_from_the_models
from tests.support.servers import LiveServer
from tests.support.sql import run_each, run_sql
from tests.transfer.accounts import filled, seen

MANY = 1_100
"""More than the migration takes at a time."""
AT = "2026-12-01T09:30:00.000000Z"
LATER = "2026-12-01T17:05:00.000000Z"
OF_0001 = ["id", "title", "done", "completed_at", "created_at", "updated_at", "version"]


OLD_TRIGGER = """
CREATE TRIGGER task_inserted_outside AFTER INSERT ON task
BEGIN SELECT RAISE(ABORT, 'one of an earlier revision'); END
"""


def text(value: object) -> str:
    """SQL for a value; PostgreSQL takes our form of a time as well."""
    if value is None:
        return "NULL"
    return "'{}'".format(str(value).replace("'", "''"))


def time(stamp: str | None, url: str) -> str:
    if stamp and url.startswith("sqlite:"):
        stamp = f"{stamp[:10]} {stamp[11:26]}"
    return text(stamp)


class Earlier:
    """An account's tasks and journal, as an earlier version wrote them."""

    def __init__(self, url: str, owner_id: int) -> None:
        self.url = url
        self.owner_id = owner_id
        self.tasks: dict[int, dict[str, Any]] = {}
        self.changes: list[str] = []

    def write(self, action: str, task_id: int, **fields: Any) -> None:
        before = self.tasks.pop(task_id, None)
        after = None
        if action != "delete":
            first: dict[str, Any] = {"id": task_id, "title": "", "done": False}
            first |= {"completed_at": None, "created_at": AT, "updated_at": AT, "version": 0}
            after = (before or first) | fields
            after["version"] += 1
            if action == "update":
                after["updated_at"] = LATER
            self.tasks[task_id] = after
        seq = len(self.changes) + 1
        bodies = [text(each and json.dumps(each, ensure_ascii=False)) for each in (before, after)]
        values = f"{self.owner_id}, {seq}, {time(AT, self.url)}, 'open', '{action}', 'task'"
        self.changes.append(f"({values}, {task_id}, {', '.join(bodies)}, {seq}, NULL, NULL)")

    def statements(self) -> list[str]:
        rows = [
            f"({task['id']}, {text(task['title'])}, {'true' if task['done'] else 'false'}, "
            f"{time(task['completed_at'], self.url)}, {time(task['created_at'], self.url)}, "
            f"{time(task['updated_at'], self.url)}, {task['version']}, {self.owner_id})"
            for task in self.tasks.values()
        ]
        return [
            f"INSERT INTO task ({', '.join(OF_0001)}, owner_id) VALUES {', '.join(rows)}",  # noqa: S608
            f"INSERT INTO change VALUES {', '.join(self.changes)}",  # noqa: S608
        ]


def fill(url: str, revision: str) -> Earlier:
    """Tasks that were created, changed and deleted, before there was a trash."""
    earlier = Earlier(url, 1)
    for number in range(1, MANY + 1):
        earlier.write("create", number, title=f"Übung {number}")
    earlier.write("update", 1, done=True, completed_at=LATER)
    earlier.write("update", 2, title="Write “the” 'report' 🎉\n")
    earlier.write("update", 3, title="was changed before it went")
    earlier.write("delete", 3)
    earlier.write("delete", MANY)
    statements = earlier.statements()
    if revision == "0001":
        statements.append(f"UPDATE account SET seq = {len(earlier.changes)}")  # noqa: S608
    if url.startswith("postgresql:"):
        statements.append(f"ALTER TABLE task ALTER id RESTART WITH {MANY + 1}")
    else:
        statements.append(f"UPDATE sqlite_sequence SET seq = {MANY} WHERE name = 'task'")  # noqa: S608
    run_each(url, statements)
    return earlier


@pytest.mark.parametrize("revision", migrations.WITHOUT_LIVING_TASKS)
def test_what_an_earlier_version_kept_is_there_with_all_fields(
    revision: str, empty_database_url: str
) -> None:
    url = empty_database_url
    migrate_to(revision, url)
    earlier = fill(url, revision)
    if url.startswith("sqlite:"):
        run_sql(url, OLD_TRIGGER)
    with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        tasks = tasks_and_journal_agree(client)
        assert differences_from_the_models(url) == []
        assert {
            task_id: {name: task[name] for name in OF_0001} for task_id, task in tasks.items()
        } == earlier.tasks
        new: dict[str, Any] = {"notes": "", "due": None, "priority": "none", "tags": []}
        new |= {"list_id": None, "parent_id": None}
        fields = list(TaskPublic.model_fields)
        bodies = [
            body
            for change in changes_after(client, 0)
            for body in (change["before"], change["after"])
            if body is not None
        ]
        assert len(bodies) == MANY + 2 * 3 + 2
        for body in bodies:
            assert list(body) == fields, body
            assert body | new == body, body
        ids = [task["id"] for task in client.get("/tasks?sort=position&limit=500").json()]
        assert ids == list(tasks)[:500]
        found = [task for task in tasks.values() if "10" in task["title"]]
        assert client.get("/tasks/count", params={"q": "ubung 10"}).json()["count"] == len(found)

        went = client.get("/trash").json()
        assert [task["id"] for task in went] == [MANY, 3]
        restored = client.post("/trash/3/restore").json()
        assert (restored["title"], restored["version"]) == ("was changed before it went", 3)
        assert client.post(f"/changes/{MANY + 2}/undo").status_code == 200
        undone = client.get("/tasks/2").json()
        assert undone["title"] == "Übung 2"
        added = client.post("/tasks", json={"title": "new"}).json()
        assert added["id"] == MANY + 1
        assert added["position"] > max(task["position"] for task in tasks.values())
        tasks_and_journal_agree(client)


def test_every_account_s_journal_is_completed(empty_database_url: str) -> None:
    url = empty_database_url
    migrate_to("0003", url)
    fill(url, "0003")
    run_sql(url, "INSERT INTO account (username) VALUES (NULL)")
    other = Earlier(url, 2)
    other.write("create", 5_000, title="another's")
    other.write("update", 5_000, done=True, completed_at=LATER)
    other.write("create", 5_001, title="another's, deleted")
    other.write("delete", 5_001)
    run_each(url, other.statements())
    with LiveServer(url):
        pass
    make_accounts(url, {"username": "ada"})
    columns = "username = 'bob', username_folded = 'bob', display_name = 'bob', created_at = "
    ada = "(SELECT {} FROM account WHERE id = 1)"
    run_sql(
        url,
        f"UPDATE account SET {columns} {ada.format('created_at')}, "  # noqa: S608
        f"password = {ada.format('password')} WHERE id = 2",
    )
    with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        for name, count in (("ada", MANY - 2), ("bob", 1)):
            client.headers["Cookie"] = cookies_of(log_in(client, name))
            assert len(tasks_and_journal_agree(client)) == count
        assert [task["id"] for task in client.get("/trash").json()] == [5_001]


def test_what_the_version_before_imports_kept_is_the_same(empty_database_url: str) -> None:
    url = empty_database_url
    before = filled(url)
    # 0005 adds a table and changes nothing else.
    run_each(url, ["DROP TABLE imported", "UPDATE alembic_version SET version_num = '0004'"])
    assert seen(url) == before
    assert differences_from_the_models(url) == []
    assert run_sql(url, "SELECT count(*) FROM imported") == [(0,)]


@pytest.mark.database("sqlite")
@pytest.mark.parametrize(
    ("revision", "statement", "said"),
    [
        ("0004", "CREATE TABLE Imported (id INTEGER)", "a table “imported” of another program"),
        (
            "0003",
            "ALTER TABLE task ADD COLUMN Priority INTEGER",
            "a column “priority” of another program",
        ),
        ("0003", "CREATE TABLE List (id INTEGER)", "a table “list” of another program"),
        (
            "0003",
            "CREATE TABLE task_search (id INTEGER)",
            "a table “task_search” of another program",
        ),
    ],
)
def test_what_another_program_has_under_our_new_names_is_left(
    tmp_path: Path, revision: str, statement: str, said: str
) -> None:
    url, database = f"sqlite:///{tmp_path / 'tasks.db'}", tmp_path / "tasks.db"
    migrate_to(revision, url)
    run_sql(url, statement)
    before = hashlib.sha256(database.read_bytes()).digest()
    with pytest.raises(StartupError, match=said) as refusal, closing(open_store(url)) as store:
        store.open()
    assert refusal.value.exit_code == 1
    assert len(str(refusal.value).splitlines()) == 1
    assert hashlib.sha256(database.read_bytes()).digest() == before
    assert list(tmp_path.iterdir()) == [database]
