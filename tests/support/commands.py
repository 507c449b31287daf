"""`taskhold`, as a person and as a script use it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import prepared


def taskhold(
    url: str, *words: str, line: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command; `line` is its standard input, `settings` are further variables."""
    variables = {"TASKHOLD_DATABASE_URL": url, "COLUMNS": "200"} | settings
    return prepared.run(*words, variables=variables, stdin="" if line is None else f"{line}\n")


@contextmanager
def begun(url: str, *words: str, folder: Path) -> Iterator[prepared.Process]:
    """A command that runs; its standard error goes to `log` in the folder."""
    variables = {"TASKHOLD_DATABASE_URL": url}
    with (folder / "log").open("wb") as log:
        process = prepared.start(*words, folder=folder, variables=variables, log=log)
    assert process.stdout is not None
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with the programs that it runs
        process.wait()
        process.stdout.close()


def said(url: str, *words: str, line: str | None = None) -> str:
    """What a command printed; it has to succeed."""
    ended = taskhold(url, *words, line=line)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return ended.stdout


def refused(
    url: str, *words: str, line: str | None = None, exit_code: int = 1, **settings: str
) -> str:
    """Why a command failed: its one line on standard error."""
    ended = taskhold(url, *words, line=line, **settings)
    assert (ended.returncode, ended.stdout) == (exit_code, ""), ended
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended
    sentence = lines[0]
    return sentence.removeprefix("taskhold: ")
