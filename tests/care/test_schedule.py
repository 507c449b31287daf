"""Backups that a server makes by itself."""

import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from taskhold.store import open_store
from tests.support.commands import refused, said, taskhold
from tests.support.servers import ServerProcess
from tests.support.tasks import add, wait_until

NAME = re.compile(r"(?P<of>.+)-(?P<at>\d{8}T\d{6}Z)\.(?:db|dump)")


def named(url: str, *, hours_ago: float) -> str:
    """What a backup of then is called."""
    store = open_store(url)
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    return f"{store.name}-{at:%Y%m%dT%H%M%SZ}{store.backup_suffix}"


def backups_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if NAME.fullmatch(path.name))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


def numbers(client: httpx2.Client, name: str) -> list[float]:
    lines = client.get("/metrics").text.splitlines()
    return [float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)]


def test_one_of_the_workers_makes_a_backup_and_the_oldest_goes(
    database_url: str, folder: Path, serve: Callable[..., ServerProcess]
) -> None:
    old = [named(database_url, hours_ago=hours) for hours in (75, 50, 25)]
    others = ["notes.txt", "other-20260101T000000Z.db", "tasks.db"]
    left_over = f"{named(database_url, hours_ago=26)}.part-0123abcd"
    for name in (*old, *others, left_over):
        (folder / name).touch()
    variables = {"TASKHOLD_BACKUP_FOLDER": str(folder), "TASKHOLD_BACKUP_KEEP": "2"}
    server = serve("--workers", "2", **variables)
    with server.client() as client:
        add(client)
        wait_until(lambda: numbers(client, 'taskhold_backups_total{result="succeeded"}') == [1])
        ours = [name for name in backups_in(folder) if name not in others]
        assert ours[0] == old[-1]
        (new,) = ours[1:]
        assert not (folder / left_over).exists()
        assert all((folder / name).exists() for name in others)
        assert said(database_url, "verify", str(folder / new)).endswith("is whole\n")
        (at,) = numbers(client, "taskhold_backup_timestamp_seconds")
        assert abs(at - datetime.now(UTC).timestamp()) < 60
        assert numbers(client, 'taskhold_backups_total{result="failed"}') == [0]
        assert client.get("/readyz").status_code == 200
        # The next one is made when it is time: as if that were a day ago.
        (folder / new).rename(folder / named(database_url, hours_ago=24.5))
        wait_until(lambda: numbers(client, 'taskhold_backups_total{result="succeeded"}') == [2])
        assert len([name for name in backups_in(folder) if name not in others]) == 2
    assert server.stop() == 0


@pytest.mark.database("sqlite")
def test_a_backup_that_is_not_due_is_not_made(
    database_url: str, folder: Path, serve: Callable[..., ServerProcess]
) -> None:
    recent = folder / named(database_url, hours_ago=1.9)
    recent.touch()
    server = serve(TASKHOLD_BACKUP_FOLDER=str(folder), TASKHOLD_BACKUP_EVERY="2h")
    notes = folder / ".tasks.backups"
    wait_until(notes.exists)  # it has looked
    assert server.stop() == 0
    assert backups_in(folder) == [recent.name]


@pytest.mark.database("sqlite")
def test_a_folder_that_is_missing_is_said_and_tried_again(
    database_url: str, tmp_path: Path, serve: Callable[..., ServerProcess]
) -> None:
    folder = tmp_path / "absent"
    server = serve(TASKHOLD_BACKUP_FOLDER=str(folder))
    with server.client() as client:
        wait_until(lambda: numbers(client, 'taskhold_backups_total{result="failed"}') >= [1])
        assert client.get("/readyz").status_code == 200
        assert "a backup failed" in server.log.read_text()
        assert "No such file or directory" in server.log.read_text()
        folder.mkdir()
        wait_until(lambda: bool(backups_in(folder)))


@pytest.mark.database("postgresql")
def test_why_one_failed_is_told_by_the_doctor(
    database_url: str, folder: Path, tmp_path: Path, serve: Callable[..., ServerProcess]
) -> None:
    broken = tmp_path / "programs"
    broken.mkdir()
    newest = shutil.which("pg_dump")
    assert newest is not None
    (broken / "pg_dump").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {newest} --version\necho "no room" >&2\nexit 1\n'
    )
    (broken / "pg_dump").chmod(0o755)
    old = folder / named(database_url, hours_ago=30)
    old.touch()
    variables = {
        "TASKHOLD_BACKUP_FOLDER": str(folder),
        "PATH": f"{broken}{os.pathsep}{os.environ['PATH']}",
    }
    server = serve(**variables)
    with server.client() as client:
        wait_until(lambda: numbers(client, 'taskhold_backups_total{result="failed"}') == [1])
        assert client.get("/readyz").status_code == 200
    assert server.stop() == 0
    assert backups_in(folder) == [old.name]  # what there is stays
    assert "no room" in server.log.read_text()
    told = taskhold(database_url, "doctor", "--json", TASKHOLD_BACKUP_FOLDER=str(folder))
    assert told.returncode == 1
    (failed,) = [
        remark for remark in json.loads(told.stdout)["remarks"] if "no room" in remark["sentence"]
    ]
    assert (failed["level"], failed["topic"]) == ("wrong", "backups")


@pytest.mark.database("sqlite")
def test_a_distance_that_is_none_stops_the_start(database_url: str) -> None:
    for bad in ("0h", "1w", "daily", "-1d"):
        sentence = refused(database_url, "serve", exit_code=2, TASKHOLD_BACKUP_EVERY=bad)
        assert sentence.startswith("TASKHOLD_BACKUP_EVERY: should be minutes, hours or days")
