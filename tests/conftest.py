"""What the tests share: servers on a fresh database, spoken to over HTTP."""

from taskhold.store.sqlite.library import choose

choose()  # as the command line does, before anything imports sqlite3

import os  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import httpx2  # noqa: E402
import pytest  # noqa: E402

from tests.support.servers import LiveServer, ServerProcess  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long form of the long tests")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TASKHOLD_"):
            monkeypatch.delenv(name)


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of a test is wanted: `pytest --long`."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A real server on a fresh database, in a thread of this process."""
    live = LiveServer(tmp_path / "tasks.db")
    live.start()
    yield live
    live.stop()


@pytest.fixture
def client(server: LiveServer) -> Iterator[httpx2.Client]:
    """An HTTP client of `server`."""
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts `taskhold serve` as a process of its own, in `tmp_path`, as often as it is called.

    `serve("--workers", "2", TASKHOLD_LOG_LEVEL="debug")`: options, then variables. The server
    listens on a free port and is ready when this returns.
    """
    started: list[ServerProcess] = []

    def start(*options: str, folder: Path = tmp_path, **variables: str) -> ServerProcess:
        process = ServerProcess(folder, options, variables)
        started.append(process)
        process.wait_until_ready()
        return process

    yield start
    for process in started:
        process.kill()
