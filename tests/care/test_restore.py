"""`taskhold restore`: another database in the place of the one that there is, or nothing."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from taskhold.store import migrations
from tests.support.accounts import cookies_of, log_in, make_accounts
from tests.support.backups import back_up, journal_begin, restore, seeded, shown, told
from tests.support.commands import begun, refused, said, taskhold
from tests.support.databases import Databases
from tests.support.journal import changes_after, tasks_and_journal_agree
from tests.support.lesson import ROOT
from tests.support.revisions import migrate_to
from tests.support.servers import LiveServer, ServerProcess
from tests.support.sessions import Session
from tests.support.sql import run_each, run_sql
from tests.support.tasks import add, change, get, remove

DYING = ROOT / "tests" / "support" / "dying"


def test_what_a_client_has_from_before_passes_for_nothing_after(
    database_url: str, tmp_path: Path
) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        add(client, "kept")
        backup = back_up(database_url, tmp_path / "a.backup")
        etag = client.get("/tasks/1").headers["etag"]
        of_all = client.get("/tasks").headers["etag"]
        for number in range(5):
            add(client, f"lost {number}")
        stale = client.get("/changes").json()["cursor"]
    restore(database_url, backup)
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        for _ in range(2):
            for cursor in (0, 1, stale, stale + 3):
                answer = client.get("/changes", params={"after": cursor})
                assert (answer.status_code, answer.json()["type"]) == (410, "/problems/cursor-gone")
                assert client.get("/events", params={"after": cursor}).status_code == 410
            refused_ = client.patch("/tasks/1", json={"done": True}, headers={"If-Match": etag})
            assert refused_.status_code == 412
            assert refused_.json()["current"]["title"] == "kept"
            assert client.get("/tasks/1", headers={"If-None-Match": etag}).status_code == 200
            assert client.get("/tasks", headers={"If-None-Match": of_all}).status_code == 200
            for number in range(8):  # as many as there were, and more
                add(client, f"new {number}")
        fresh = client.get("/changes").json()["cursor"]
        assert 10**15 < fresh < 2**53  # a browser can tell them apart
        assert client.get("/changes", params={"after": fresh}).status_code == 200
        tasks_and_journal_agree(client, journal_begin(database_url))


def test_cursors_are_refused_also_where_the_backup_has_no_change(
    database_url: str, tmp_path: Path
) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    backup = back_up(database_url, tmp_path / "a.backup")
    token = said(database_url, "token", "add", "ada", "--name", "n", "--scope", "write").strip()
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        for _ in range(3):
            add(client)
    restore(database_url, backup)
    token = said(database_url, "token", "add", "ada", "--name", "n", "--scope", "write").strip()
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/changes", params={"after": 3}).status_code == 410
        for _ in range(4):
            assert add(client) > 3
            assert client.get("/changes", params={"after": 3}).status_code == 410
    assert said(database_url, "verify").endswith("is whole\n")


def test_a_second_restore_refuses_what_was_handed_out_after_the_first(
    database_url: str, tmp_path: Path
) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        add(client)
        backup = back_up(database_url, tmp_path / "a.backup")
    cursors = [1]
    for _ in range(2):
        restore(database_url, backup)
        with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
            for cursor in cursors:
                assert client.get("/changes", params={"after": cursor}).status_code == 410
            add(client)
            cursors.append(client.get("/changes").json()["cursor"])


def test_numbers_mean_tasks_and_names_mean_backups(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client)
    backup = back_up(database_url, tmp_path / "7")
    remove(client, "/tasks/1")
    assert said(database_url, "restore", "1") == "Back: 1 “a”\n"
    assert "Not in the trash: 7" in refused(database_url, "restore", "7")
    assert "is in use" in refused(database_url, "restore", str(backup))
    assert "is in use" in refused(database_url, "restore", "--keep-tokens", str(backup))


def test_history_undo_and_trash_go_on_over_a_restore(database_url: str, tmp_path: Path) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        add(client, "first")
        change(client, 1, title="second")
        add(client, "parent")
        add(client, "child", parent_id=2)
        remove(client, "/tasks/2")
        before = told(changes_after(client, 0))
        backup = back_up(database_url, tmp_path / "a.backup")
    restore(database_url, backup)
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        begin = journal_begin(database_url)
        assert told(changes_after(client, begin)) == before
        assert client.post(f"/changes/{begin + 2}/undo").status_code == 200
        assert get(client, 1)["title"] == "first"
        assert client.post("/trash/2/restore").status_code == 200
        assert get(client, 3)["parent_id"] == 2
        tasks_and_journal_agree(client, begin)
    assert said(database_url, "verify").endswith("is whole\n")


def test_no_id_is_used_again_that_was_handed_out_after_the_backup(
    database_url: str, tmp_path: Path
) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        add(client)
        backup = back_up(database_url, tmp_path / "a.backup")
        lost = [add(client) for _ in range(3)]
        remove(client, f"/tasks/{lost[-1]}")
    restore(database_url, backup)
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        assert add(client) == lost[-1] + 1


@pytest.mark.parametrize("keeps", [False, True])
def test_logins_end_unless_they_are_kept(database_url: str, tmp_path: Path, keeps: bool) -> None:
    make_accounts(database_url, {"username": "ada"})
    token = said(database_url, "token", "add", "ada", "--name", "n").strip()
    bearer = {"Authorization": f"Bearer {token}"}
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        session = {"Cookie": cookies_of(log_in(client, "ada"))}
        backup = back_up(database_url, tmp_path / "a.backup")
    said(database_url, "token", "revoke", "ada", "1")
    restore(database_url, backup, *(["--keep-tokens"] if keeps else []))
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        for login in (bearer, session):
            assert client.get("/me", headers=login).status_code == (200 if keeps else 401)
        assert log_in(client, "ada").status_code == 200
    audit = said(database_url, "audit")
    assert "database restored" in audit
    assert ("logins kept" if keeps else "logins ended") in audit


def test_what_was_there_before_is_kept_and_comes_back(database_url: str, tmp_path: Path) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        add(client, "in the backup")
        backup = back_up(database_url, tmp_path / "a.backup")
        add(client, "only here")
    (kept,) = restore(database_url, backup)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in kept.parent.glob("*before-restore*")] == [kept.name]
    assert titles(database_url) == ["in the backup"]
    restore(database_url, kept)
    assert titles(database_url) == ["in the backup", "only here"]


def titles(url: str) -> list[str]:
    return [title for (title,) in run_sql(url, "SELECT title FROM task ORDER BY id")]


def test_a_running_server_is_not_restored_under(database_url: str, tmp_path: Path) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        add(client, "first")
        backup = back_up(database_url, tmp_path / "a.backup")
        add(client, "second")
        sentence = refused(database_url, "restore", str(backup))
        assert sentence.startswith(f"{shown(database_url)} is in use: stop the server")
        assert add(client, "third") == 3
        assert titles(database_url) == ["first", "second", "third"]
    restore(database_url, backup)
    assert titles(database_url) == ["first"]


@pytest.mark.database("sqlite")
def test_a_server_on_a_damaged_file_is_in_the_way_too(
    database_url: str, tmp_path: Path, serve: Callable[..., ServerProcess]
) -> None:
    server = serve()
    with server.client() as client:
        add(client)
    backup = back_up(database_url, tmp_path / "a.backup")
    with Path(shown(database_url)).open("rb+") as file:
        file.write(b"no database any more")
    Path(f"{shown(database_url)}-wal").write_bytes(b"")
    sentence = refused(database_url, "restore", str(backup))
    assert sentence.startswith(f"{shown(database_url)} is in use: stop the server")
    server.kill()
    restore(database_url, backup)
    assert titles(database_url) == ["a"]


def test_another_program_that_has_it_open_is_in_the_way(
    client: httpx2.Client, server: LiveServer, database_url: str, tmp_path: Path
) -> None:
    add(client)
    backup = back_up(database_url, tmp_path / "a.backup")
    server.stop()
    try:
        if database_url.startswith("sqlite:"):
            with closing(sqlite3.connect(shown(database_url))) as other:
                other.execute("SELECT * FROM task").fetchall()
                sentence = refused(database_url, "restore", str(backup))
        else:
            with Session(database_url):
                sentence = refused(database_url, "restore", str(backup))
        assert sentence.startswith(f"{shown(database_url)} is in use: stop the server")
    finally:
        server.start()


@pytest.mark.parametrize("revision", migrations.REVISIONS[:-1])
def test_a_backup_of_an_older_version_is_brought_up_to_date(
    databases: Databases, tmp_path: Path, revision: str
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with databases.empty(old) as old_url, databases.empty(new) as url:
        migrate_to(migrations.REVISIONS[0], old_url)
        run_each(old_url, _a_task_of_long_ago(is_sqlite=old_url.startswith("sqlite:")))
        migrate_to(revision, old_url)
        backup = back_up(old_url, tmp_path / "old.backup")
        assert run_sql(old_url, "SELECT version_num FROM alembic_version") == [(revision,)]
        assert said(old_url, "verify", str(backup)).endswith("is whole\n")
        restore(url, backup)
        assert run_sql(url, "SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]
        with LiveServer(url) as server, httpx2.Client(base_url=server.url) as client:
            assert get(client, 1)["title"] == "old"
            tasks_and_journal_agree(client, journal_begin(url))


def _a_task_of_long_ago(*, is_sqlite: bool) -> list[str]:
    """As the first version would have written it."""
    at = "2026-11-01 10:00:00.000000"
    stamp = f"{at.replace(' ', 'T')}Z"
    body = (
        '{"id":1,"title":"old","done":false,"completed_at":null,'
        f'"created_at":"{stamp}","updated_at":"{stamp}","version":1}}'
    )
    done = "0" if is_sqlite else "false"
    at = at if is_sqlite else f"{at}+00"
    task = "INSERT INTO task (title, done, title_folded, version, created_at, updated_at)"
    change = (
        "INSERT INTO change (owner_id, seq, at, actor, action, kind, object_id, after, operation)"
    )
    return [
        f"{task} VALUES ('old', {done}, 'old', 1, '{at}', '{at}')",
        f"{change} VALUES (1, 1, '{at}', 'open', 'create', 'task', 1, '{body}', 1)",
    ]


def test_a_backup_of_a_newer_version_is_refused(
    client: httpx2.Client, server: LiveServer, database_url: str, tmp_path: Path
) -> None:
    add(client)
    server.stop()
    backup = tmp_path / "newer.backup"
    newer = "UPDATE alembic_version SET version_num = '{}'"
    try:
        if database_url.startswith("sqlite:"):
            back_up(database_url, backup)
            run_sql(f"sqlite:///{backup}", newer.format("9999"))
        else:
            run_sql(database_url, newer.format("9999"))
            dump = (shutil.which("pg_dump") or "", "-Fc", f"--file={backup}", database_url)
            subprocess.run(dump, check=True)
            run_sql(database_url, newer.format(migrations.HEAD))
        sentence = refused(database_url, "restore", str(backup))
        assert sentence.startswith(f"{backup} was written by a newer Taskhold (its schema is 9999)")
        assert titles(database_url) == ["a"]
        assert not list(tmp_path.glob("*restoring*"))
    finally:
        server.start()


def test_what_is_no_backup_or_a_damaged_one_changes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    seeded(database_url, 300)
    backup = back_up(database_url, tmp_path / "a.backup")
    whole = backup.read_bytes()
    damaged = tmp_path / "damaged.backup"
    for name, content in {
        "cut off": whole[: len(whole) // 2],
        "overwritten": whole[:20_000] + b"\xff" * 20_000 + whole[40_000:],
        "text": b"not a backup\n" * 100,
        "empty": b"",
    }.items():
        damaged.write_bytes(content)
        there = taskhold(database_url, "restore", str(damaged))
        assert there.returncode == 1, name
        assert len(there.stderr.splitlines()) == 1, there.stderr
        assert str(damaged) in there.stderr or "pg_restore" in there.stderr, (name, there.stderr)
        assert len(titles(database_url)) == 300
        looked = taskhold(database_url, "verify", str(damaged))
        assert looked.returncode == 1, (name, looked)
    assert refused(database_url, "restore", "absent") == "There is no file absent"
    assert said(database_url, "verify").endswith("is whole\n")


@pytest.mark.database("postgresql")
def test_what_other_programs_have_in_the_database_stays(database_url: str, tmp_path: Path) -> None:
    seeded(database_url, 2)
    run_each(database_url, ["CREATE TABLE theirs (id int)", "INSERT INTO theirs VALUES (7)"])
    backup = back_up(database_url, tmp_path / "a.backup")
    for file in (backup, *restore(database_url, backup)):  # what is kept is of ours alone, too
        run_sql(database_url, "UPDATE theirs SET id = id + 1")
        restore(database_url, file)
    assert run_sql(database_url, "SELECT * FROM theirs") == [(9,)]
    assert len(titles(database_url)) == 2


@pytest.mark.database("sqlite")
def test_a_backup_of_the_other_database_is_told_apart(
    client: httpx2.Client, database_url: str, tmp_path: Path
) -> None:
    add(client)
    dump = tmp_path / "a.dump"
    dump.write_bytes(b"PGDMP\1\16\0")
    assert refused(database_url, "restore", str(dump)).startswith(
        f"{dump} is a backup of PostgreSQL"
    )
    backup = back_up(database_url, tmp_path / "a.db")
    sentence = refused("postgresql://localhost:1/none", "restore", str(backup))
    assert sentence.startswith(f"{backup} is no dump of pg_dump")


@pytest.mark.database("sqlite")
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: giving files away is not tested here")
def test_what_root_restores_belongs_to_the_server_s_user(database_url: str, tmp_path: Path) -> None:
    seeded(database_url, 1)
    backup = back_up(database_url, tmp_path / "a.backup")
    database = Path(shown(database_url))
    os.chown(database, 12345, 12346)
    (kept,) = restore(database_url, backup)
    for path in (database, kept):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("content", [b"no database " * 1000, b""])
def test_a_file_that_is_damaged_or_gone_is_restored_over(
    client: httpx2.Client, server: LiveServer, database_url: str, tmp_path: Path, content: bytes
) -> None:
    add(client)
    backup = back_up(database_url, tmp_path / "a.backup")
    server.stop()
    database = Path(shown(database_url))
    try:
        database.write_bytes(content)
        (kept,) = restore(database_url, backup)
        assert kept.read_bytes() == content
        database.unlink()
        assert restore(database_url, backup) == []
        assert titles(database_url) == ["a"]
    finally:
        server.start()


def test_a_restore_that_is_killed_leaves_the_old_or_the_new_whole(
    database_url: str, tmp_path: Path, long: bool
) -> None:
    seeded(database_url, 2000)
    backup = back_up(database_url, tmp_path / "a.backup")
    began = time.monotonic()
    restore(database_url, backup)
    took = time.monotonic() - began
    points, killed = 12 if long else 3, 0
    for point in range(1, points + 1):
        with begun(database_url, "restore", str(backup), folder=tmp_path) as process:
            time.sleep(took * point / (points + 1))
        killed += process.returncode == -signal.SIGKILL
        assert said(database_url, "verify").endswith("is whole\n")
        assert len(titles(database_url)) == 2000
    assert killed
    restore(database_url, backup)
    assert not list(tmp_path.glob("*restoring*"))


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("die_at", ["before link", "after link", "before replace", "after replace"])
def test_at_each_moment_of_the_exchange_there_is_the_old_or_the_new_one(
    database_url: str, tmp_path: Path, die_at: str
) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        add(client, "in the backup")
        backup = back_up(database_url, tmp_path / "a.backup")
        add(client, "only here")
    variables = {"PYTHONPATH": str(DYING), "DIE_AT": die_at, "TASKHOLD_DATABASE_URL": database_url}
    died = subprocess.run(
        [sys.executable, "-m", "taskhold", "restore", str(backup)],
        env=os.environ | variables,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    old = ["in the backup", "only here"]
    assert titles(database_url) == (old[:1] if die_at == "after replace" else old)
    assert said(database_url, "verify").endswith("is whole\n")
    assert len(list(tmp_path.glob("tasks.db-before-restore-*"))) == (die_at != "before link")
    restore(database_url, backup)
    for each in tmp_path.glob("tasks.db*"):  # SQLite may not open a file by two names
        assert each.stat().st_nlink == 1
