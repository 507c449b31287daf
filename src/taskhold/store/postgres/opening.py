"""From an address to a database that can be used: connect, look, migrate."""

import asyncio

import asyncpg
import structlog
from asyncpg.connect_utils import SessionAttribute
from sqlalchemy.exc import DBAPIError

from taskhold.errors import StartupError, Unavailable
from taskhold.store.migrations import HEAD, REVISIONS, upgrade
from taskhold.store.postgres import faults
from taskhold.store.postgres.address import Address

CONNECT_SECONDS = 5.0
OLDEST = 15
"""The oldest PostgreSQL that the tests run on."""
OUR_TABLES = ("database", "account", "change", "kept_answer", "task")
_MIGRATING = -1
"""The advisory lock of whoever migrates; accounts lock their ids, which are positive."""
_SETTINGS = {
    "application_name": "taskhold",
    "jit": "off",  # compiling takes longer than any of our statements
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",  # the locks of a machine that vanished
    "tcp_keepalives_idle": "60",
}
UNLIMITED = {"idle_in_transaction_session_timeout": "0", "statement_timeout": "0"}
"""For what takes as long as it takes."""

log = structlog.get_logger()


async def connect(address: Address, **settings: str) -> asyncpg.Connection:
    """A connection to a server that can write. An option in the URL wins over our settings."""
    given = {
        name: value for name, value in (_SETTINGS | settings).items() if name not in address.options
    }
    failure: Exception | None = None
    for dsn in tuple(address.dsns):  # of several hosts the one that is the primary now
        try:
            connection = await asyncpg.connect(
                dsn,
                timeout=CONNECT_SECONDS / len(address.dsns),  # one that is silent hides no other
                server_settings=given,
                max_cached_statement_lifetime=0,
                target_session_attrs=(
                    None
                    if "target_session_attrs" in address.options
                    else SessionAttribute.read_write
                ),
            )
        except faults.LOST as error:
            failure = error
        else:
            address.dsns.sort(key=lambda each: each != dsn)
            return connection
    assert failure is not None
    raise failure


async def connect_to_ours(address: Address, **settings: str) -> tuple[asyncpg.Connection, str]:
    """A connection to a database of this version, which waits for the disk; and its lineage.

    Raises Unavailable where a newer version has migrated it meanwhile.
    """
    connection = await connect(address, **settings)
    try:
        row = await connection.fetchrow(
            "SELECT lineage, (SELECT version_num FROM alembic_version) AS revision, "
            "current_setting('synchronous_commit') AS waits FROM database"
        )
        assert row is not None
        if row["revision"] != HEAD:
            raise Unavailable("The database has another version's schema; restart this server.")
        if row["waits"] not in ("on", "remote_apply"):
            await connection.execute("SET synchronous_commit = on")
    except BaseException:
        connection.terminate()
        raise
    return connection, row["lineage"]


async def prepare(address: Address) -> None:
    """Make the database one of this version. One process at a time does it, the others wait.

    Raises StartupError for what a person has to mend, and Unavailable for what may pass.
    """
    try:
        connection = await connect(address)
    except (ValueError, OverflowError, *faults.FAILURES) as error:  # also of the URL itself
        raise faults.refusal(error, address.shown) from None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await _check_server(connection, address)
            revision = await _revision(connection, address)
        if revision != HEAD:
            await _migrate(address)
    except faults.FAILURES as error:
        raise faults.refusal(error, address.shown) from error
    finally:
        connection.terminate()


async def _check_server(connection: asyncpg.Connection, address: Address) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise StartupError(
            f"{address.shown} is PostgreSQL {version.major}; Taskhold needs {OLDEST} or newer"
        )
    row = await connection.fetchrow(
        "SELECT current_setting('server_encoding') AS encoding, "
        "current_setting('fsync') AS fsync, current_setting('full_page_writes') AS whole_pages"
    )
    assert row is not None
    if row["encoding"] != "UTF8":
        raise StartupError(
            f"{address.shown} has the encoding {row['encoding']}; create a database with UTF8"
        )
    if "off" in (row["fsync"], row["whole_pages"]):
        log.warning(
            "this PostgreSQL can lose acknowledged writes in a power cut: it has fsync or "
            "full_page_writes switched off"
        )


async def _revision(connection: asyncpg.Connection, address: Address) -> str | None:
    """The revision of the schema, None where there is none. Writes nothing."""
    # In this order: another process may be making all of them in this moment.
    taken = await connection.fetchval(
        "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL LIMIT 1",
        OUR_TABLES,
    )
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        if taken:
            raise StartupError(
                f"{address.shown} has a table “{taken}” of another program; create an empty "
                "database for Taskhold"
            )
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    if revision not in REVISIONS:
        raise StartupError(
            f"{address.shown} was written by a newer Taskhold (its schema is {revision}); "
            "start that version"
        )
    return revision


async def _migrate(address: Address) -> None:
    """Run what is missing in one transaction, behind a lock; another process may have done it."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect_to_migrate() -> asyncpg.Connection:
        return await connect(address, lock_timeout="0", idle_in_transaction_session_timeout="0")

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect_to_migrate, poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            await connection.run_sync(upgrade)
    except DBAPIError as error:
        raise _driver_error(error) from error
    finally:
        await engine.dispose()


async def migrate_on(connection: asyncpg.Connection) -> None:
    """Run what is missing in the transaction that a connection is in."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import StaticPool

    async def the_one() -> asyncpg.Connection:
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=the_one, poolclass=StaticPool
    )
    try:
        async with engine.begin() as inside:
            await inside.run_sync(upgrade)
    except DBAPIError as error:
        raise _driver_error(error) from error


def _driver_error(error: DBAPIError) -> BaseException:
    """What the driver raised, inside of what SQLAlchemy raises."""
    return (error.orig and error.orig.__cause__) or error
