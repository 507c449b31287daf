"""The schema of a database file, held against the models."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from taskhold.store.schema import Stored


def differences_from_the_models(database: Path) -> list[Any]:
    """What Alembic would change in the file to make it the models'."""
    engine = sa.create_engine(f"sqlite:///{database}")
    try:
        with engine.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), Stored.metadata)
            return list(found)
    finally:
        engine.dispose()
