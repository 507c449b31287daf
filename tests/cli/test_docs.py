"""docs/commands.md, word for word: what it says is typed is run, and what it shows compared."""

import re
import shlex
import subprocess

import pytest

from taskhold.cli.commands import SECTIONS
from tests.support.command_line import CommandLine
from tests.support.lesson import ROOT

PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
EXCHANGES = [
    exchange.split("\n", 1)
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for exchange in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]
"""What is typed, and what comes."""


def run(cli: CommandLine, typed: str) -> str:
    before, _, command = typed.rpartition(" | ")
    stdin = ""
    if before:
        stdin = subprocess.run(
            shlex.split(before), capture_output=True, text=True, check=True
        ).stdout
    program, *words = shlex.split(command)
    assert program == "taskhold"
    shown = cli.run(*words, stdin=stdin)
    assert shown.returncode == 0, shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout)
    return "".join(f"{line.rstrip()}\n" for line in plain.splitlines())


@pytest.mark.database("sqlite")
def test_what_the_page_shows_is_what_comes(local: CommandLine) -> None:
    cli = CommandLine(local.folder, **local.variables, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm")
    assert len(EXCHANGES) > 10
    for typed, comes in EXCHANGES:
        assert run(cli, typed) == comes, typed


def test_the_page_names_every_daily_command() -> None:
    for name in SECTIONS["Tasks"] | SECTIONS["Login and shell"]:
        assert re.search(rf"taskhold {name}\b", PAGE), name
