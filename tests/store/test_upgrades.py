"""A database that an earlier version has left is brought to this one by its first start.

`earlier/` has them: made by the servers of those versions, with what their API said of them
(`tools/keep_schema.py`). No clock is set back; what would be forgotten by now is kept for longer.
"""

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from taskhold.store import migrations
from tests.support.commands import said as said_by_taskhold
from tests.support.journal import tasks_and_journal_agree
from tests.support.schema import differences_from_the_models
from tests.support.servers import ServerProcess
from tests.support.sql import run_sql

EARLIER = Path(__file__).with_name("earlier")
FOR_GOOD = {"TASKHOLD_TRASH_DAYS": "36500", "TASKHOLD_JOURNAL_DAYS": "36500"}
PASSWORD = "correct horse battery"  # noqa: S105
WITHOUT_POSTGRESQL = "0001"
"""The revision of which nobody has had a database there."""

Serve = Callable[..., ServerProcess]


def kept(name: str) -> bytes:
    return gzip.decompress((EARLIER / f"{name}.gz").read_bytes())


def restore(revision: str, url: str) -> dict[str, Any]:
    """Put a database as it was left into an empty one; what its API said."""
    if url.startswith("postgresql:"):
        asyncio.run(_restore_postgresql(kept(f"{revision}-postgresql.sql").decode(), url))
        kind = "postgresql"
    else:
        Path(url.removeprefix("sqlite:///")).write_bytes(kept(f"{revision}-sqlite.db"))
        kind = "sqlite"
    said: dict[str, Any] = json.loads(kept(f"{revision}-{kind}.json"))
    return said


async def _restore_postgresql(dump: str, url: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(dump)
    finally:
        await connection.close()


def still_says(now: Any, then: Any, path: str) -> None:
    """All that was said then is said now; fields may have come to it."""
    if isinstance(then, dict):
        for name, value in then.items():
            still_says(now[name], value, f"{path}.{name}")
    elif isinstance(then, list):
        assert len(now) == len(then), path
        for number, value in enumerate(then):
            still_says(now[number], value, f"{path}[{number}]")
    else:
        assert now == then, path


def look(client: httpx2.Client, said: dict[str, Any]) -> None:
    for path, then in said.items():
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        still_says(answer.json(), then, path)


def live_on(client: httpx2.Client, said: dict[str, Any]) -> None:
    """It is no museum: old tasks are found, changed, deleted, restored, undone; new ones made."""
    tasks = said["/tasks?limit=500"]
    changes = said["/changes?after=0&limit=500"]["changes"]
    created = client.post("/tasks", json={"title": "after the upgrade", "tags": ["new"]}).json()
    assert created["id"] > max(change["id"] for change in changes if change["kind"] == "task")
    assert created["position"] > max(task.get("position", "") for task in tasks)
    old = next(task for task in tasks if "Übung" in task["title"])
    found = client.get("/tasks?q=ubung&limit=500").json()
    assert old["id"] in [task["id"] for task in found]
    changed = client.patch(f"/tasks/{old['id']}", json={"notes": "new", "priority": "high"}).json()
    assert changed["version"] == old["version"] + 1
    seq = client.get(f"/tasks/{old['id']}/history?limit=1").json()[0]["seq"]
    assert client.post(f"/changes/{seq}/undo").status_code == 200
    assert client.get(f"/tasks/{old['id']}").json()["notes"] == old.get("notes", "")
    assert client.delete(f"/tasks/{old['id']}").status_code == 204
    back = client.post(f"/trash/{old['id']}/restore").json()
    assert back["title"] == old["title"]
    deleted = next(change for change in reversed(changes) if change["action"] == "delete")
    if deleted["kind"] == "task" and client.get(f"/tasks/{deleted['id']}").status_code == 404:
        assert client.post(f"/trash/{deleted['id']}/restore").status_code == 200
    tasks_and_journal_agree(client)


def tasks_of(said: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return list(said["accounts"].get(name, {}).get("/tasks?limit=500", []))


@pytest.mark.parametrize("revision", migrations.REVISIONS)
def test_what_an_earlier_version_left_goes_on(
    revision: str, empty_database_url: str, serve: Serve
) -> None:
    url = empty_database_url
    if revision == WITHOUT_POSTGRESQL and url.startswith("postgresql:"):
        return
    said = restore(revision, url)
    ((found,),) = run_sql(url, "SELECT version_num FROM alembic_version")
    assert found == revision
    server = serve(TASKHOLD_DATABASE_URL=url, **FOR_GOOD)
    assert differences_from_the_models(url) == []
    for name, token in said["tokens"].items() or [("", "")]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client:
            look(client, said["accounts"][name])
            live_on(client, said["accounts"][name])
        if name:
            login = {"username": name, "password": PASSWORD}
            assert httpx2.post(f"{server.url}/login", json=login).status_code == 200
    server.stop()
    assert "whole" in said_by_taskhold(url, "verify")
    if any(task["title"] == "Imported once" for task in tasks_of(said, "ada")):
        imported = said_by_taskhold(url, "import", "--user", "ada", str(EARLIER / "imported.csv"))
        assert "Imported 0 tasks and 0 lists" in imported
    again = serve(TASKHOLD_DATABASE_URL=url, **FOR_GOOD)
    with again.client() as client:
        assert client.get("/readyz").status_code == 200


@pytest.mark.database("sqlite")
def test_each_released_schema_is_kept() -> None:
    """The newest one is, once it is released: docs/releasing.md."""
    names = {path.name for path in EARLIER.iterdir()}
    for revision in migrations.REVISIONS[:-1]:
        kinds = {"sqlite.db", "sqlite.json"}
        if revision != WITHOUT_POSTGRESQL:
            kinds |= {"postgresql.sql", "postgresql.json"}
        assert {f"{revision}-{kind}.gz" for kind in kinds} <= names
