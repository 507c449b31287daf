"""`taskhold export`: what each format has, what it lacks, and how the file comes to be."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from icalendar.parser import Contentline

from taskhold.transfer.formats.content_lines import escaped, folded, unescaped
from taskhold.transfer.formats.table import harmless, unharmed
from tests.support.commands import refused, said, taskhold
from tests.support.many_tasks import make_many_tasks
from tests.support.servers import LiveServer
from tests.support.tasks import add, add_list
from tests.transfer.accounts import TITLES, filled, seen
from tests.transfer.files import bring, lines_of, told

Fresh = Callable[[], str]


# CSV


def test_csv_is_read_by_whoever_reads_csv(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    before = filled(there)
    file = tmp_path / "a.csv"
    said_with_losses(there, "export", "--bom", str(file))
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid,title,done,due,")
    assert content.endswith(b"\r\n")
    table = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert {int(row["id"]) for row in table} == {task["id"] for task in before["tasks"]}
    for row in table:
        for cell in row.values():
            assert not re.match(r"\s*[=+\-@]", cell), cell  # a formula, for a spreadsheet
    assert bring(new, file).line == f"Imported {len(table)} tasks and 3 lists for open"
    assert sorted(told(new)) == sorted(told(there))
    kept: tuple[str, ...] = ("title", "notes", "due", "tags", "done", "priority", "version")
    kept += ("created_at", "updated_at", "completed_at")
    after = {task["created_at"]: task for task in seen(new)["tasks"]}
    for task in before["tasks"]:
        assert {name: after[task["created_at"]][name] for name in kept} == {
            name: task[name] for name in kept
        }


def said_with_losses(url: str, *words: str) -> list[str]:
    """What an export says that it leaves out."""
    ended = taskhold(url, *words)
    assert ended.returncode == 0, ended
    return [each.removeprefix("taskhold: left out: ") for each in ended.stderr.splitlines()]


@given(st.text(alphabet="'=+-@\t\r\n a1\uff1d\uff20\"", max_size=8))
def test_no_cell_is_a_formula_and_each_comes_back(text: str) -> None:
    cell = harmless(text)
    assert unharmed(cell) == text
    assert not re.match("\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]", cell)
    assert cell[:1] not in {"\t", "\r"}
    assert unharmed(harmless(cell)) == cell


# iCalendar


def test_icalendar_is_read_by_a_library_of_others(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    before = {task["id"]: task for task in filled(there)["tasks"]}
    file = tmp_path / "a.ics"
    lost = said_with_losses(there, "export", str(file))
    assert lost == ["the trash (8 tasks)", "due times that have no year in UTC (1 task)"]
    content = file.read_bytes()
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    calendar = Calendar.from_ical(content)
    assert calendar["VERSION"] == "2.0"
    todos = {str(todo["UID"]): todo for todo in calendar.walk("VTODO")}
    assert len(todos) == len(before)
    uids = {int(uid.split("-")[1]): uid for uid in todos}
    for task_id, task in before.items():
        check_todo(todos[uids[task_id]], task, uids)
    bring(new, file)
    assert len(told(new)) == len(before)
    said_with_losses(new, "export", str(tmp_path / "b.ics"))
    # It is told under the UIDs under which it came.
    again = Calendar.from_ical((tmp_path / "b.ics").read_bytes())
    assert {str(todo["SUMMARY"]) for todo in again.walk("VTODO")} == {
        task["title"] for task in before.values()
    }
    shapes = [
        sorted(
            (str(todo["SUMMARY"]), str(todo.get("RELATED-TO") is not None), str(todo.get("DUE")))
            for todo in found.walk("VTODO")
        )
        for found in (calendar, again)
    ]
    assert shapes[0] == shapes[1]


def check_todo(todo: Any, task: dict[str, Any], uids: dict[int, str]) -> None:
    assert str(todo["SUMMARY"]) == task["title"]
    notes = re.sub("\r\n?", "\n", task["notes"])
    # The library itself takes an escaped backslash in front of an n for a line end.
    assert str(todo.get("DESCRIPTION", "")).replace("\n", "\\n") == notes.replace("\n", "\\n")
    assert todo["STATUS"] == ("COMPLETED" if task["done"] else "NEEDS-ACTION")
    assert ("COMPLETED" in todo) == task["done"]
    number = {"none": None, "low": 9, "medium": 5, "high": 1}[task["priority"]]
    assert todo.get("PRIORITY") == number
    categories = todo.get("CATEGORIES")
    assert ([str(each) for each in categories.cats] if categories else []) == task["tags"]
    parent = todo.get("RELATED-TO")
    assert (parent and str(parent)) == (task["parent_id"] and uids[task["parent_id"]])
    due = todo["DUE"].dt if "DUE" in todo else None
    if task["due"] and task["due"] > "0001-01-02":
        is_day = len(task["due"]) == 10
        expected = (
            date.fromisoformat(task["due"]) if is_day else datetime.fromisoformat(task["due"])
        )
        if isinstance(expected, datetime):
            expected = expected.replace(microsecond=0)
        assert due == expected
    else:
        assert due is None
    assert todo["CREATED"].dt == datetime.fromisoformat(task["created_at"]).replace(microsecond=0)


def test_a_uid_goes_out_as_it_came(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "a.ics"
    file.write_text(
        "BEGIN:VCALENDAR\r\n"
        "BEGIN:VTODO\r\nUID:their-own@example.com\r\nSUMMARY:theirs\r\nEND:VTODO\r\n"
        "BEGIN:VTODO\r\nUID:below\r\nSUMMARY:below\r\nRELATED-TO:their-own@example.com\r\n"
        "END:VTODO\r\nEND:VCALENDAR\r\n"
    )
    bring(database_url, file)
    exported = said(database_url, "export", "-", "--format", "ics")
    assert "UID:their-own@example.com\r\n" in exported.replace("\n", "\r\n").replace("\r\r", "\r")
    assert "RELATED-TO:their-own@example.com" in exported


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_a_folded_line_is_the_same_line(text: str) -> None:
    raw = folded(f"SUMMARY:{text}".encode())
    lines = raw.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 for line in lines)
    for line in lines:
        line.decode()  # never cut inside of a character
    unfolded: Any = Contentline.from_ical
    assert unfolded(raw.decode().removesuffix("\r\n")) == f"SUMMARY:{text}"


@given(st.text(alphabet="\\;,nN\n a", max_size=12))
def test_an_escaped_text_is_the_same_text(text: str) -> None:
    safe = escaped(text)
    assert "\n" not in safe
    assert unescaped(safe) == text


# todo.txt


@pytest.mark.database("sqlite")
def test_todotxt_has_a_line_for_each(fresh: Fresh, tmp_path: Path) -> None:
    there, new = fresh(), fresh()
    filled(there)
    file = tmp_path / "todo.txt"
    lost = said_with_losses(there, "export", str(file))
    assert sorted(lost) == sorted(
        [
            "the trash (8 tasks)",
            "the notes (6 tasks)",
            "the time of the day when they are due (4 tasks)",
            "the spaces in tags, which are _ now (6 tasks)",
        ]
    )
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(lines_of(there, "task"))
    today = lines_of(there, "task")[0]["created_at"][:10]
    assert f"{today} {TITLES[0]} +Home @home @DIY_no due:2026-12-01" in lines
    assert f"x {today} {today} in an archived list +Old" in lines
    (parent,) = [line for line in lines if " level 1 " in line]
    assert re.fullmatch(rf"\(A\) {today} level 1 \+Work;_=A1 id:[0-9]+", parent)
    bring(new, file)
    simple = [line for line in told(there) if re.match("[-x] \\| (level|in an)", line)]
    assert [line.replace(" in Work; =A1", " in Work;_=A1") for line in simple] == [
        line for line in told(new) if re.match("[-x] \\| (level|in an)", line)
    ]


# Files


@pytest.mark.database("sqlite")
def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    database_url = make_many_tasks(tmp_path / "tasks.db", 20_000)
    file = tmp_path / "out" / "a.jsonl"
    file.parent.mkdir()
    file.write_text("what was there before")
    file.chmod(0o644)
    with subprocess.Popen(
        [sys.executable, "-m", "taskhold", "export", "--overwrite", str(file)],
        env=os.environ | {"TASKHOLD_DATABASE_URL": database_url},
    ) as process:
        while not any(each.stat().st_size for each in file.parent.glob("a.jsonl.part-*")):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        (beside,) = file.parent.glob("a.jsonl.part-*")
        assert beside.stat().st_mode & 0o777 == 0o600
        assert file.read_text() == "what was there before"
        process.kill()
    assert file.read_text() == "what was there before"
    beside.unlink()
    assert refused(database_url, "export", str(file)).endswith("--overwrite replaces it")
    said(database_url, "export", "--overwrite", str(file))
    assert [each.name for each in file.parent.iterdir()] == ["a.jsonl"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().splitlines()) == 20_000 + 1


@pytest.mark.database("sqlite")
def test_what_can_t_be_written_is_said(database_url: str, tmp_path: Path) -> None:
    said(database_url, "seed", "--tasks", "300")
    for words, sentence, exit_code in (
        ((str(tmp_path),), f"{tmp_path} doesn't say which format it has", 2),
        ((str(tmp_path), "--format", "csv"), f"{tmp_path} is a folder; name a file", 1),
        ((str(tmp_path / "no" / "a.csv"),), f"The folder {tmp_path / 'no'} does not exist", 1),
        (("/dev/full", "--format", "csv"), "can't be written: No space left on device", 1),
        (("a.csv", "--journal"), "--journal is for the format jsonl alone", 2),
        (("a.jsonl", "--bom"), "--bom is for the format csv alone", 2),
        (("-", "--json"), "--json would be printed into the export on standard output", 2),
    ):
        assert sentence in refused(database_url, "export", *words, exit_code=exit_code)
    assert list(tmp_path.glob("*.part-*")) == []
    shown = json.loads(said(database_url, "export", "--json", str(tmp_path / "a.jsonl")))
    assert shown["counts"] == {"list": 12, "task": 300, "trash": 0}
    assert shown["left_out"] == {}


@pytest.mark.database("sqlite")
def test_a_reader_who_goes_away_ends_it_in_one_line(tmp_path: Path) -> None:
    database_url = make_many_tasks(tmp_path / "tasks.db", 3_000)
    with subprocess.Popen(
        [sys.executable, "-m", "taskhold", "export", "-"],
        env=os.environ | {"TASKHOLD_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith('{"format":"taskhold"')
        process.stdout.close()
        assert process.stderr.read() == "taskhold: nobody reads standard output any more\n"
    assert process.returncode == 1


def test_an_export_is_of_one_moment(database_url: str, tmp_path: Path) -> None:
    """Two tasks that always change together are never seen apart."""
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        inside = add_list(client, "L")
        ids = [add(client, "0", list_id=inside) for _ in range(2)]
        said(database_url, "seed", "--tasks", "1500")
        ids.append(add(client, "0", list_id=inside))
        process = subprocess.Popen(
            [sys.executable, "-m", "taskhold", "export", str(tmp_path / "a.jsonl"), "--journal"],
            env=os.environ | {"TASKHOLD_DATABASE_URL": database_url},
        )
        number = 0
        while process.poll() is None:
            number += 1
            changes = {"title": str(number)}
            operations = [{"op": "update", "id": each, "changes": changes} for each in ids]
            assert client.post("/tasks/batch", json={"operations": operations}).status_code == 200
        assert process.wait() == 0
    assert number > 10
    documents = list(map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines()))
    titles = {each["task"]["title"] for each in documents if each.get("task", {}).get("id") in ids}
    assert len(titles) == 1
    newest = [each["change"] for each in documents if "change" in each][-1]
    assert newest["after"]["title"] in titles
