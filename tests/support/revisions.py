"""Databases as earlier versions have left them."""

import asyncio
from importlib import resources

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from taskhold.store import migrations


def migrate_to(revision: str, url: str) -> None:
    """Bring an empty database to an earlier revision of the schema."""
    if url.startswith("postgresql:"):
        asyncio.run(_migrate_postgresql(revision, url))
        return
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            _migrate(connection, revision)
    finally:
        engine.dispose()


async def _migrate_postgresql(revision: str, url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate, revision)
    finally:
        await engine.dispose()


def _migrate(connection: sa.Connection, revision: str) -> None:
    with resources.as_file(resources.files(migrations)) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
