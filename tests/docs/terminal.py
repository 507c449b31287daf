"""A terminal with a shell in it, or with Python, as somebody has who follows a page."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pexpect

PATIENCE = 30.0
"""Seconds that a command may take on a busy machine."""
BASH = ("/bin/bash", "--noprofile", "--norc", "--noediting")
PYTHON = (
    "python",
    "-c",
    (
        "import code, os, sys; sys.ps1 = f'\\x050 {os.getcwd()}\\x06'; sys.ps2 = ''; "
        "code.interact(banner='', exitmsg='')"
    ),
)
_PROMPT = r"printf '\005%d %s\006' $? " + '"$PWD"'
_ENDED = re.compile("\x05(\\d+) ([^\x06]*)\x06")
"""What stands where a prompt would: the exit code, and the folder."""
_ANSWERS = {
    re.compile(r"(?i)(?:^|\n)(?:[^\n]*password[^\n]*|once more): ?$"): (
        "correct horse battery\n",
        "",
    ),
    re.compile(r"\[y/N\]: ?$"): ("y\n", "y\n"),
    re.compile(r"(?:^|\n)Name: ?$"): ("ada\n", "ada\n"),
}
"""What is typed where something is asked, and what the terminal shows of that."""


class Terminal:
    """What runs in it keeps its folder and its variables from one command to the next."""

    def __init__(
        self, folder: Path, variables: dict[str, str], program: tuple[str, ...] = BASH
    ) -> None:
        self._program = pexpect.spawn(
            program[0],
            list(program[1:]),
            cwd=str(folder),
            env=variables | {"PS1": "", "PS2": "", "PROMPT_COMMAND": _PROMPT},
            encoding="utf-8",
            dimensions=(40, 120),
            echo=False,
        )
        self._program.delaybeforesend = None
        self._said = ""
        self._asked = 0
        self.folder = folder
        """Where the shell was when it last waited for a command."""
        self.wait()

    def type(self, typed: str) -> None:
        """Type a line, or several; what is said after it is what counts from now on."""
        self.forget()
        self._program.send(f"{typed}\n")

    def press(self, key: str) -> None:
        """Press Ctrl and a key, which the program doesn't get, but the terminal."""
        self.forget()
        self._program.sendcontrol(key)

    def forget(self) -> None:
        """What has been said so far doesn't count any more."""
        self._said, self._asked = "", 0

    def wait(self) -> tuple[str, int]:
        """What the command says until it ends, and its exit code. Raises TimeoutError."""
        said = self.wait_until(lambda _said: False)
        ended = list(_ENDED.finditer(self._said))
        if not ended:
            raise TimeoutError(f"it doesn't end, and so far it said\n{said}")
        self.folder = Path(ended[-1][2])
        return said, int(ended[-1][1])

    def wait_until(self, enough: Callable[[str], bool]) -> str:
        """What it says until that is enough, it ends, or time is up."""
        deadline = time.monotonic() + PATIENCE
        while not enough(_ENDED.sub("", self._said)) and time.monotonic() < deadline:
            has_ended = _ENDED.search(self._said)
            if not self._more(0.01 if has_ended else 0.2) and has_ended:
                break
        return _ENDED.sub("", self._said)

    def close(self) -> None:
        """End what runs in it; a server doesn't mind that its terminal goes."""
        if self._program.isalive():
            in_front = os.tcgetpgrp(self._program.fileno())
            if in_front != self._program.pid:
                os.killpg(in_front, signal.SIGKILL)
        self._program.close(force=True)

    def _more(self, seconds: float) -> bool:
        """Read what there is, and answer what is asked; false if there is nothing for so long."""
        try:
            self._said += self._program.read_nonblocking(65_536, seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        for question, (answer, echoed) in _ANSWERS.items():
            if question.search(self._said[self._asked :]):
                self._said += echoed
                self._asked = len(self._said)
                self._program.send(answer)
        return True
