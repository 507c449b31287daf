"""`taskhold import`: once and whole, whatever happens meanwhile; what it refuses and undoes."""

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import prepared
from tests.support.accounts import cookies_of, log_in, make_accounts
from tests.support.commands import refused, said, taskhold
from tests.support.journal import changes_after, tasks_and_journal_agree
from tests.support.servers import LiveServer
from tests.support.sql import run_sql
from tests.support.tasks import add, change, remove
from tests.transfer.files import bring, lines_of, told

Fresh = Callable[[], str]
HEADER = {"format": "taskhold", "version": 1, "exported_at": "2026-12-01T00:00:00.000000Z"}


def write(file: Path, *documents: dict[str, Any], counts: dict[str, int] | None = None) -> Path:
    """A file in our own format."""
    lines = [HEADER | {"counts": counts or {}}, *documents]
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return file


def without_first_line(path: Path) -> str:
    return path.read_text().partition("\n")[2]


# Crashes


@pytest.mark.parametrize(
    ("kill", "options"), [(signal.SIGKILL, ("--journal",)), (signal.SIGINT, ())]
)
def test_stopped_half_way_it_goes_on(
    fresh: Fresh, tmp_path: Path, kill: signal.Signals, options: tuple[str, ...]
) -> None:
    there, new = fresh(), fresh()
    said(there, "seed", "--tasks", "2500", "--random-seed", "1")
    whole, again = tmp_path / "whole.jsonl", tmp_path / "again.jsonl"
    said(there, "export", str(whole), *options)
    screen, exit_code = stop_it(new, whole, kill)
    if kill == signal.SIGINT:
        assert exit_code == 1
        assert screen.endswith("taskhold: stopped; run it again to go on\r\n")
    made = len(lines_of(new, "task"))
    assert 0 < made < 2500
    line = bring(new, whole).line
    assert re.fullmatch(rf"Imported {2500 - made:,} tasks and 0 lists for open; .* already", line)
    said(new, "export", str(again), *options)
    assert without_first_line(again) == without_first_line(whole)
    with LiveServer(new) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        assert len(tasks_and_journal_agree(client)) == 2500


def stop_it(url: str, file: Path, kill: signal.Signals) -> tuple[str, int]:
    """Stop an import in a terminal once its bar shows that some is done."""
    with prepared.bars_of("import", str(file), TASKHOLD_DATABASE_URL=url) as (process, terminal):
        screen = b""
        while not re.search(rb"Importing \S+ +[1-9][0-9,]* of 2,5[0-9][0-9] rows", screen):
            screen += os.read(terminal, 4096)
        process.send_signal(kill)
        with suppress(OSError):  # it has ended
            while True:
                screen += os.read(terminal, 4096)
    return screen.decode(), process.wait(20)


def test_two_at_the_same_time_make_nothing_twice(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    said(there, "seed", "--tasks", "600", "--random-seed", "1")
    said(there, "export", str(tmp_path / "tasks.csv"))
    said(new, "version")
    ended: list[Any] = []

    def run() -> None:
        ended.append(taskhold(new, "import", str(tmp_path / "tasks.csv")))

    both = [threading.Thread(target=run) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert [each.returncode for each in ended] == [0, 0], ended
    with LiveServer(new) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        assert len(tasks_and_journal_agree(client)) == 600


@pytest.mark.parametrize("options", [(), ("--journal",)])
def test_others_write_meanwhile_and_hear_of_it(
    fresh: Fresh, tmp_path: Path, options: tuple[str, ...]
) -> None:
    there, new = fresh(), fresh()
    said(there, "seed", "--tasks", "3000", "--random-seed", "1")
    said(there, "export", str(tmp_path / "a.jsonl"), *options)
    done = threading.Event()
    written: list[int] = []

    def work(url: str) -> None:
        with httpx2.Client(base_url=url, timeout=30) as client:
            while not done.is_set():
                if client.get("/tasks/count").json()["count"]:  # else the account isn't empty
                    written.append(client.post("/tasks", json={"title": "mine"}).json()["id"])

    with LiveServer(new) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        working = threading.Thread(target=work, args=(server.url,))
        working.start()
        try:
            with client.stream("GET", "/events?after=0") as stream:
                events = stream.iter_lines()
                bring(new, tmp_path / "a.jsonl")
                # With a journal that was never here it has to start over, and is told so.
                heard = sum(line.startswith("id: ") for line in islice(events, 300))
                assert heard > 50 or options
        finally:
            done.set()
            working.join()
        tasks = tasks_and_journal_agree(client)
    assert len(set(written)) == len(written) > 3
    assert min(written) > 3000
    assert len(tasks) == 3000 + len(written)


# Once


def test_what_was_deleted_since_stays_deleted_unless_it_is_wanted(
    database_url: str, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "a.jsonl",
        *({"task": {"title": f"task {number}"}} for number in range(4)),
    )
    bring(database_url, file)
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        for task_id in (1, 2):
            remove(client, f"/tasks/{task_id}")
        remove(client, "/trash/2")
        change(client, 3, title="changed since")
    assert bring(database_url, file).line == (
        "Imported 0 tasks and 0 lists for open; 2 there already, 1 in the trash since, "
        "1 deleted since"
    )
    assert bring(database_url, file, "--again").line == (
        "Imported 2 tasks and 0 lists for open; 2 there already"
    )
    assert told(database_url) == ["- | changed since", "- | task 3", "- | task 0", "- | task 1"]
    assert bring(database_url, file, "--again").line.endswith("; 4 there already")


def test_each_format_knows_what_was_exported(fresh: Fresh, tmp_path: Path) -> None:
    """Into the same account, and into another one from whichever format comes first."""
    there, new = fresh(), fresh()
    said(there, "seed", "--tasks", "120", "--random-seed", "3")
    files = [tmp_path / name for name in ("a.csv", "a.jsonl", "a.ics")]
    for file in files:
        said(there, "export", str(file))
    for url, first in ((there, 0), (new, 120)):
        counts = [bring(url, file).line.split()[1] for file in files]
        assert counts == [str(first), "0", "0"]


def test_a_dry_run_writes_nothing(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    said(there, "seed", "--tasks", "50", "--random-seed", "1")
    said(there, "export", str(tmp_path / "a.jsonl"))
    with LiveServer(new) as server, httpx2.Client(base_url=server.url) as client:
        add(client, "mine")
    before = said(new, "export", "-", "--journal").partition("\n")[2]
    shown = said(new, "import", "--dry-run", str(tmp_path / "a.jsonl"))
    *lists, line = shown.splitlines()
    assert re.fullmatch(r"[0-9]+ tasks in no list", lists[0])
    assert lists[1].endswith("“Home”, a new list")
    assert sum(int(each.split()[0]) for each in lists) == 50
    assert line.startswith("Would import 50 tasks and 3 lists for open into ")
    assert said(new, "export", "-", "--journal").partition("\n")[2] == before
    assert run_sql(new, "SELECT count(*) FROM imported") == [(0,)]
    document = json.loads(said(new, "import", "--dry-run", "--json", str(tmp_path / "a.jsonl")))
    assert document["counts"]["task"] == {"new": 50, "live": 0, "trash": 0, "gone": 0}
    assert document["keeps_ids"] is False
    fresh_one = fresh()
    shown = said(fresh_one, "import", "--dry-run", str(tmp_path / "a.jsonl"))
    assert "ids and versions are kept\n" in shown


# Undoing


def test_a_small_import_is_one_operation(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "todo.txt"
    file.write_text("One +home\nTwo id:1\nThree p:1\n")
    bring(database_url, file)
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        changes = changes_after(client, 0)
        assert {each["operation"] for each in changes} == {1}
        assert {each["actor"] for each in changes} == {"open"}
        assert {each["key"] for each in changes} == {changes[0]["key"]}
        assert changes[0]["key"].startswith("import ")
        assert client.post("/changes/2/undo").status_code == 200
        assert tasks_and_journal_agree(client) == {}
        assert client.get("/lists").json() == []
    assert "3 in the trash since" in bring(database_url, file).line


def test_a_large_import_is_undone_as_a_whole(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    said(there, "seed", "--tasks", "1200", "--random-seed", "1")
    said(there, "export", str(tmp_path / "tasks.csv"))
    with LiveServer(new) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        mine = add(client, "mine")
        bring(new, tmp_path / "tasks.csv")
        journal = changes_after(client, 0)
        operations = {each["operation"] for each in journal if each["key"]}
        assert len(operations) > 1
        imported = next(each["id"] for each in journal if each["key"] and each["kind"] == "task")
        below = add(client, "under an imported one", parent_id=imported)
        sentence = refused(new, "import", "--undo", str(journal[-1]["seq"]))
        assert sentence.startswith(f"change {len(journal) + 1} has touched what was imported; ")
        remove(client, f"/tasks/{below}")
        assert refused(new, "import", "--undo", "1") == "Change 1 is not of an import"
        line = said(new, "import", "--undo", str(journal[-1]["seq"]))
        assert re.match(r"Undid [0-9]+ operations? of the import in ", line)
        assert list(tasks_and_journal_agree(client)) == [mine]
        assert client.get("/lists").json() == []
        assert said(new, "import", "--undo", str(journal[-1]["seq"])).startswith("Undid 0 ")
    assert bring(new, tmp_path / "tasks.csv", "--again").line.startswith("Imported 1,200 tasks")


# Whose


def test_whose_tasks_they_become(fresh: Fresh, tmp_path: Path) -> None:
    there, url = fresh(), fresh()
    said(there, "seed", "--tasks", "30", "--random-seed", "1")
    file = tmp_path / "a.jsonl"
    said(there, "export", str(file))
    make_accounts(url, {"username": "ada"}, {"username": "bob"})
    for command in ("import", "export"):
        sentence = refused(url, command, str(file), exit_code=2)
        assert sentence == "There are several accounts; say which with --user NAME"
    assert bring(url, file, "--user", "bob").line.endswith(" for bob")
    assert bring(url, file, "--user", "ada").line == "Imported 30 tasks and 2 lists for ada"
    with LiveServer(url) as server, httpx2.Client(base_url=server.url) as client:
        ids: dict[str, set[int]] = {}
        for name in ("ada", "bob"):
            client.headers["Cookie"] = cookies_of(log_in(client, name))
            ids[name] = set(tasks_and_journal_agree(client))
            assert {each["actor"] for each in changes_after(client, 0)} == {name}
        assert ids["bob"] == set(range(1, 31))  # who came first keeps the ids
        assert ids["ada"] == set(range(31, 61))
    exported = said(url, "export", "--user", "ada", "-").splitlines()
    assert len(exported) == 1 + 2 + 30


# What it refuses


@pytest.mark.database("sqlite")
def test_a_bad_line_stops_it_or_is_left_out(database_url: str, tmp_path: Path) -> None:
    good = {"task": {"title": "good", "id": 1}}
    cases: list[tuple[Any, str]] = [
        ({"task": {"title": " "}}, "title: should not be blank"),
        ({"task": {"title": 7}}, "title: should be a valid string"),
        ({"task": {"titel": "x"}}, "title: is required"),
        ({"task": {"title": "x", "colour": "red"}}, "colour: is not a known field"),
        ({"task": {"title": "x", "due": "2026-13-01"}}, "due: should be a day, as 2026-12-01"),
        ({"task": {"title": "x", "tags": ["a", "A"]}}, "tags: should name each tag once"),
        ({"task": {"title": "x", "position": "-"}}, "position: should be 1 to 100"),
        ({"task": {"title": "x", "version": 0}}, "version: should be greater than 0"),
        ({"task": {"title": "x", "created_at": "2026-12-01"}}, "created_at: should be a time"),
        ({"task": {"title": "x", "id": 1}}, "is the same task as in line 2"),
        ({"task": {"title": "x", "list_id": 9}}, "its list is not in the file"),
        ({"task": {"title": "x", "parent_id": 9}}, "its parent is not in the file"),
        ({"task": {"title": "x", "id": 5, "parent_id": 5}}, "its parent is under it"),
        (
            {"task": {"title": "x", "completed_at": "2026-12-01T00:00:00.000000Z"}},
            "completed_at: should be null while the task is not done",
        ),
        ({"tasks": {}}, "should be an object with one name: list, task, trash or change"),
        ([], "should be an object with one name: list, task, trash or change"),
        (b"{", "is not JSON: Expecting property name enclosed in double quotes"),
        (b'{"task": {"title": "a", "title": "b"}}', "has a name twice in one object"),
        (b'{"task": {"title": "\xff"}}', "is not UTF-8"),
        (b'{"task": {"title": "\\ud800"}}', "has half of a character, \\ud800 to \\udfff"),
        (b'{"task": {"title": "x", "id": NaN}}', "is not JSON: NaN is no JSON value"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"task": {"title": "x", "id": ' + b"9" * 5_000 + b"}}", "id: should be a valid integer"),
    ]
    file = tmp_path / "a.jsonl"
    for bad, why in cases:
        write(file, good)
        with file.open("ab") as more:
            more.write((bad if isinstance(bad, bytes) else json.dumps(bad).encode()) + b"\n")
        sentence = refused(database_url, "import", str(file))
        assert sentence.startswith(f"line 3: {why}"), sentence
        assert sentence.endswith("; nothing was imported")
    assert told(database_url) == []
    with file.open("wb") as everything:
        everything.write(json.dumps(HEADER | {"counts": {}}).encode() + b"\n")
        everything.write(json.dumps(good).encode() + b"\n")
        for bad, _ in cases:
            everything.write((bad if isinstance(bad, bytes) else json.dumps(bad).encode()) + b"\n")
    done = bring(database_url, file, "--skip-bad")
    assert "; skipped 19 bad lines" in done.line
    assert "skipped line 3: title: should not be blank" in done.notes
    assert "line 12: is the same task as in line 2: left out" in done.notes
    assert told(database_url) == ["- | good", "- | x", "- | x", "- | x"]


@pytest.mark.database("sqlite")
def test_files_that_are_something_else(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("")
    should_begin = 'The file should begin with the line {"format":"taskhold","version":1,…}'
    assert refused(database_url, "import", str(file)).startswith(should_begin)
    file.write_text(json.dumps(HEADER | {"counts": {}, "version": 2}))
    assert "newer Taskhold" in refused(database_url, "import", str(file))
    write(file, {"task": {"title": "x"}}, counts={"task": 2})
    assert refused(database_url, "import", str(file)) == (
        "line 2: the file ends early: it should have 2 of “task” and has 1; nothing was imported"
    )
    table = tmp_path / "a.csv"
    for content, why in (
        ("a,b\n1,2\n", "The first row should name a column “title”"),
        ("title,done\nx,maybe\n", "line 2: done: should be true or false"),
        ("title,priority\nx,7\n", "line 2: priority: should be none, low, medium or high"),
        ('title,due\n"x\ny",12/01/2026\n', "line 2: due: should be a day"),
        ("title\n\nx\n\x00,1,2\n", "line 4: has 3 cells, and the first row 1"),
    ):
        table.write_text(content)
        assert refused(database_url, "import", str(table)).startswith(why)
    table.write_bytes("title\nBüro\n".encode("latin-1"))
    assert refused(database_url, "import", str(table)).startswith("line 2: is not UTF-8")
    table.write_text("title;notes\nBüro;ü\n", encoding="utf-16")
    bring(database_url, table)
    assert told(database_url) == ["- | Büro | 'ü'"]
    calendar = tmp_path / "a.ics"
    calendar.write_text("BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\n")
    assert refused(database_url, "import", str(calendar)).startswith(
        "line 3: the file ends inside of a VTODO"
    )
    assert refused(database_url, "import", str(tmp_path / "absent.csv")).endswith(
        "can't be read: No such file or directory"
    )
    (tmp_path / "what").write_text("who knows")
    for words, sentence in (
        ((str(tmp_path / "what"),), "doesn't say which format it has; say it with --format"),
        (("-",), "Standard input doesn't say which format it has; say it with --format"),
        (
            (str(table), "--tz", "Mars/Olympus"),
            "--tz: Mars/Olympus is no time zone, as Europe/Berlin",
        ),
        ((str(file), "--list", "x"), "--list is for formats without lists of their own"),
    ):
        assert refused(database_url, "import", *words, exit_code=2).endswith(sentence)
    assert bring(database_url, "-", "--format", "todotxt", line="From a pipe").line == (
        "Imported 1 task and 0 lists for open"
    )
