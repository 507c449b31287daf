"""The commands as a person at a terminal has them."""

import re
import stat
import sys
from pathlib import Path

import httpx2
import pexpect
import pytest

from tests.support.command_line import CommandLine, Terminal
from tests.support.servers import LiveServer, ServerProcess

COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-7][0-9;]*m")
EDITOR = """#!{python}
import pathlib, sys
path = pathlib.Path(sys.argv[1])
text = path.read_text()
for line in pathlib.Path({script!r}).read_text().splitlines():
    old, _, new = line.partition(" => ")
    assert old in text, (old, text)
    text = text.replace(old, new.replace("\\\\n", "\\n"))
path.write_text(text)
pathlib.Path({script!r} + ".seen").write_text(text)
"""


def plain(screen: str) -> list[str]:
    """The lines without their styles."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", screen).splitlines()]


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    """A program that edits by what is written in the file that this gives: `old => new` a line."""
    script = tmp_path / "edits"
    program = tmp_path / "editor"
    program.write_text(EDITOR.format(python=sys.executable, script=str(script)))
    program.chmod(0o755)
    return script


def edit(cli: CommandLine, editor: Path, *edits: str) -> Terminal:
    editor.write_text("\n".join(edits))
    return cli.terminal("edit", "1", VISUAL=str(editor.parent / "editor"))


def ended(running: Terminal) -> tuple[int | None, str]:
    """The exit code, and what was on the screen since the last thing that was waited for."""
    running.expect(pexpect.EOF)
    running.close()
    return running.exitstatus, (running.before or b"").decode()


@pytest.mark.database("sqlite")
def test_a_table_with_colours_as_wide_as_the_terminal(cli: CommandLine) -> None:
    cli.said("add", "Buy paint " * 12, "--due", "2020-01-01", "--tag", "diy", "--priority", "high")
    cli.said("add", "写代码 שלום \u202e evil", "--due", "today")
    cli.said("add", "done", "--due", "today")
    cli.said("done", "3")
    wide = cli.screen("list", "--any", columns=140)
    assert COLOUR.search(wide)
    assert "\x1b[1;31m1 Jan 2020" in wide
    head, first, second, third = plain(wide)
    assert head.split() == ["id", "due", "tags", "title"]
    assert first.startswith(" 1     !!!  1 Jan 2020  #diy  Buy paint Buy paint")
    assert second.endswith("写代码 שלום  evil\u200e")
    assert third.split() == ["3", "✓", "today", "done"]
    narrow = plain(cli.screen("list", columns=44))
    assert all(len(line) <= 44 for line in narrow)
    assert narrow[1].endswith("…")
    assert "#diy" not in narrow[1]
    colourless = cli.screen("list", NO_COLOR="1")
    assert not COLOUR.search(colourless)
    assert plain(colourless)[1].startswith(" 1  !!!  1 Jan 2020")
    forced = CommandLine(cli.folder, **cli.variables, FORCE_COLOR="1")
    assert COLOUR.search(forced.said("list"))
    shown = plain(cli.screen("show", "1"))
    assert shown[0].startswith("[ ] Buy paint Buy")
    assert "  due       2020-01-01 (1 Jan 2020)" in shown


@pytest.mark.database("sqlite")
def test_notes_and_names_do_nothing_to_a_terminal(cli: CommandLine) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202e"
    cli.said("add", "task", "--note", "-", stdin=f"first{evil}\nsecond")
    for screen in (cli.screen("show", "1"), cli.screen("show", "1", "--json")):
        left = re.sub(r"\x1b\[[0-9;]*m", "", screen)
        assert not set(left) - {"\r", "\n"} & set(map(chr, (*range(32), *range(127, 160), 0x202E)))
        assert "first" in left
    assert f"first{evil}\nsecond" == cli.json("show", "1")[0]["notes"]


@pytest.mark.database("sqlite")
def test_a_task_in_an_editor(cli: CommandLine, editor: Path) -> None:
    cli.said("lists", "add", "Home")
    cli.said("add", "Paint", "--tag", "a", "--note", "old\nlines")
    running = edit(
        *(cli, editor, "title: Paint => title: Paint it", "due: => due: 24 dec"),
        *("tags: a => tags: a, B", "list: => list: home", "old => new\\nand"),
        *("priority: none => priority: high", "done: no => done: yes"),
    )
    assert ended(running) == (0, "Changed 1 “Paint it”\r\n")
    (task,) = cli.json("show", "1")
    assert (task["title"], task["tags"], task["list_id"]) == ("Paint it", ["a", "B"], 1)
    assert (task["notes"], task["priority"], task["done"]) == ("new\nand\nlines", "high", True)
    assert task["due"].endswith("-12-24")
    assert task["version"] == 2
    running = edit(cli, editor, f"due: {task['due']} => due: none", "list: Home => list:")
    assert ended(running) == (0, "Changed 1 “Paint it”\r\n")
    (task,) = cli.json("show", "1")
    assert (task["due"], task["list_id"], task["version"]) == (None, None, 3)
    assert ended(edit(cli, editor)) == (0, "taskhold: nothing was changed\r\n")


@pytest.mark.database("sqlite")
def test_what_is_not_understood_may_be_edited_again_and_is_never_lost(
    remote: CommandLine, editor: Path
) -> None:
    cli = remote
    cli.said("add", "Paint")
    for edits, said in (
        ("due: => due: whenever", "“whenever” is no day"),
        ("title: Paint => title:", "title: should not be blank"),
        ("list: => list: Nope", "There is no list “Nope”"),
        ("priority: none => urgent: yes", "“urgent: yes” is not understood"),
        ("--- notes => --- more", "has to stay"),
    ):
        running = edit(cli, editor, edits)
        running.expect_exact(f"{said}".encode())
        running.expect_exact(b"Edit it again? [Y/n]: ")
        running.sendline(b"n")
        exit_code, screen = ended(running)
        assert exit_code == 1
        kept = re.search(r"taskhold: Nothing was changed; what you wrote is in (\S+)", screen)
        assert kept
        path = Path(kept[1])
        assert path.read_text() == Path(f"{editor}.seen").read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.unlink()
    running = edit(cli, editor, "due: => due: whenever")
    running.expect_exact(b"Edit it again? [Y/n]: ")
    editor.write_text("whenever => 2026-12-24")
    running.sendline(b"")
    assert ended(running)[0] == 0
    assert cli.json("show", "1")[0]["due"] == "2026-12-24"


@pytest.mark.database("sqlite")
def test_an_edit_meanwhile_is_kept_and_one_of_the_same_field_is_not_overwritten(
    server: LiveServer, remote: CommandLine, editor: Path
) -> None:
    remote.said("add", "Paint")
    program = editor.parent / "editor"
    meanwhile = (
        "import httpx2\n"
        f"httpx2.patch('{server.url}/tasks/1', json={{change!r}}).raise_for_status()\n"
    )
    whole = program.read_text()
    program.write_text(whole + meanwhile.replace("{change!r}", '{"notes": "theirs"}'))
    assert ended(edit(remote, editor, "title: Paint => title: Mine")) == (0, "Changed 1 “Mine”\r\n")
    (task,) = remote.json("show", "1")
    assert (task["title"], task["notes"], task["version"]) == ("Mine", "theirs", 3)
    program.write_text(whole + meanwhile.replace("{change!r}", '{"title": "Theirs"}'))
    exit_code, screen = ended(edit(remote, editor, "title: Mine => title: Mine again"))
    assert exit_code == 1
    kept = re.search(r"It has changed meanwhile \(title\); what you wrote is in (\S+)", screen)
    assert kept
    assert "Mine again" in Path(kept[1]).read_text()
    Path(kept[1]).unlink()
    assert remote.json("show", "1")[0]["title"] == "Theirs"


def test_the_log_is_followed_until_ctrl_c(cli: CommandLine) -> None:
    cli.said("add", "first")
    running = cli.terminal("log", "--follow")
    running.expect_exact("added 1 “first”".encode())
    cli.said("add", "second")
    running.expect_exact("added 2 “second”".encode())
    cli.said("done", "1")
    running.expect_exact("completed 1 “first”".encode())
    running.sendintr()
    exit_code, screen = ended(running)
    assert exit_code == 0
    assert "taskhold" not in screen
    running = cli.terminal("log", "1", "--follow", "--json")
    running.expect_exact(b'"seq": 3')
    cli.said("edit", "2", "--title", "other")
    cli.said("undone", "1")
    running.expect_exact(b'"seq": 5')
    assert b'"seq": 4' not in (running.before or b"")
    running.sendintr()
    assert ended(running)[0] == 0


@pytest.mark.database("sqlite")
def test_who_follows_a_server_hears_of_a_break_and_misses_nothing(
    database_url: str, tmp_path: Path
) -> None:
    variables = {"TASKHOLD_DATABASE_URL": database_url}
    server = ServerProcess(tmp_path, (), variables)
    try:
        server.wait_until_ready()
        cli = CommandLine(tmp_path, TASKHOLD_URL=server.url)
        cli.said("add", "first")
        running = cli.terminal("log", "--follow")
        running.expect_exact("added 1 “first”".encode())
        server.kill()
        running.expect_exact(b"taskhold: no changes come from http://")
        running.expect_exact(b"trying again")
        adding = cli.terminal("add", "second")
        port = str(httpx2.URL(server.url).port)
        server = ServerProcess(tmp_path, ("--port", port), variables)
        server.wait_until_ready()
        exit_code, said = ended(adding)  # where the server takes long, of that, too
        assert (exit_code, said[-18:]) == (0, "Added 2 “second”\r\n")
        running.expect_exact("added 2 “second”".encode())
        running.sendintr()
        assert ended(running)[0] == 0
    finally:
        server.kill()


def test_who_waits_for_a_server_hears_why(tmp_path: Path) -> None:
    running = CommandLine(tmp_path, TASKHOLD_URL="http://127.0.0.1:1").terminal("list")
    running.expect_exact(b"taskhold: no answer from http://127.0.0.1:1 (connection refused)")
    exit_code, screen = ended(running)
    assert (exit_code, screen.splitlines()) == (
        *(1, ["; trying again", "taskhold: No answer from http://127.0.0.1:1: connection refused"]),
    )


@pytest.mark.database("sqlite")
def test_titles_and_notes_are_typed_until_ctrl_d(local: CommandLine) -> None:
    running = local.terminal("add", "-")
    running.expect_exact(b"Ctrl-D ends it")
    running.sendline(b"one")
    running.sendline("zwölf".encode())
    running.sendeof()
    running.expect_exact("Added 2 “zwölf”".encode())
    assert ended(running)[0] == 0
    running = local.terminal("rm", "1")
    running.expect_exact(b"`taskhold undo` brings it back")
    assert ended(running)[0] == 0
