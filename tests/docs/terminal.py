"""A terminal with a shell in it, or with Python, as somebody has who follows a page."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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
_ENDED = re.compile(rb"\x05(\d+) ([^\x06]*)\x06")
_ANSWERS = {
    re.compile(rb"(?i)(?:^|\n)(?:[^\n]*password[^\n]*|once more): ?$"): (
        b"correct horse battery\n",
        b"",
    ),
    re.compile(rb"\[y/N\]: ?$"): (b"y\n", b"y\n"),
    re.compile(rb"(?:^|\n)Name: ?$"): (b"ada\n", b"ada\n"),
}
"""What is typed where something is asked, and what the terminal shows of that."""


class Terminal:
    """What runs in it keeps its folder and its variables from one command to the next."""

    def __init__(
        self, folder: Path, variables: dict[str, str], program: tuple[str, ...] = BASH
    ) -> None:
        self._ours, its_own = pty.openpty()
        modes = termios.tcgetattr(its_own)
        modes[3] &= ~(termios.ECHO | termios.ECHOCTL)  # what is typed is not said
        modes[1] &= ~termios.ONLCR
        termios.tcsetattr(its_own, termios.TCSANOW, modes)
        termios.tcsetwinsize(its_own, (40, 120))
        self._shell = subprocess.Popen(
            program,
            cwd=folder,
            env=variables | {"PS1": "", "PS2": "", "PROMPT_COMMAND": _PROMPT},
            stdin=its_own,
            stdout=its_own,
            stderr=its_own,
            preexec_fn=lambda: _take_terminal(its_own),  # noqa: PLW1509  # no threads in the child
        )
        os.close(its_own)
        self._said = b""
        self._asked = 0
        self.folder = folder
        """Where the shell was when it last waited for a command."""
        self.wait()

    def type(self, typed: str) -> None:
        """Type a line, or several; what is said after it is what counts from now on."""
        self.forget()
        os.write(self._ours, f"{typed}\n".encode())

    def press(self, key: bytes) -> None:
        """Press a key that the program doesn't get, but the terminal."""
        self.forget()
        os.write(self._ours, key)

    def forget(self) -> None:
        """What has been said so far doesn't count any more."""
        self._said, self._asked = b"", 0

    def wait(self) -> tuple[str, int]:
        """What the command says until it ends, and its exit code. Raises TimeoutError."""
        said = self.wait_until(lambda _said: False)
        ended = list(_ENDED.finditer(self._said))
        if not ended:
            raise TimeoutError(f"it doesn't end, and so far it said\n{said}")
        self.folder = Path(os.fsdecode(ended[-1][2]))
        return _ENDED.sub(b"", self._said).decode(), int(ended[-1][1])

    def wait_until(self, enough: Callable[[str], bool]) -> str:
        """What it says until that is enough, it ends, or time is up."""
        deadline = time.monotonic() + PATIENCE
        while not enough(_ENDED.sub(b"", self._said).decode(errors="replace")):
            if _ENDED.search(self._said) and not self._more(0.05):
                break
            if time.monotonic() > deadline:
                break
            self._more(0.2)
            for question, (answer, echoed) in _ANSWERS.items():
                if question.search(self._said[self._asked :]):
                    self._said += echoed
                    self._asked = len(self._said)
                    os.write(self._ours, answer)
        return _ENDED.sub(b"", self._said).decode(errors="replace")

    def close(self) -> None:
        """End what runs in it: first as by Ctrl-C, then for certain."""
        with suppress(OSError):
            os.write(self._ours, b"\x03\x03")
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGHUP)
        try:
            self._shell.wait(10)
        except subprocess.TimeoutExpired:
            self._shell.kill()
            self._shell.wait()
        os.close(self._ours)

    def _more(self, seconds: float) -> bool:
        """Read what there is; false if there is nothing for so long."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        try:
            read = os.read(self._ours, 65_536)
        except OSError:  # its last process has ended
            read = b""
        self._said += read
        return bool(read)


def _take_terminal(terminal: int) -> None:
    os.setsid()
    import fcntl

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
