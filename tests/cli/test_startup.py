"""What a command imports, and the help that is shown without importing any."""

import os
import subprocess
import sys
from importlib import import_module

import pytest

from taskhold.cli.commands import SECTIONS, app
from tests.support.command_line import CommandLine

HEAVY = frozenset(
    (
        *("fastapi", "starlette", "uvicorn", "httptools"),
        *("sqlalchemy", "sqlmodel", "alembic", "sqlite3", "pysqlite3", "asyncpg"),
        *("pydantic", "pydantic_settings", "structlog", "asyncio"),
    )
)
SCRIPT = """
import sys
sys.argv[0] = "taskhold"
from taskhold.cli import main
try:
    main()
except SystemExit as ended:
    print(*sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
    raise
"""


def imported(cli: CommandLine, *words: str) -> set[str]:
    """The modules that a command has imported; it has to succeed."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=cli.folder,
        env={**os.environ, **cli.variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.database("sqlite")
def test_commands_on_a_server_import_no_framework_and_no_database(remote: CommandLine) -> None:
    for words in (
        ("--help",),
        ("--version",),
        ("list", "--help"),
        ("completion", "bash"),
        ("add", "Buy paint", "--due", "friday"),
        ("list", "--due-after", "today"),
        ("done", "1"),
        ("log",),
        ("undo",),
    ):
        modules = imported(remote, *words)
        assert not modules & HEAVY, words
        asks = not {"--help", "--version", "bash"} & set(words)
        assert ("httpx2" in modules) == asks, words
        assert "rich" not in modules


@pytest.mark.database("sqlite")
def test_commands_on_a_database_import_no_web_framework(local: CommandLine) -> None:
    modules = imported(local, "list")
    assert "sqlalchemy" in modules
    assert not modules & {"fastapi", "starlette", "uvicorn", "httpx2", "asyncpg"}


def test_the_help_in_the_list_is_that_of_the_command() -> None:
    for section in SECTIONS.values():
        for name, place in section.items():
            module = import_module(f"taskhold.cli.{place.module}")
            command = getattr(module, place.name)
            assert command.name == name
            assert (command.help or "").split("\n")[0].split(". ")[0].rstrip(
                "."
            ) + "." == place.help
            assert len(place.help) <= 64


def test_every_command_shows_its_help(tmp_path_factory: pytest.TempPathFactory) -> None:
    cli = CommandLine(tmp_path_factory.mktemp("help"))
    listed = cli.said("--help")
    assert cli.run().stdout == listed
    assert cli.run().returncode == 2
    for name in (name for section in SECTIONS.values() for name in section):
        assert f"\n  {name} " in listed
        command = app.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert cli.said(name, "--help").startswith(f"Usage: taskhold {name} ")
