"""`taskhold verify`: what is damaged is found, and what is well is not called damaged."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.backups import back_up, seeded, shown
from tests.support.commands import taskhold
from tests.support.sql import run_each, run_sql
from tests.support.tasks import add, add_list, change, remove

Verdict = dict[str, dict[str, Any]]

DAMAGE = [
    (
        "tasks",
        "UPDATE task SET priority = 3 WHERE id = 1",
        "Task 1 differs from change 2 in its priority",
    ),
    ("tasks", "DELETE FROM change WHERE seq = 3", "Task 2 is not in the journal"),
    ("journal", "SELECT 1", "1 changes between 1 and 11 are missing"),
    (
        "texts to search and sort by",
        "UPDATE task SET search_text = 'zz' WHERE id = 3",
        "Task 3 has a stale search_text",
    ),
    (
        "tags",
        "DELETE FROM task_tag WHERE task_id = 3",
        "Task 3 is found under other tags than it shows",
    ),
    ("lists", "UPDATE list SET name = 'other'", "List 1 differs from change 1 in its name"),
    (
        "trash",
        "UPDATE trashed_task SET body = '{}' WHERE task_id = 4",
        "Task 4 in the trash is not what change 8 deleted",
    ),
    (
        "trash",
        "DELETE FROM trashed_task WHERE task_id = 5",
        "Task 5 is not in the trash, where change 9 (delete) put it",
    ),
    (
        "places",
        "UPDATE task SET list_id = 77 WHERE id = 3",
        "Task 3 belongs to list 77, which isn't there",
    ),
]
ELSEWHERE = {
    "sqlite": [
        (
            "ids",
            "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'task'",
            "“task” would hand out the id 6 again",
        ),
        ("search index", "DELETE FROM task_search_data", "It does not fit the tasks"),
        (
            "references",
            "INSERT INTO kept_answer VALUES (9, 'k', '', '', 1, '', '')",
            "Row 1 of “kept_answer”",
        ),
    ],
    "postgresql": [
        (
            "ids",
            "ALTER TABLE task ALTER COLUMN id RESTART WITH 1",
            "“task” would hand out the id 6 again",
        ),
        (
            "tasks",
            "DELETE FROM task WHERE id = 6",
            "Task 6 is gone, but change 11 (create) left it",
        ),
    ],
}


def verdict(url: str, *words: str) -> tuple[bool, Verdict]:
    """What `verify --json` says: is it well, and the checks by their names."""
    ended = taskhold(url, "verify", "--json", *words)
    assert ended.stderr == ""
    told = json.loads(ended.stdout)
    assert ended.returncode == (0 if told["is_well"] else 1)
    return told["is_well"], {check["name"]: check for check in told["checks"]}


def filled(client: httpx2.Client) -> None:
    """Some of everything: eleven changes."""
    add_list(client, "Home")
    add(client, "one", list_id=1)
    add(client, "two")
    add(client, "three", tags=["Blue", "red"], notes="n", due="2026-12-01")
    add(client, "four", parent_id=None)
    add(client, "five")
    change(client, 3, done=True)
    remove(client, "/tasks/4")
    remove(client, "/tasks/5")
    change(client, 3, done=False)
    add(client, "six", parent_id=1)


def test_what_sql_has_damaged_is_found_and_named(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    filled(client)
    is_well, checks = verdict(database_url)
    assert is_well, checks
    assert checks["journal"]["looked_at"] == 11
    assert checks["tasks"]["looked_at"] == 4
    assert checks["trash"]["looked_at"] == 2
    kind = database_url.partition(":")[0]
    for name, sql, sentence in [*DAMAGE, *ELSEWHERE[kind]]:
        run_sql(database_url, sql)
        is_well, checks = verdict(database_url)
        assert not is_well, sql
        found = checks[name]
        assert any(example.startswith(sentence) for example in found["examples"]), (sql, found)
        assert found["advice"]
    shown_to_people = taskhold(database_url, "verify")
    assert shown_to_people.returncode == 1
    assert "Task 1 differs from change 2 in its priority\n" in shown_to_people.stdout
    assert shown_to_people.stdout.endswith("is damaged\n")
    backup = tmp_path / "copy.backup"
    assert taskhold(database_url, "backup", str(backup)).returncode == 0
    there, of_backup = verdict(database_url, str(backup))
    assert not there
    assert of_backup["tasks"]["examples"][0] == checks["tasks"]["examples"][0]


@pytest.mark.database("sqlite")
def test_what_other_programs_write_is_no_damage(client: httpx2.Client, database_url: str) -> None:
    filled(client)
    run_each(
        database_url,
        [
            "INSERT INTO task (title, done) VALUES ('Über', 0)",
            "UPDATE task SET title = 'ÄNDERUNG' WHERE id = 2",
            "UPDATE task SET done = 1 WHERE id = 3",
            "DELETE FROM task WHERE id = 1",
        ],
    )
    is_well, checks = verdict(database_url)
    assert is_well, checks


def test_what_is_forgotten_by_age_is_not_missed(client: httpx2.Client, database_url: str) -> None:
    filled(client)
    run_sql(database_url, "DELETE FROM change WHERE seq < 9")
    assert verdict(database_url)[0]


def test_what_was_purged_may_be_nowhere_in_the_journal(
    client: httpx2.Client, database_url: str
) -> None:
    filled(client)
    remove(client, "/trash/4")
    assert verdict(database_url)[0]
    run_sql(
        database_url, "UPDATE change SET before = '{}' WHERE object_id = 4 AND action = 'delete'"
    )
    _, checks = verdict(database_url)
    assert checks["journal"]["examples"] == ["Task 4 was purged, but the journal still tells of it"]


@pytest.mark.database("sqlite")
def test_damaged_pages_are_found_in_the_database_and_in_a_backup(
    database_url: str, tmp_path: Path
) -> None:
    seeded(database_url, 1000)
    backup = back_up(database_url, tmp_path / "b.db")
    for path in (backup, Path(shown(database_url))):
        with path.open("rb+") as file:
            file.seek(60 * 4096 + 100)
            file.write(b"\xff" * 3000)
    for words in ((), (str(backup),)):
        is_well, checks = verdict(database_url, *words)
        assert not is_well
        assert checks["pages of the file"]["wrong"]
        assert "restore a backup" in checks["pages of the file"]["advice"]


def test_verify_holds_up_nobody_and_changes_nothing(
    client: httpx2.Client, database_url: str
) -> None:
    filled(client)
    cursor = client.get("/changes").json()["cursor"]
    etag = client.get("/tasks").headers["etag"]
    assert verdict(database_url)[0]
    assert client.get("/changes").json()["cursor"] == cursor
    assert client.get("/tasks").headers["etag"] == etag
    add(client)
