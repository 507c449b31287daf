"""PostgreSQL's programs are those of the tests' own server."""

import os

import pytest

from tests.support.postgresql import find_binaries


@pytest.fixture(autouse=True)
def _programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries = find_binaries(request.config.getoption("--postgresql"))
    monkeypatch.setenv("PATH", f"{binaries}{os.pathsep}{os.environ['PATH']}")
