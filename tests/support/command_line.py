"""`taskhold`, run by a person who has a home and a place where the tasks are."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect

from tests.support import prepared

if TYPE_CHECKING:
    import subprocess

TIMEOUT = 20


class CommandLine:
    """Runs commands in a folder, with variables of its own."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.variables = {
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TZ": "Europe/Berlin",
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            **variables,
        }

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return prepared.run(*words, folder=self.folder, variables=self.variables, stdin=stdin)

    def said(self, *words: str, stdin: str = "") -> str:
        """What a command printed; it has to succeed and to complain of nothing."""
        ended = self.run(*words, stdin=stdin)
        assert (ended.returncode, ended.stderr) == (0, ""), ended
        return ended.stdout

    def json(self, *words: str, stdin: str = "") -> Any:
        """The JSON that a command printed."""
        return json.loads(self.said(*words, "--json", stdin=stdin))

    def refused(self, *words: str, stdin: str = "", exit_code: int = 1) -> str:
        """Why a command failed: its one line on standard error, and nothing elsewhere."""
        ended = self.run(*words, stdin=stdin)
        assert (ended.returncode, ended.stdout) == (exit_code, ""), ended
        (line,) = ended.stderr.splitlines()
        assert line.startswith("taskhold: "), line
        return line.removeprefix("taskhold: ")

    def terminal(self, *words: str, columns: int = 100, **variables: str) -> "pexpect.spawn[bytes]":
        """The command in a terminal, from scratch."""
        given = {**self.variables, "TERM": "xterm-256color", **variables}
        given.pop("COLUMNS")
        return pexpect.spawn(
            sys.executable,
            ["-m", "taskhold", *words],
            cwd=str(self.folder),
            env=_environment(given),
            timeout=TIMEOUT,
            dimensions=(40, columns),
        )

    def screen(self, *words: str, columns: int = 100, **variables: str) -> str:
        """What a command shows in a terminal, with its colours; it has to succeed."""
        running = self.terminal(*words, columns=columns, **variables)
        running.expect(pexpect.EOF)
        running.close()
        shown: bytes = running.before or b""
        assert running.exitstatus == 0, shown
        return shown.decode()


_OF_TERMINALS = frozenset({"CI", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR"})


def _environment(given: Mapping[str, str]) -> Any:
    """Without what would speak of another terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_TERMINALS}
    return {**kept, **given}
