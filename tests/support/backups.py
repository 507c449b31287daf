"""Backups as a person makes them, and the servers that they are looked at on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.support.commands import said, taskhold
from tests.support.databases import Databases
from tests.support.journal import changes_after, tasks_and_journal_agree, walk
from tests.support.servers import LiveServer
from tests.support.sql import run_sql


def seeded(url: str, tasks: int) -> None:
    """Fill the account of open mode with tasks, always the same ones."""
    made = taskhold(url, "seed", "--tasks", str(tasks), "--random-seed", "1")
    assert made.returncode == 0, made


def back_up(url: str, path: Path, *options: str) -> Path:
    """A backup by `taskhold backup`, which has to succeed."""
    made = said(url, "backup", str(path), *options)
    assert made.startswith(f"Backed up {shown(url).partition('?')[0]} to {path} (")
    return path


def restore(url: str, path: Path, *options: str) -> list[Path]:
    """`taskhold restore`, which has to succeed; where it keeps what was there before."""
    lines = said(url, "restore", str(path), *options).splitlines()
    assert lines[0] == f"Restored {shown(url)} from {path}"
    kept = "What was there before is in "
    return [Path(line.removeprefix(kept)) for line in lines if line.startswith(kept)]


def shown(url: str) -> str:
    """A URL as messages have it."""
    if url.startswith("sqlite:"):
        return url.removeprefix("sqlite:///")
    scheme, _, rest = url.partition("://")
    user, _, where = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}@{where}"


@contextmanager
def restored(databases: Databases, path: Path, folder: Path) -> Iterator[httpx2.Client]:
    """A client of a fresh server on a fresh database with that backup."""
    folder.mkdir()
    with databases.empty(folder) as url:
        assert restore(url, path) == []
        with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
            yield client


def journal_begin(url: str) -> int:
    """Behind which `seq` the journal of the account begins."""
    ((first,),) = run_sql(url, "SELECT min(seq) FROM change")
    return (first or 1) - 1


def everything(client: httpx2.Client) -> dict[str, Any]:
    """What a client can read of tasks and lists, which are found to agree with the journal."""
    first = client.get("/changes").json()["cursor"]
    return {
        "tasks": walk(client, "/tasks"),
        "lists": walk(client, "/lists"),
        "trash": walk(client, "/trash"),
        "tags": client.get("/tags").json(),
        "cursor": first,
    }


def told(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes without what a restore counts anew."""
    counted = {"seq", "operation", "undoes"}
    return [{name: each[name] for name in each if name not in counted} for each in changes]


def whole_journal(client: httpx2.Client, after: int) -> list[dict[str, Any]]:
    """The journal, which agrees with the tasks and lists that there are."""
    tasks_and_journal_agree(client, after)
    return changes_after(client, after)
