"""export → import → export: nothing is lost and nothing is made up."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.commands import said, taskhold
from tests.support.databases import PostgreSQLDatabases, SQLiteFiles
from tests.support.journal import changes_after, tasks_and_journal_agree
from tests.support.servers import LiveServer
from tests.support.tasks import add, change, tasks_make_a_tree, undo
from tests.transfer.accounts import fill, filled, seen, seen_by

Fresh = Callable[[], str]


def export(url: str, path: Path, *options: str) -> list[str]:
    """The lines of an export behind the first one, which says when it was made."""
    said(url, "export", str(path), *options)
    assert path.stat().st_mode & 0o777 == 0o600
    first, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    header = json.loads(first)
    assert sum(header["counts"].values()) == len(lines)
    return lines


def test_an_empty_account_becomes_the_same(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    before = filled(there)
    lines = export(there, tmp_path / "a.jsonl")
    assert len(lines) == sum(map(len, (before["tasks"], before["lists"], before["trash"])))
    line = said(new, "import", str(tmp_path / "a.jsonl"))
    assert line == (
        f"Imported {len(before['tasks'])} tasks, 3 lists and {len(before['trash'])} in the trash "
        f"for open into {line.rpartition(' into ')[2]}"
    )
    assert export(new, tmp_path / "b.jsonl") == lines
    with LiveServer(new) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        assert seen_by(client) == before
        tasks_and_journal_agree(client)
        tasks_make_a_tree(client)
        assert {each["actor"] for each in changes_after(client, 0)} == {"open"}
        # What was deleted together comes back together, and nothing else does.
        trash = {task["title"]: task["id"] for task in before["trash"]}
        client.post(f"/trash/{trash['deleted parent']}/restore")
        left = {task["title"] for task in seen_by(client)["trash"]}
        assert trash.keys() - left == {"deleted parent", "deleted with its parent", "and below"}
        highest = max(task["id"] for task in [*before["tasks"], *before["trash"]])
        assert add(client, "new") > highest
        tasks_and_journal_agree(client)
    assert taskhold(new, "verify").returncode == 0


def test_the_journal_comes_along(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    with LiveServer(there) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        fill(client)
        before, journal = seen_by(client), changes_after(client, 0)
    lines = export(there, tmp_path / "a.jsonl", "--journal")
    said(new, "import", str(tmp_path / "a.jsonl"))
    assert export(new, tmp_path / "b.jsonl", "--journal") == lines
    with LiveServer(new) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        assert seen_by(client) == before
        assert changes_after(client, 0) == journal
        tasks_and_journal_agree(client)
        edit = next(
            each for each in journal if (each["after"] or {}).get("notes") == "changed twice"
        )
        undo(client, edit["seq"])
        assert client.get(f"/tasks/{edit['id']}").json()["notes"] == ""
        # No id is given again that the journal knows, though its task may be gone.
        assert add(client, "new") > max(each["id"] for each in journal if each["kind"] == "task")
        assert client.get("/changes").json()["cursor"] == len(journal) + 2
        tasks_and_journal_agree(client)
    assert taskhold(new, "verify").returncode == 0


@pytest.mark.database("sqlite")
def test_from_one_database_to_the_other_and_back(
    postgresql_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    for name in ("first", "last"):
        (tmp_path / name).mkdir()
    with (
        SQLiteFiles().fresh(tmp_path / "first") as first,
        postgresql_databases.fresh(tmp_path) as middle,
        SQLiteFiles().fresh(tmp_path / "last") as last,
    ):
        before = filled(first)
        lines = export(first, tmp_path / "a.jsonl", "--journal")
        for number, url in enumerate((middle, last)):
            said(url, "import", str(tmp_path / "a.jsonl"))
            assert export(url, tmp_path / f"{number}.jsonl", "--journal") == lines
            assert seen(url) == before


def shapes(found: dict[str, Any]) -> Any:
    """What is to be seen without ids: names stand for them."""
    lists = {each["id"]: each["name"] for each in found["lists"]}
    titles = {task["id"]: task["title"] for task in [*found["tasks"], *found["trash"]]}
    return {
        name: [
            task
            | {"id": None}
            | {"list_id": lists.get(task["list_id"]), "parent_id": titles.get(task["parent_id"])}
            for task in found[name]
        ]
        for name in ("tasks", "trash")
    } | {"lists": [each | {"id": None} for each in found["lists"]]}


def test_into_a_used_account_all_but_the_ids_is_kept(fresh: Fresh, tmp_path: Path) -> None:
    there, used = fresh(), fresh()
    before = filled(there)
    export(there, tmp_path / "a.jsonl", "--journal")
    with LiveServer(used) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        mine = [add(client, f"mine {number}") for number in range(4)]
        for task_id in mine:
            change(client, task_id, done=True)
    ended = said_and_noted(used, "import", str(tmp_path / "a.jsonl"))
    assert ended == "taskhold: the journal is left out: the account has changes of its own, or "
    with LiveServer(used) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        tasks_and_journal_agree(client)
        tasks_make_a_tree(client)
        after = seen_by(client)
        assert {task["id"] for task in after["tasks"]} >= set(mine)
        after["tasks"] = [task for task in after["tasks"] if task["id"] not in mine]
        by_age = {
            name: sorted(after[name], key=lambda each: each["created_at"])
            for name in after
            if name != "tags"
        }
        expected = {
            name: sorted(before[name], key=lambda each: each["created_at"]) for name in by_age
        }
        for name, found in shapes(by_age).items():
            for one, other in zip(found, shapes(expected)[name], strict=True):
                assert one == other
    assert taskhold(used, "verify").returncode == 0


def said_and_noted(url: str, *words: str) -> str:
    ended = taskhold(url, *words)
    assert ended.returncode == 0, ended
    return ended.stderr.partition("the ids")[0]
