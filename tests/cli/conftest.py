"""A command line on a fresh database, and the same on a server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from taskhold.store import open_store
from tests.support.command_line import CommandLine
from tests.support.servers import LiveServer


@pytest.fixture(params=["local", "remote"])
def cli(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[CommandLine]:
    """The commands, once on the database itself and once on a server before it."""
    if request.param == "local":
        yield request.getfixturevalue("local")
        return
    with LiveServer(database_url) as server:
        yield CommandLine(tmp_path, TASKHOLD_URL=server.url)


@pytest.fixture
def local(database_url: str, tmp_path: Path) -> CommandLine:
    """The commands on the database itself, which is there."""
    with closing(open_store(database_url)) as store:
        store.open()
    return CommandLine(tmp_path, TASKHOLD_DATABASE_URL=database_url)


@pytest.fixture
def remote(server: LiveServer, tmp_path: Path) -> CommandLine:
    """The commands on a server."""
    return CommandLine(tmp_path, TASKHOLD_URL=server.url)
