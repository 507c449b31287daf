"""`taskhold backup`, beside a server that writes."""

import asyncio
import json
import os
import shutil
import signal
import stat
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from taskhold.care.lineage import beginning_anew
from taskhold.care.verifying import verify
from taskhold.cli import care
from taskhold.errors import StartupError
from taskhold.store.keepers import keeper
from taskhold.store.postgres import programs
from taskhold.store.sqlite.backup import copy_file
from tests.support.backups import (
    back_up,
    journal_begin,
    seeded,
    shown,
    told,
    whole_journal,
)
from tests.support.commands import begun, refused, said, taskhold
from tests.support.databases import Databases
from tests.support.journal import changes_after
from tests.support.postgresql import PASSWORD
from tests.support.servers import LiveServer, ServerProcess
from tests.support.sql import run_each, run_sql
from tests.support.tasks import add, wait_until
from tests.support.writers import Writers

PARTS = "*.part-*"


def test_each_backup_under_writes_has_all_that_was_acknowledged_before(
    databases: Databases, database_url: str, tmp_path: Path, long: bool
) -> None:
    many = 20 if long else 5
    before: list[int] = []
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        writers = Writers([server.url], plain=1)
        with writers.writing():
            for number in range(many):
                before.append(client.get("/changes").json()["cursor"])
                back_up(database_url, tmp_path / f"{number}.backup")
        journal = told(changes_after(client, 0))
    assert before == sorted(set(before))
    for number in range(many):
        folder = tmp_path / f"fresh-{number}"
        folder.mkdir()
        with databases.empty(folder) as fresh_url:
            backup, begin_anew = tmp_path / f"{number}.backup", beginning_anew(keeps_logins=False)
            keeper(fresh_url).restore(backup, begin_anew, verify, lambda *_: None)
            with LiveServer(fresh_url) as fresh, httpx2.Client(base_url=fresh.url) as reader:
                there = told(whole_journal(reader, journal_begin(fresh_url)))
        assert len(there) >= before[number]
        assert there == journal[: len(there)]


@pytest.mark.database("sqlite")
def test_a_copy_is_of_one_moment_however_much_is_written_meanwhile(
    database_url: str, tmp_path: Path
) -> None:
    seeded(database_url, 1)
    filled = "INSERT INTO large VALUES (zeroblob(4000000))"
    run_each(database_url, ["CREATE TABLE large (content)", *[filled] * 4])
    steps: list[int] = []

    def copied(done: int, _: int) -> None:
        steps.append(done)
        assert len(steps) < 50, "it began anew with each commit"
        run_sql(database_url, "INSERT INTO large VALUES ('later')")

    copy = tmp_path / "copy.db"
    copy.touch()
    copy_file(Path(shown(database_url)), copy, copied)
    assert len(steps) > 3
    assert run_sql(f"sqlite:///{copy}", "SELECT count(*) FROM large") == [(4,)]


def test_a_backup_is_for_its_owner_alone_and_one_file(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client)
    folder = tmp_path / "backups"
    folder.mkdir()
    old_mask = os.umask(0)
    try:
        backup = back_up(database_url, folder / "first")
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [backup]


def test_a_backup_overwrites_nothing_unless_it_is_told_to(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client, "first")
    backup = back_up(database_url, tmp_path / "a.backup")
    content = backup.read_bytes()
    assert (
        refused(database_url, "backup", str(backup))
        == f"{backup} is there already; --overwrite replaces it"
    )
    assert backup.read_bytes() == content
    add(client, "second")
    back_up(database_url, backup, "--overwrite")
    assert backup.read_bytes() != content


def test_a_backup_can_be_read_by_a_script(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client)
    path = tmp_path / "a.backup"
    made = json.loads(said(database_url, "backup", str(path), "--json"))
    assert made["file"] == str(path)
    assert made["bytes"] == path.stat().st_size
    assert made["is_well"] is True


@pytest.mark.database("sqlite")
def test_where_no_backup_can_be_made_one_sentence_says_why(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client)
    database = shown(database_url)
    for file, sentence in {
        f"{tmp_path}/absent/b.db": f"The folder {tmp_path}/absent does not exist",
        str(tmp_path): f"{tmp_path} is a folder; name a file",
    }.items():
        assert refused(database_url, "backup", file) == sentence
    assert (
        refused(database_url, "backup", database, "--overwrite")
        == f"{database} is the database itself; name another file"
    )
    absent = f"sqlite:///{tmp_path}/absent.db"
    assert (
        refused(absent, "backup", str(tmp_path / "b.db"))
        == f"There is no file {tmp_path}/absent.db"
    )
    assert not list(tmp_path.glob(PARTS))


def test_a_backup_that_is_killed_leaves_no_file_of_its_name(
    database_url: str, tmp_path: Path
) -> None:
    seeded(database_url, 3000)
    began = time.monotonic()
    backup = back_up(database_url, tmp_path / "killed.backup")
    took = time.monotonic() - began
    backup.unlink()
    points = 5
    for point in range(points):
        with begun(database_url, "backup", str(backup), folder=tmp_path) as process:
            wait_until(partial(_has_begun, tmp_path))
            time.sleep(took * point / points)
        if backup.exists():  # it was whole already
            assert said(database_url, "verify", str(backup)).endswith("is whole\n")
            backup.unlink()
        else:
            assert process.returncode == -signal.SIGKILL
    assert list(tmp_path.glob(PARTS))
    back_up(database_url, backup)


def test_ctrl_c_and_sigterm_take_away_what_is_not_whole(database_url: str, tmp_path: Path) -> None:
    seeded(database_url, 3000)
    backup = tmp_path / "stopped.backup"
    for number in (signal.SIGINT, signal.SIGTERM):
        with begun(database_url, "backup", str(backup), folder=tmp_path) as process:
            wait_until(partial(_has_begun, tmp_path))
            process.send_signal(number)
            assert process.wait(20) == 1
        assert (tmp_path / "log").read_text() == "taskhold: stopped\n"
        assert not list(tmp_path.glob("*.backup*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_comes_where_something_is_awaited(number: signal.Signals, tmp_path: Path) -> None:
    """An exception anywhere else crashes the driver's C code, or leaves asyncio waiting."""
    was_cancelled = []

    async def work() -> None:
        try:
            signal.raise_signal(number)
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            was_cancelled.append(True)
            raise

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(StartupError, match="stopped"), care._care(f"sqlite:///{tmp_path}/a.db"):
            asyncio.run(work())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert was_cancelled


def _has_begun(folder: Path) -> bool:
    return bool(list(folder.glob(PARTS)))


@pytest.mark.database("sqlite")
def test_what_a_server_had_not_written_back_when_it_was_killed_is_in_the_backup(
    database_url: str, tmp_path: Path, serve: Callable[..., ServerProcess]
) -> None:
    server = serve()
    with server.client() as client:
        for number in range(3):
            add(client, str(number))
    server.kill()
    backup = back_up(database_url, tmp_path / "b.db")
    assert run_sql(f"sqlite:///{backup}", "SELECT count(*) FROM task") == [(3,)]


@pytest.mark.database("sqlite")
def test_a_damaged_database_is_not_backed_up(database_url: str, tmp_path: Path) -> None:
    seeded(database_url, 1000)
    database = Path(shown(database_url))
    with database.open("rb+") as file:  # a leaf of some table or index
        file.seek(40 * 4096)
        file.write(b"\xff" * 4096)
    sentence = refused(database_url, "backup", str(tmp_path / "b.db"))
    assert sentence.startswith(f"No backup was made, since {database} is damaged (")
    assert not list(tmp_path.glob("b.db*"))


@pytest.mark.database("sqlite")
def test_what_is_wrong_with_rows_is_said_and_backed_up(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    task_id = add(client)
    assert task_id == 1
    run_sql(database_url, "UPDATE task SET notes = 'past the journal' WHERE id = 1")
    made = taskhold(database_url, "backup", str(tmp_path / "b.db"))
    assert made.returncode == 0
    assert made.stderr == (
        f"taskhold: {shown(database_url)} has 2 mistakes; `taskhold verify` says which\n"
    )
    assert (tmp_path / "b.db").exists()


@pytest.mark.database("postgresql")
def test_without_postgresqls_programs_a_sentence_says_what_to_do(
    client: httpx2.Client, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(client)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_DEBIANS", tmp_path)
    backup = tmp_path / "b.dump"
    with pytest.raises(StartupError, match=r"pg_dump is not installed.*taskhold copy"):
        keeper(database_url).back_up(backup, verify, lambda *_: None)
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    with pytest.raises(StartupError, match=r"pg_dump is of PostgreSQL 9, and the server of 1\d:"):
        keeper(database_url).back_up(backup, verify, lambda *_: None)
    assert [each.name for each in tmp_path.iterdir()] == ["pg_dump"]


@pytest.mark.database("postgresql")
def test_no_password_is_among_the_arguments_of_pg_dump(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "pg_dump"
    spy.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\nexec {shutil.which("pg_dump")} "$@"\n'
    )
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    back_up(f"{database_url}?lock_timeout=7s&sslmode=prefer", tmp_path / "b.dump")
    arguments = (tmp_path / "arguments").read_text()
    assert f"--dbname={shown(database_url)}?sslmode=prefer" in arguments
    assert PASSWORD not in arguments
    assert quote(PASSWORD, safe="") not in arguments
