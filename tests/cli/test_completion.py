"""What shells are offered."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


def offered(cli: CommandLine, shell: str, words: str, number: int) -> list[str]:
    asking = CommandLine(
        cli.folder,
        **cli.variables,
        _TASKHOLD_COMPLETE=f"{shell}_complete",
        COMP_WORDS=words,
        COMP_CWORD=str(number) if shell != "fish" else words.rpartition(" ")[2],
    )
    ended = asking.run()
    assert ended.stderr == ""
    return [line for line in ended.stdout.splitlines() if line]


def test_commands_lists_tags_and_ids_are_offered(cli: CommandLine) -> None:
    cli.said("lists", "add", "Home")
    cli.said("add", "Buy paint", "--tag", "DIY", "--list", "Home")
    cli.said("add", "Call")
    cli.said("done", "2")
    assert offered(cli, "bash", "taskhold li", 1) == ["plain,list", "plain,lists"]
    assert offered(cli, "bash", "taskhold list --ov", 2) == ["plain,--overdue"]
    assert offered(cli, "bash", "taskhold add x --tag d", 4) == ["plain,DIY"]
    assert offered(cli, "bash", "taskhold add x --list ", 4) == ["plain,Home"]
    assert offered(cli, "zsh", "taskhold done ", 2) == ["plain", "1", "Buy paint"]
    assert offered(cli, "zsh", "taskhold undone ", 2) == ["plain", "2", "Call"]
    assert offered(cli, "fish", "taskhold done ", 2) == ["plain,1\tBuy paint"]


def test_where_nothing_can_be_asked_nothing_is_offered(tmp_path: Path) -> None:
    away = CommandLine(tmp_path, TASKHOLD_URL="http://127.0.0.1:1")
    assert offered(away, "bash", "taskhold done ", 2) == []
    nowhere = CommandLine(tmp_path)
    assert offered(nowhere, "bash", "taskhold done ", 2) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_of_its_shell(shell: str, tmp_path: Path) -> None:
    script = CommandLine(tmp_path).said("completion", shell)
    assert f"_TASKHOLD_COMPLETE={shell}_complete" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_bash_itself_completes_with_it(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("NO BASH: its completion is not tested here")
    (tmp_path / "taskhold").write_text(f'#!/bin/sh\nexec {sys.executable} -m taskhold "$@"\n')
    (tmp_path / "taskhold").chmod(0o755)
    script = CommandLine(tmp_path).said("completion", "bash")
    ask = "COMP_WORDS=(taskhold und); COMP_CWORD=1; _taskhold_completion taskhold"
    ask += '; echo "${COMPREPLY[@]}"'
    ended = subprocess.run(
        [bash, "--norc", "-c", f"{script}\n{ask}"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ended.stdout.split()) == {"undone", "undo"}
