"""The schema of a database, held against the models."""

import asyncio
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from taskhold.store.schema import Stored


def differences_from_the_models(url: str) -> list[Any]:
    """What Alembic would change in the database to make it the models'."""
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
    return list(compare_metadata(MigrationContext.configure(connection), Stored.metadata))
