"""What there is to run in a page of the documentation.

- `console` blocks: `$ ` is typed, `> ` continues it, and what follows is what is said. `^C` stands
  where Ctrl-C is pressed, `^Z` where Ctrl-Z is. A line `…` is any lines, `…` in a line any text.
- `pycon` blocks: the same with `>>> ` and `... `, typed into one Python for the whole page.
- `sh` blocks: commands alone, which have to succeed.
- `python` blocks begin with `# name.py`: a file to be saved under that name.
- Blocks of other languages are read, not run.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
KEYS = {"^C": "c", "^Z": "z"}
"""Pressed with Ctrl; what the terminal shows of it."""
ANYTHING = "…"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = re.compile("^```(?:console|pycon|sh|python)$", re.MULTILINE)
_FILE = re.compile(r"# (\w+\.py)\n")


class Command(NamedTuple):
    """What is typed, and what the page shows of the answer."""

    line: int
    typed: str
    shown: list[str]
    compared: bool = True
    """Whether what is shown is all that it says; in `sh` blocks nothing is shown."""
    in_python: bool = False


class File(NamedTuple):
    """A program to be saved."""

    line: int
    name: str
    text: str


Step = Command | File


def pages() -> list[str]:
    """The paths of what has something to run: pages of `docs/` and those above it."""
    found = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        page.relative_to(ROOT).as_posix() for page in found if _RUN.search(page.read_text("utf-8"))
    ]


def steps(page: str) -> list[Step]:
    """What is done by somebody who follows a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[Step] = []
    for fence in _FENCE.finditer(text):
        language, body = fence.groups()
        first_line = text.count("\n", 0, fence.start()) + 2
        if language == "console":
            found += _dialogue(body.splitlines(), first_line, "$ ", "> ")
        elif language == "pycon":
            typed = _dialogue(body.splitlines(), first_line, ">>> ", "... ")
            found += [command._replace(in_python=True) for command in typed]
        elif language == "sh":
            found += _script(body.splitlines(), first_line)
        elif language == "python":
            named = _FILE.match(body)
            assert named, f"{page}:{first_line}: a Python block begins with its file's name"
            found.append(File(first_line, named[1], body))
    return found


def _dialogue(lines: list[str], first_line: int, prompt: str, continues: str) -> list[Command]:
    commands: list[Command] = []
    for number, line in enumerate(lines, first_line):
        if line.startswith(prompt):
            commands.append(Command(number, line.removeprefix(prompt), []))
        elif not commands:
            commands.append(Command(number, "", [line]))  # it goes on from before
        elif line.startswith(continues) and not commands[-1].shown:
            typed = f"{commands[-1].typed}\n{line.removeprefix(continues)}"
            commands[-1] = commands[-1]._replace(typed=typed)
        else:
            commands[-1].shown.append(line)
    return commands


def _script(lines: list[str], first_line: int) -> list[Command]:
    commands: list[Command] = []
    for number, line in enumerate(lines, first_line):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if commands and commands[-1].typed.endswith("\\"):
            typed = f"{commands[-1].typed}\n{line}"
            commands[-1] = commands[-1]._replace(typed=typed)
        else:
            commands.append(Command(number, line, [], compared=False))
    return commands
