"""What the tests of PostgreSQL's faults share: a server to kill, and a network to cut."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import PostgreSQLDatabases
from tests.support.postgresql import PostgreSQL, find_binaries, running_postgresql
from tests.support.proxy import Proxy


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[PostgreSQL]:
    """A PostgreSQL that is killed, stopped and set otherwise; each test leaves it running."""
    with running_postgresql(find_binaries(request.config.getoption("--postgresql"))) as server:
        yield server


@pytest.fixture(scope="session")
def cluster_databases(cluster: PostgreSQL) -> PostgreSQLDatabases:
    return PostgreSQLDatabases(cluster)


@pytest.fixture
def cluster_url(cluster_databases: PostgreSQLDatabases, tmp_path: Path) -> Iterator[str]:
    """A fresh database of it."""
    with cluster_databases.fresh(tmp_path) as url:
        yield url


@pytest.fixture
def proxy(cluster: PostgreSQL) -> Iterator[Proxy]:
    """What a server reaches the cluster by."""
    with Proxy(cluster.port) as proxy:
        yield proxy
