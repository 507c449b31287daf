"""Every command and every answer in the documentation is run and compared.

Somebody follows each page word for word, in an empty folder, beginning with its first command.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tests.support.lesson as lesson
from tests.docs.following import Reader
from tests.docs.pages import ROOT, Command, Step, pages, steps

pytestmark = pytest.mark.timeout(600)

NOT_RUN: dict[str, dict[str, str]] = {}
"""What is not run here, by how it begins, and why."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Somebody's home."""
    home = tmp_path / "you"
    home.mkdir()
    return home


@pytest.fixture
def known(folder: Path) -> dict[str, str]:
    """What stands in the pages for what is here."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [listener.getsockname()[1] for listener in (one, two)]
    return {"8000": str(ports[0]), "8001": str(ports[1]), "/home/you": str(folder)}


@pytest.fixture
def reader(folder: Path, known: dict[str, str]) -> Iterator[Reader]:
    programs = Path(sys.executable).parent
    variables = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
    variables |= {
        "HOME": str(folder),
        "PATH": f"{programs}:{folder}/.local/bin:{os.environ['PATH']}",
        "TASKHOLD_PORT": known["8000"],
        "UVICORN_PORT": known["8000"],
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "LC_ALL": "C.UTF-8",
    }
    reader = Reader(folder, variables, known)
    yield reader
    reader.close()


_NOT_THEIRS = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONWARNINGS")


@pytest.mark.parametrize("page", pages())
def test_a_page_can_be_followed_word_for_word(page: str, reader: Reader) -> None:
    wrong = []
    for step in steps(page):
        if isinstance(step, Command) and _why_not(page, step):
            continue
        found = reader.follow(step)
        if found is not None:
            wrong.append(f"{page}:{step.line}: {found}\n")
    assert not wrong, "\n" + "\n".join(wrong)


def _why_not(page: str, command: Command) -> str | None:
    for beginning, reason in NOT_RUN.get(page, {}).items():
        if command.typed.startswith(beginning):
            return reason
    return None
