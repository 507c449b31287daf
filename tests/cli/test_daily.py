"""The daily commands, on a database and on a server: the same words, the same answers."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.support.accounts import make_accounts
from tests.support.command_line import CommandLine
from tests.support.journal import tasks_and_journal_agree
from tests.support.servers import LiveServer


def test_a_day_with_tasks(cli: CommandLine) -> None:
    assert cli.said("lists", "add", "Home") == "Made the list “Home”\n"
    options = ("--due", "2026-12-04", "--tag", "DIY", "--priority", "high", "--list", "home")
    paint = cli.said("add", "Buy", "paint", *options, "--note", "-", stdin="red\nor blue\n")
    assert paint.startswith("Added 1 “Buy paint”, due ")
    made = cli.json("add", "Call the bank", "--due", "2026-12-03T09:30:00+01:00", "--parent", "1")
    assert (made["id"], made["parent_id"], made["list_id"]) == (2, 1, 1)
    assert cli.said("add", "-", "--tag", "x", stdin="one\r\n\n  two \n") == (
        "Added 3 “one”\nAdded 4 “two”\n"
    )
    lines = cli.said("list").splitlines()
    assert lines == [
        "2\t-\tnone\t2026-12-03T09:30:00+01:00\tHome\t\tCall the bank",
        "1\t-\thigh\t2026-12-04\tHome\tDIY\tBuy paint",
        "3\t-\tnone\t\t\tx\tone",
        "4\t-\tnone\t\t\tx\ttwo",
    ]
    shown = cli.said("show", "1")
    for part in ("[ ] Buy paint\n", "high", "DIY", "Home", "\n  red\n  or blue\n", "[ ] 2 Call"):
        assert part in shown
    assert cli.said("done", "1", "3", "3") == "Done: 1 “Buy paint”\nDone: 3 “one”\n"
    assert cli.said("list", "--done", "--sort", "title").splitlines() == [
        "1\tx\thigh\t2026-12-04\tHome\tDIY\tBuy paint",
        "3\tx\tnone\t\t\tx\tone",
    ]
    assert cli.said("undone", "3") == "Open again: 3 “one”\n"
    edited = cli.json("edit", "3", "4", "--tag", "Y", "--untag", "X", "--list", "Home")
    assert [(task["tags"], task["list_id"]) for task in edited] == [(["Y"], 1)] * 2
    (edited,) = cli.json("edit", "3", "--title", "first", "--due", "none", "--list", "none")
    assert (edited["title"], edited["list_id"], edited["tags"]) == ("first", None, ["Y"])
    assert [task["id"] for task in cli.json("search", "BLUE")] == [1]
    assert cli.said("tags") == "0\tDIY\n2\tY\n"
    assert cli.said("tags", "rename", "diy", "y") == "It is “y” now\n"
    assert cli.json("tags") == [{"tag": "y", "open_count": 2}]
    assert cli.said("lists") == "1\t2\t\tHome\n"
    assert [task["id"] for task in cli.json("rm", "1", "2", "4")] == [1, 2, 4]
    assert [task["id"] for task in cli.json("list", "--trash")] == [4, 1, 2]
    assert cli.said("restore", "1", "2") == "Back: 1 “Buy paint”\nBack: 2 “Call the bank”\n"
    assert cli.refused("restore", "3", "4") == (
        "Not in the trash: 3 (`taskhold list --trash` shows what is)"
    )
    assert [task["id"] for task in cli.json("list", "--trash")] == [4]
    assert cli.said("lists", "rm", "home").startswith("Deleted the list “Home”")
    assert cli.said("lists") == ""


def test_undo_goes_back_step_by_step_and_says_what_it_undid(cli: CommandLine) -> None:
    cli.said("add", "one")
    cli.said("add", "two")
    cli.said("done", "1", "2")
    cli.said("rm", "2")
    assert cli.said("undo") == (
        "Undone: moved 2 “two” to the trash\n`taskhold undo 6` does it again\n"
    )
    assert cli.said("undo").startswith("Undone: completed 2 tasks: 1 “one”, 2 “two”\n")
    assert cli.said("undo").startswith("Undone: added 2 “two”\n")
    (again,) = cli.json("undo", "9")
    assert (again["action"], again["undoes"]) == ("restore", 9)
    assert cli.said("undo").startswith("Undone: added 2 “two”\n")
    assert cli.said("undo").startswith("Undone: added 1 “one”\n")
    assert cli.refused("undo") == "There is nothing to undo"
    assert cli.refused("undo", "99") == "There is no change 99, or not any more"
    cli.said("add", "three")
    cli.said("edit", "3", "--title", "drei")
    cli.said("edit", "3", "--title", "trois")
    sentence = "A later change has touched the same; undo that one first."
    assert cli.refused("undo", str(cli.json("log")[-2]["seq"])) == sentence


def test_the_log_tells_it_in_words(cli: CommandLine) -> None:
    cli.said("lists", "add", "Home")
    cli.said("add", "paint")
    change = ("--title", "Paint it", "--due", "2026-12-24", "--tag", "a", "--list", "Home")
    cli.said("edit", "1", *change, "--priority", "low", "--note", "x")
    cli.said("done", "1")
    cli.said("edit", "1", "--due", "none", "--priority", "none", "--untag", "a", "--list", "none")
    cli.said("lists", "rename", "Home", "House")
    cli.said("lists", "archive", "House")
    cli.said("rm", "1")
    cli.said("undo")
    told = [line.split("\t") for line in cli.said("log").splitlines()]
    assert [line[0] for line in told] == [str(seq) for seq in range(1, 10)]
    assert {line[2] for line in told} == {"open"}
    words = [line[6] for line in told]
    assert words[0] == "added the list “Home”"
    assert words[2].startswith("changed 1 “Paint it”: was “paint”, notes, due 24 Dec")
    assert words[2].endswith(", low priority, tags “a”, to “House”")
    assert words[3:] == [
        "completed 1 “Paint it”",
        "changed 1 “Paint it”: no due day, no priority, no tags, to no list",
        "changed the list “House”: was “Home”",
        "changed the list “House”: archived",
        "moved 1 “Paint it” to the trash",
        "brought back 1 “Paint it” (undoing 8)",
    ]
    assert [line.split("\t")[0] for line in cli.said("log", "1", "--limit", "2").splitlines()] == [
        *("8", "9"),
    ]
    assert [change["seq"] for change in cli.json("log", "--limit", "3")] == [7, 8, 9]
    assert cli.said("lists", "--all") == "1\t0\tarchived\tHouse\n"


@pytest.mark.database("sqlite")
def test_filters_orders_and_pages(cli: CommandLine) -> None:
    days = [f"2026-12-{day:02}" for day in range(1, 26)]
    titles = "".join(f"task of {day}\n" for day in days)
    cli.said("add", "-", stdin=titles)
    operations = [("edit", str(number), "--due", day) for number, day in enumerate(days[:4], 1)]
    for words in operations:
        cli.said(*words)
    first = cli.run("list", "--json")
    assert len(json.loads(first.stdout)) == 20
    assert first.stderr == "taskhold: these are the first 20; --all shows all\n"
    assert len(cli.json("list", "--all")) == len(cli.json("list", "--limit", "25")) == 25
    assert len(cli.json("list", "--all", "--sort", "-id")) == 25

    def ids(*options: str) -> list[int]:
        return [task["id"] for task in cli.json("list", "--all", *options)]

    assert ids("--due", "2026-12-02") == [2]
    assert ids("--due-after", "2026-12-02", "--due-before", "2026-12-04") == [2, 3]
    assert ids("--due-before", "2026-12-02T00:30:00+01:00") == [1, 2]
    assert len(ids("--due", "none")) == 21
    cli.said("edit", "9", "--parent", "1", "--tag", "a", "--tag", "b")
    cli.said("edit", "8", "--tag", "a", "--priority", "high")
    assert ids("--parent", "1") == ids("--tag", "a", "--tag", "B") == [9]
    assert ids("--priority", "high", "--parent", "none", "--list", "none") == [8]
    cli.said("done", "8")
    assert (ids("--tag", "a"), ids("--tag", "a", "--any"), ids("--done")) == ([9], [8, 9], [8])
    found = cli.run("search", "TASK", "12-2", "--limit", "2", "--sort", "-title")
    assert [line.split("\t")[0] for line in found.stdout.splitlines()] == ["25", "24"]


@pytest.mark.database("sqlite")
def test_what_is_wrong_is_refused_in_a_sentence_and_nothing_is_done(cli: CommandLine) -> None:
    cli.said("add", "only")
    assert cli.refused("done", "1", "7") == "There is no task 7; nothing was changed"
    assert cli.refused("edit", "7", "--tag", "x") == "There is no task 7"
    assert cli.refused("rm", "1", "7") == "There is no task 7"
    assert cli.refused("show", "7") == "There is no task 7"
    assert cli.refused("add", " ") == "title: should not be blank"
    assert "Line 2: title: should have at most" in cli.refused(
        "add", "-", stdin=f"a\n{'x' * 501}\n"
    )
    assert "no control characters" in cli.refused("add", "a\tb")
    assert "comma" in cli.refused("edit", "1", "--tag", "a,b")
    assert "There is no list “Nope”" in cli.refused("add", "x", "--list", "Nope")
    assert cli.refused("edit", "1", "--parent", "1").startswith("parent_id: is the task itself")
    assert [(task["id"], task["version"]) for task in cli.json("list", "--any")] == [(1, 1)]
    assert cli.json("list", "--trash") == []


@pytest.mark.database("sqlite")
def test_what_can_t_be_meant_is_wrong_usage(local: CommandLine) -> None:
    for words, said in (
        (("add", "x", "--due", "whenever"), "“whenever” is no day"),
        (("add",), "Missing argument"),
        (("edit", "1"), "What shall change?"),
        (("done", "0"), "0 is not in the range"),
        (("list", "--sort", "colour"), "'colour' is not one of"),
        (("list", "--due", "today", "--due-after", "today"), "--due goes with neither"),
        (("lst",), "did you mean list?"),
        (("add", "-", "--note", "-"), "can't be both"),
        (("done", *map(str, range(1, 202))), "At most 200 at once"),
    ):
        assert said in local.refused(*words, exit_code=2)


@pytest.mark.database("sqlite")
def test_what_was_purged_is_not_undone_and_nothing_before_it(
    server: LiveServer, remote: CommandLine
) -> None:
    remote.said("add", "one")
    remote.said("rm", "1")
    assert httpx2.delete(f"{server.url}/trash/1").status_code == 204
    assert remote.refused("undo") == "This can't be undone: deleted task 1 for good"
    assert remote.refused("undo", "1").startswith("This is not in the journal any more")


@pytest.mark.database("sqlite")
def test_tags_that_are_added_at_the_same_time_are_all_there(cli: CommandLine) -> None:
    cli.said("add", "one")
    cli.said("add", "two")
    with ThreadPoolExecutor(6) as pool:
        tags = [f"tag-{number}" for number in range(6)]
        list(pool.map(lambda tag: cli.said("edit", "1", "2", "--tag", tag), tags))
    for task in cli.json("list"):
        assert sorted(task["tags"]) == tags


@pytest.mark.database("sqlite")
def test_two_lists_of_one_name_are_told_apart_by_their_ids(cli: CommandLine) -> None:
    cli.said("lists", "add", "Home")
    cli.said("lists", "add", "home")
    assert cli.json("add", "x", "--list", "home")["list_id"] == 2
    sentence = cli.refused("add", "x", "--list", "HOME", exit_code=2)
    assert sentence == "Several lists are called “HOME”; name one by its id: 1, 2"
    assert cli.json("add", "x", "--list", "1")["list_id"] == 1


def test_a_command_beside_a_running_server_is_one_of_its_clients(
    local: CommandLine, database_url: str
) -> None:
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        with client.stream("GET", "/events", params={"after": 0}) as stream:
            told = stream.iter_lines()
            local.said("add", "from the command line")
            assert any(line == "id: 1" for line in told)
        client.patch("/tasks/1", json={"title": "from the server"})
        assert local.said("list").endswith("\tfrom the server\n")
        local.said("done", "1")
        local.said("rm", "1")
        local.said("undo")
        tasks = tasks_and_journal_agree(client)
        assert (tasks[1]["done"], tasks[1]["version"]) == (True, 4)


def test_whose_tasks_they_are(local: CommandLine, database_url: str) -> None:
    local.said("add", "made in open mode")
    make_accounts(database_url, {"username": "ada"})
    assert [task["id"] for task in local.json("list")] == [1]
    make_accounts(database_url, {"username": "bob"})
    sentence = local.refused("list", exit_code=2)
    assert sentence == "There are several accounts; say which with --user NAME"
    assert local.json("list", "--user", "Bob") == []
    assert local.json("add", "bob's", "--user", "bob")["id"] == 2
    assert local.refused("done", "1", "--user", "bob") == "There is no task 1"
    assert local.refused("list", "--user", "eve") == "There is no account eve"
    assert [change["actor"] for change in local.json("log", "--user", "bob")] == ["bob"]
    assert local.said("undo", "--user", "bob").startswith("Undone: added 2 “bob's”")


@pytest.mark.database("sqlite")
def test_a_database_that_is_not_there_is_made_by_what_adds(local: CommandLine) -> None:
    url = f"sqlite:///{local.folder}/new.db"
    sentence = local.refused("list", "--database-url", url)
    assert sentence.startswith(f"There is no {local.folder}/new.db. `taskhold add` makes it")
    assert not (local.folder / "new.db").exists()
    ended = local.run("add", "first", "--database-url", url)
    assert (ended.stdout, ended.returncode) == ("Added 1 “first”\n", 0)
    assert ended.stderr == f"taskhold: making {local.folder}/new.db\n"
    assert (local.folder / "new.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.database("sqlite")
def test_a_reader_who_has_had_enough_is_no_failure_to_cry_about(local: CommandLine) -> None:
    local.said("add", "-", stdin="x\n" * 200)
    command = f"{sys.executable} -m taskhold list --all | head -n 1"
    environment = {**os.environ, **local.variables}
    ended = subprocess.run(  # noqa: S602
        command, shell=True, capture_output=True, text=True, env=environment, check=True
    )
    assert (ended.stdout, ended.stderr) == ("1\t-\tnone\t\t\t\tx\n", "")
