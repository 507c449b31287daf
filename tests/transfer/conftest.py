"""What the tests of export and import share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.support.databases import Databases


@pytest.fixture
def fresh(databases: Databases, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """URLs of fresh databases of the same kind, as many as are asked for."""
    numbers = count(1)
    with ExitStack() as stack:

        def make() -> str:
            folder = tmp_path / f"database-{next(numbers)}"
            folder.mkdir()
            return stack.enter_context(databases.fresh(folder))

        yield make
