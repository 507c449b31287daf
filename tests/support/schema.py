"""The schema of a database, held against the models."""

import asyncio
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from taskhold.store.schema import Stored
from taskhold.store.sqlite import indexing

BESIDE_THE_MODELS = {
    "sqlite": {("remove_table", name) for name in indexing.TABLES},
    "postgresql": {("remove_index", "ix_task_search")},
}
"""What finds texts; each database has its own."""


def differences_from_the_models(url: str) -> list[Any]:
    """What Alembic would change in the database to make it the models'.

    But for what finds texts, which has to be there.
    """
    if url.startswith("postgresql:"):
        return asyncio.run(_differences_on_postgresql(url))
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return _differences(connection)
    finally:
        engine.dispose()


async def _differences_on_postgresql(url: str) -> list[Any]:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_differences)
    finally:
        await engine.dispose()


def _differences(connection: sa.Connection) -> list[Any]:
    found = list(compare_metadata(MigrationContext.configure(connection), Stored.metadata))
    beside = BESIDE_THE_MODELS[connection.dialect.name]
    missing = beside - {_named(difference) for difference in found}
    return [each for each in found if _named(each) not in beside] + sorted(missing)


def _named(difference: Any) -> tuple[str, str] | None:
    """What it would do with which table or index; None for what it would do inside of one."""
    if isinstance(difference, tuple) and difference[0] in ("remove_table", "remove_index"):
        return difference[0], difference[1].name
    return None
