"""Following a page word for word: its commands are typed into terminals, its files saved."""

import re
from pathlib import Path

from tests.docs.matching import Memory
from tests.docs.pages import KEYS, Command, Step
from tests.docs.terminal import PYTHON, Terminal

_STAYS = re.compile(r"(?:^|\s)(?:taskhold serve|uvicorn|\S+ follow)(?: [^&|]*)?$", re.MULTILINE)
"""What is left running in its terminal, while the next command is typed into another. A block of
the page that begins without a command says how it goes on there."""


class Reader:
    """Somebody who follows a page, beginning in an empty folder."""

    def __init__(self, folder: Path, variables: dict[str, str], known: dict[str, str]) -> None:
        """`known`: what stands for what in the page."""
        self._folder = folder
        self._variables = variables
        self._memory = Memory(known)
        self._busy: list[Terminal] = []
        self._terminal = Terminal(folder, variables)
        self._python: Terminal | None = None

    def follow(self, step: Step) -> str | None:
        """Do a step. What is wrong with it, or None."""
        try:
            return self._follow(step)
        except TimeoutError as late:
            self._terminal.close()
            self._terminal = Terminal(self._terminal.folder, self._variables)
            return str(late)

    def _follow(self, step: Step) -> str | None:
        if not isinstance(step, Command):
            folder = self._terminal.folder
            (folder / step.name).write_text(self._memory.as_it_is(step.text), encoding="utf-8")
            return None
        typed = self._memory.as_it_is(step.typed)
        if step.in_python:
            if self._python is None:
                self._python = Terminal(self._terminal.folder, self._variables, PYTHON)
            self._python.type(f"{typed}\n" if "\n" in typed else typed)
            said, _ = self._python.wait()
            return self._judge(step, said, 0)
        first, after_keys = _split(step.shown)
        if not typed:
            self._terminal.close()
            self._terminal = self._busy.pop()
        else:
            self._terminal.type(typed)
            if not after_keys and not _STAYS.search(typed):
                said, exit_code = self._terminal.wait()
                return self._judge(step, said, exit_code)
        said = self._terminal.wait_until(lambda said: self._memory.matches(first, said))
        wrong = self._difference(first, said)
        for key, shown in after_keys:
            self._terminal.press(key)
            said, _ = self._terminal.wait()
            wrong = wrong or self._difference(shown, said)
        if not after_keys:
            self._terminal.forget()
            self._busy.append(self._terminal)
            self._terminal = Terminal(self._terminal.folder, self._variables)
        return wrong

    def close(self) -> None:
        """Close the terminals, whatever runs in them."""
        for terminal in (self._python, self._terminal, *reversed(self._busy)):
            if terminal is not None:
                terminal.close()

    def _judge(self, command: Command, said: str, exit_code: int) -> str | None:
        if command.compared and (wrong := self._difference(command.shown, said)):
            return wrong
        return f"exit code {exit_code}: {said}" if exit_code and not command.shown else None

    def _difference(self, shown: list[str], said: str) -> str | None:
        if self._memory.matches(shown, said):
            return None
        return "\n".join(("the page shows", *shown, "but it says", said))


def _split(shown: list[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """What is shown at first; and after which key what."""
    first: list[str] = []
    after_keys: list[tuple[str, list[str]]] = []
    for line in shown:
        if line in KEYS:
            after_keys.append((KEYS[line], []))
        else:
            (after_keys[-1][1] if after_keys else first).append(line)
    return first, after_keys
