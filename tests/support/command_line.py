"""`taskhold`, run by a person who has a home and a place where the tasks are."""

import json
import os
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
from pexpect.fdpexpect import fdspawn

from tests.support import prepared

if TYPE_CHECKING:
    import subprocess

TIMEOUT = 20
if TYPE_CHECKING:
    Spawn = fdspawn[bytes]
else:
    Spawn = fdspawn
_OF_TERMINALS = dict.fromkeys(("CI", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR"))
"""What would speak of another terminal."""


class Terminal(Spawn):
    """Our end of a terminal that a command runs in."""

    def __init__(self, end: int, process: prepared.Process) -> None:
        super().__init__(end, timeout=TIMEOUT)
        self._process = process

    def sendintr(self) -> None:
        """Ctrl-C."""
        self.send(b"\x03")

    def sendeof(self) -> None:
        """Ctrl-D."""
        self.send(b"\x04")

    def close(self) -> None:
        """Hang up; the command has to end, and its exit code is there."""
        super().close()
        self.exitstatus = self._process.wait(TIMEOUT)


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

    def terminal(self, *words: str, columns: int = 100, **variables: str) -> Terminal:
        """The command in a terminal."""
        given = {**_OF_TERMINALS, **self.variables, "TERM": "xterm-256color", **variables}
        given["COLUMNS"] = None
        ours, its = os.openpty()
        termios.tcsetwinsize(its, (40, columns))
        with os.fdopen(its, "r+b", buffering=0) as end:
            process = prepared.start_in_terminal(
                *words, folder=self.folder, variables=given, terminal=end
            )
        return Terminal(ours, process)

    def screen(self, *words: str, columns: int = 100, **variables: str) -> str:
        """What a command shows in a terminal, with its colours; it has to succeed."""
        running = self.terminal(*words, columns=columns, **variables)
        running.expect(pexpect.EOF)
        running.close()
        shown: bytes = running.before or b""
        assert running.exitstatus == 0, shown
        return shown.decode()
