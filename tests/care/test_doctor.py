"""`taskhold doctor`: one screen of what is right and wrong, and what to do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from taskhold.store.condition import Level
from taskhold.store.postgres import condition as postgres
from taskhold.store.postgres import programs
from taskhold.store.sqlite.condition import has_the_wal_reset_race
from tests.support.accounts import make_accounts
from tests.support.backups import back_up, shown
from tests.support.commands import said, taskhold
from tests.support.postgresql import PostgreSQL
from tests.support.sql import run_sql
from tests.support.tasks import add

Remarks = dict[str, list[dict[str, str]]]


def diagnosis(url: str, **settings: str) -> tuple[bool, Remarks]:
    """Whether all is well, and what is said by topic; the exit code and the text agree."""
    told = taskhold(url, "doctor", "--json", **settings)
    assert told.stderr == ""
    document = json.loads(told.stdout)
    is_well: bool = document["is_well"]
    assert told.returncode == (0 if is_well else 1)
    assert is_well == (not any(each["level"] == "wrong" for each in document["remarks"]))
    by_topic: Remarks = {}
    for each in document["remarks"]:
        assert bool(each["advice"]) == (each["level"] != "well"), each
        by_topic.setdefault(each["topic"], []).append(each)
    return is_well, by_topic


def levels(remarks: Remarks, topic: str) -> list[str]:
    return [each["level"] for each in remarks[topic]]


def test_a_database_that_is_well(client: httpx2.Client, database_url: str) -> None:
    add(client)
    is_well, remarks = diagnosis(database_url)
    assert is_well
    warned = {topic for topic in remarks if levels(remarks, topic) != ["well"]}
    assert warned == {"who may", "backups"}  # no account, no backups: that is so at first
    assert levels(remarks, "durability") == ["well"]
    text = said(database_url, "doctor")
    assert len(text.splitlines()) < 25  # one screen
    assert text.endswith("0 things wrong, 2 warnings\n")
    assert "\x1b" not in text
    assert "taskhold user add NAME" in text


def test_who_could_reach_it(client: httpx2.Client, database_url: str) -> None:
    add(client)
    _, remarks = diagnosis(database_url)
    assert "every program of every user of this machine" in remarks["who may"][0]["sentence"]
    _, remarks = diagnosis(database_url, TASKHOLD_HOST="192.0.2.1")
    assert "nobody may do anything" in remarks["who may"][0]["sentence"]
    assert levels(remarks, "encryption") == ["warning"]
    make_accounts(database_url, {"username": "ada"})
    _, remarks = diagnosis(database_url, TASKHOLD_PUBLIC_URL="https://tasks.example")
    assert levels(remarks, "who may") == ["well"]
    assert "encryption" not in remarks


def test_a_clock_that_is_behind_the_journal(client: httpx2.Client, database_url: str) -> None:
    add(client)
    future = datetime.now(UTC) + timedelta(hours=3)
    at = future.isoformat(sep=" ", timespec="microseconds")
    if database_url.startswith("sqlite:"):
        at = at.removesuffix("+00:00")
    run_sql(database_url, f"UPDATE change SET at = '{at}'")  # noqa: S608
    is_well, remarks = diagnosis(database_url)
    assert not is_well
    assert levels(remarks, "clock") == ["wrong"]


def test_backups_that_are_missing_old_or_fine(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client)
    folder = tmp_path / "backups"
    settings = {"TASKHOLD_BACKUP_FOLDER": str(folder)}
    for expected in ("is not there", "There is none"):
        is_well, remarks = diagnosis(database_url, **settings)
        assert not is_well
        assert expected in remarks["backups"][0]["sentence"]
        folder.mkdir(exist_ok=True)
    name = database_url.rpartition("/")[2].removesuffix(".db")
    suffix = ".db" if database_url.startswith("sqlite:") else ".dump"
    for hours, level in ((49, "wrong"), (20, "well")):
        at = datetime.now(UTC) - timedelta(hours=hours)
        back_up(database_url, folder / f"{name}-{at:%Y%m%dT%H%M%SZ}{suffix}")
        is_well, remarks = diagnosis(database_url, **settings)
        assert levels(remarks, "backups") == [level]
        assert is_well == (level == "well")
    on_one_disk = "It is the one that the database is on"
    told = [each["sentence"] for each in remarks["backups' disk"]]
    assert any(each.startswith(on_one_disk) for each in told) == (suffix == ".db")


def test_a_schema_of_another_version(client: httpx2.Client, database_url: str) -> None:
    add(client)
    run_sql(database_url, "UPDATE alembic_version SET version_num = '9999'")
    is_well, remarks = diagnosis(database_url)
    assert not is_well
    assert "newer Taskhold" in remarks["database"][0]["sentence"]


def test_a_database_that_is_not_there(empty_database_url: str) -> None:
    is_well, remarks = diagnosis(empty_database_url)
    assert is_well
    assert levels(remarks, "database") == ["warning"]


@pytest.mark.database("sqlite")
def test_files_that_others_may_read_have_two_names_or_were_left_behind(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client)
    database = Path(shown(database_url))
    database.chmod(0o644)
    (tmp_path / "tasks.db-restoring").touch()
    _, remarks = diagnosis(database_url)
    assert f"chmod 600 {database}" in [each["advice"] for each in remarks["permissions"]]
    assert levels(remarks, "leftovers") == ["warning"]
    (tmp_path / "second name").hardlink_to(database)
    is_well, remarks = diagnosis(database_url)
    assert not is_well
    assert levels(remarks, "names") == ["wrong"]


@pytest.mark.database("sqlite")
def test_a_file_that_is_no_database_or_damaged(database_url: str, tmp_path: Path) -> None:
    database = Path(shown(database_url))
    database.write_bytes(b"no database " * 1000)
    is_well, remarks = diagnosis(database_url)
    assert not is_well
    assert "is not a SQLite database" in remarks["database"][0]["sentence"]


@pytest.mark.database("sqlite")
@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 4), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_the_libraries_that_have_the_wal_reset_race(version: tuple[int, ...], has_it: bool) -> None:
    assert has_the_wal_reset_race(version) == has_it


@pytest.mark.database("postgresql")
def test_a_server_that_is_away(database_url: str) -> None:
    is_well, remarks = diagnosis("postgresql://nobody@127.0.0.1:1/none")
    assert not is_well
    assert "Connection refused" in remarks["database"][0]["sentence"]


@pytest.mark.database("postgresql")
def test_what_makes_a_commit_durable(
    client: httpx2.Client, postgresql: PostgreSQL, database_url: str
) -> None:
    name = database_url.rpartition("/")[2]
    postgresql.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    is_well, remarks = diagnosis(database_url)
    assert is_well
    assert levels(remarks, "durability") == ["warning"]
    row: Any = {"is_standby": False, "fsync": "off", "full_page_writes": "on"}
    remark = postgres._durability(row)
    assert remark.level is Level.wrong
    assert remark.sentence.startswith("fsync is off")


@pytest.mark.database("postgresql")
def test_programs_that_are_older_than_the_server(
    client: httpx2.Client, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    monkeypatch.setattr(programs, "_DEBIANS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    remark = postgres._programs(18)
    assert remark.level is Level.warning
    assert "pg_dump is of PostgreSQL 9, and the server of 18" in remark.sentence
