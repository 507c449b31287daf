"""Each importer on a file as its program writes it, with the odd things that such files hold."""

import shutil
from pathlib import Path

import httpx2
import pytest

from tests.support.journal import tasks_and_journal_agree
from tests.support.servers import LiveServer
from tests.support.tasks import tasks_make_a_tree
from tests.transfer.files import SAMPLES, bring, lines_of, told

TODOIST = """\
- | Get three quotes for the roof | !high | due 2026-12-03 | #phone | #waiting-for | in House | \
'Ask about:\\r\\n- insulation\\r\\n- gutters, too\\n\\nThey want photos first, see \
https://example.com/photos\\n\\nPhotos sent'
- | [Call Nilsson](tel:+468555) before noon | due 2026-12-01T09:30:00+01:00 | in House | \
under Get three quotes for the roof
- | Ask Bo @home-office about the scaffold | !low | due 2026-12-04T14:00:00+01:00 | \
#home-office | in House | under [Call Nilsson](tel:+468555) before noon
- | Measure the floor | !medium | in House / Kitchen
- | Choose "warm white" paint; mail a@b.example | due 2026-12-20 | in House / Kitchen
- | =SUM(A1:A3) tiles | in House / Kitchen | under Choose "warm white" paint; mail a@b.example
- | Buy milk | #errand | in House / Bath, later
- | Buy milk | #errand | in House / Bath, later
"""
TODOIST_NOTES = """\
line 9: how long it takes can't be carried
line 12: it can't be ticked off in Todoist; here it can
line 12: its date “every other saturday” can't be carried
line 12: its deadline “2026-12-24” can't be carried beside its date
line 12: whom it is assigned to can't be carried
line 14: it is indented below nothing: it comes one level deeper
line 14: its date “mañana” can't be carried
line 18: a row of the type “reminder” is left out
"""
TODOTXT = """\
- | Thank Mum for the meatballs | !high | due 2026-12-24 | #phone | in Family
- | Schedule Goodwill pickup | !medium | #phone | in GarageSale
- | Post signs around the neighborhood | #Summer | in GarageSale
x | Pay the rent | !medium | #bank
x | Download the installer
- | xylophone lesson | #music
- | X not done, the x is large
- | Ask @Bo about the +Roof before winter rec:1w t:2026-12-01 | #Bo | in Roof
- | @home @garden | #home | #garden
- | Read http://example.com/a:b and note 12:30 as the time
- | last of all due:tomorrow | !low
- | Pack the boxes
- | Buy boxes | under Pack the boxes
- | Buy boxes, large | under Pack the boxes
- | Buy stamps
- | Buy stamps
"""
TODOTXT_NOTES = """\
line 9: rec: stays as text; Taskhold has no repeated tasks
line 9: t: stays as text; Taskhold has no day to begin
line 12: due:tomorrow is no day: it stays as text
"""
ICS = """\
- | Haus winterfest machen | !medium | due 2026-12-24 | in Haus, Hof
- | Dachrinne reinigen; mit Leiter | !high | due 2026-12-05T14:00:00+01:00 | #Garten | #Dach oben \
| #Leiter | in Haus, Hof | under Haus winterfest machen | 'Leiter vom Nachbarn holen.\\nNicht bei \
Regen, nicht bei Wind.\\n\\nC:\\\\new folder ist ein Pfad, und diese Zeile ist so lang, dass sie \
gefaltet werden muss; ünd sö weiter'
x | Öl bestellen | !low | in Haus, Hof
x | Its parent is in another file | due 2026-12-01T18:00:00+01:00 | in Haus, Hof
- | With a zone of the file's own | due 2026-12-01T09:00:00+05:30
- | With a zone of Windows' | due 2026-07-01T09:00:00+02:00
- | With a zone of Mozilla's | due 2026-12-01T09:00:00+01:00
- | Begins and takes a while | due 2026-12-02T11:00:00Z
- | In a zone that nobody knows | due 2026-12-01T09:00:00+01:00
x | No summary and no UID | 'No summary and no UID\\nsecond line'
"""
ICS_NOTES = """\
line 7: how far it is, 50 %, can't be carried
line 7: that it is in process can't be carried
line 24: a reminder can't be carried
line 31: its address on the web can't be carried
line 31: its location can't be carried
line 54: its due time has no zone: Europe/Berlin is taken
line 54: its parent is not in the file: it comes to the top
line 54: it was cancelled: it is carried as done
line 54: its relation SIBLING can't be carried
line 54: that it repeats can't be carried
line 76: VEVENT is no task: all of these are left out
line 106: its due time has no zone: Europe/Berlin is taken
line 106: the time zone “Mars/Olympus” is not known
line 112: it has no SUMMARY: its title is made up
line 112: its DUE can't be read
"""
CSV = """\
- | Order "the big" boxes; soon | !high | due 2026-12-01 | #move | #boxes | in Move house | \
'two\\r\\nlines'
- | =cmd|' /C calc'!A0 | due 2026-12-01T18:30:00Z | in Move house
x | -5 degrees | !low | due 2026-12-02T08:00:00+01:00 | #winter
x | Last | in Garden | '@home'
"""
CSV_NOTES = """\
line 1: the column “Estimate” is left out
line 4: its due time has no zone: UTC is taken
"""
FILES = {
    "House [2203306141].csv": (TODOIST, TODOIST_NOTES, "8 tasks and 3 lists"),
    "todo.txt": (TODOTXT, TODOTXT_NOTES, "16 tasks and 3 lists"),
    "nextcloud.ics": (ICS, ICS_NOTES, "10 tasks and 1 list"),
    "spreadsheet.csv": (CSV, CSV_NOTES, "4 tasks and 2 lists"),
}


def test_what_other_programs_have_written(database_url: str) -> None:
    """And the second time, none of it comes again."""
    before: list[str] = []
    for name, (tasks, notes, counted) in FILES.items():
        options = ("--tz", "Europe/Berlin") if name.endswith(".ics") else ()
        done = bring(database_url, SAMPLES / name, *options)
        assert done.line == f"Imported {counted} for open"
        assert sorted(done.notes) == sorted(notes.splitlines()), name
        after = told(database_url)
        assert after[len(before) :] == tasks.splitlines(), name
        before = after
    for name in FILES:
        done = bring(database_url, SAMPLES / name)
        assert done.line.startswith("Imported 0 tasks and 0 lists for open; ")
    assert told(database_url) == before
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        tasks_and_journal_agree(client)
        tasks_make_a_tree(client)
        found = client.get("/tasks", params={"q": "dachrinne"}).json()
        assert [task["created_at"] for task in found] == ["2026-11-01T08:00:00.000000Z"]
        rent = client.get("/tasks", params={"q": "rent"}).json()[0]
        assert rent["created_at"] == "2026-11-20T00:00:00.000000Z"
        assert rent["completed_at"] == "2026-11-22T00:00:00.000000Z"


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("name", FILES)
def test_the_beginning_tells_the_format(database_url: str, tmp_path: Path, name: str) -> None:
    if name == "todo.txt":  # which may begin with anything
        return
    shutil.copy(SAMPLES / name, tmp_path / "somewhat")
    bring(database_url, tmp_path / "somewhat", "--list", "House")
    assert len(told(database_url)) == len(FILES[name][0].splitlines())


@pytest.mark.database("sqlite")
def test_a_line_that_is_done_meanwhile_is_the_same_task(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "todo.txt"
    file.write_text("(A) 2026-11-20 Thank Mum +Family due:2026-12-24\n2026-11-20 Again\n")
    assert bring(database_url, file).line == "Imported 2 tasks and 1 list for open"
    file.write_text(
        "2026-11-20 Again\nx 2026-12-24 2026-11-20 Thank Mum +Family due:2026-12-24 pri:A\n"
        "2026-11-20 Again\n"
    )
    assert bring(database_url, file).line == (
        "Imported 1 task and 0 lists for open; 2 there already"
    )


@pytest.mark.database("sqlite")
def test_a_list_by_its_name_is_the_one_that_is_there(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "todo.txt"
    file.write_text("One\nTwo +home\n")
    bring(database_url, file, "--list", "Side project")
    file.write_text("Three +Side_project\nFour +home +Side_project\n")
    assert bring(database_url, file).line == "Imported 2 tasks and 0 lists for open"
    assert told(database_url) == [
        "- | One | in Side project",
        "- | Two | in home",
        "- | Three | in Side project",
        "- | Four | #Side_project | in home",
    ]
    assert len(lines_of(database_url, "list")) == 2


@pytest.mark.database("sqlite")
def test_what_is_too_long_or_too_much_is_cut_and_said(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "tasks.ics"
    categories = ",".join(f"tag{number}" for number in range(25))
    todos = [
        f"SUMMARY:{'long ' * 200}\r\nDESCRIPTION:notes\r\nCATEGORIES:{'y' * 60},{categories}",
        *(
            f"UID:level{number}\r\nSUMMARY:{number}\r\nRELATED-TO:level{number - 1}"
            for number in range(11)
        ),
        "UID:one\r\nSUMMARY:one\r\nRELATED-TO:two",
        "UID:two\r\nSUMMARY:two\r\nRELATED-TO:one",
        "UID:one\r\nSUMMARY:one again",
    ]
    file.write_text(
        "BEGIN:VCALENDAR\r\n"
        + "".join(f"BEGIN:VTODO\r\n{each}\r\nEND:VTODO\r\n" for each in todos)
        + "END:VCALENDAR\r\n"
    )
    done = bring(database_url, file)
    assert done.line == "Imported 14 tasks and 0 lists for open"
    assert {note.partition(": ")[2] for note in done.notes} == {
        "its title is cut to 500 characters; the notes have all",
        "a tag is cut to 50 characters",
        "it has 26 tags; the first 20 are carried",
        "its parent is not in the file: it comes to the top",
        "parent_id: would make more than 8 levels: it is lifted",
        "its parent is under it: it comes to the top",
        "is the same task as in line 62: left out",
    }
    first = lines_of(database_url, "task")[0]
    assert len(first["title"]) <= 500
    assert first["notes"].startswith("long long")
    assert first["notes"].endswith("\n\nnotes")
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        assert max(tasks_make_a_tree(client).values()) == 8


@pytest.mark.database("sqlite")
def test_a_parent_of_an_earlier_import_is_found(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "tasks.ics"
    todo = "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\n{}\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
    file.write_text(todo.format("UID:above\r\nSUMMARY:above\r\nX-TASKHOLD-LIST:L"))
    bring(database_url, file)
    file.write_text(todo.format("UID:below\r\nSUMMARY:below\r\nRELATED-TO:above"))
    assert bring(database_url, file).notes == []
    assert told(database_url) == ["- | above | in L", "- | below | in L | under above"]
