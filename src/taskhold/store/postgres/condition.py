"""What there is to say of a PostgreSQL server, and of how it is reached."""

import ipaddress
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg

from taskhold.errors import StartupError
from taskhold.store.condition import Remark, size, warning, well, wrong
from taskhold.store.migrations import HEAD, REVISIONS
from taskhold.store.postgres import faults, programs
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.opening import OLDEST, connect

CONNECTIONS = 11
"""What a process opens at the most."""
CLOCK_SECONDS = 5.0
_SETTINGS = """
SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('server_encoding') AS encoding,
    current_setting('max_connections')::int AS most, pg_is_in_recovery() AS is_standby,
    current_setting('data_checksums') AS checksums,
    pg_database_size(current_database()) AS size, clock_timestamp() AS now,
    (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS is_encrypted,
    host(inet_server_addr()) AS address
"""


async def condition(address: Address, workers: int) -> AsyncIterator[Remark]:
    """The server, its settings that keep data, its schema, its clock, and the programs for it."""
    try:
        connection = await connect(address)
    except (ValueError, OverflowError, *faults.FAILURES) as error:
        yield wrong(
            "database", str(faults.refusal(error, address.shown)), "Is it running, and is it that?"
        )
        return
    try:
        major = connection.get_server_version().major
        row = await connection.fetchrow(_SETTINGS)
        assert row is not None
        async for remark in _schema(connection, address, row["size"]):
            yield remark
        for remark in (
            _version(major, row["version"]),
            _durability(row),
            _encryption(row),
            _clock(row["now"]),
            _connections(row["most"], workers),
            _programs(major),
        ):
            yield remark
    finally:
        connection.terminate()


async def _schema(
    connection: asyncpg.Connection, address: Address, bytes_used: int
) -> AsyncIterator[Remark]:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        yield warning(
            "database", f"There are no tasks at {address.shown} yet", "A start makes the tables."
        )
        return
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    if revision == HEAD:
        yield well("database", f"{address.shown} has the schema {revision}, {size(bytes_used)}")
    elif revision in REVISIONS:
        yield warning(
            *("database", f"{address.shown} has the schema {revision}"),
            f"Back it up; the next start brings it to {HEAD}.",
        )
    else:
        yield wrong(
            "database",
            f"{address.shown} was written by a newer Taskhold (its schema is {revision})",
            "Use that version.",
        )


def _version(major: int, version: str) -> Remark:
    if major < OLDEST:
        return wrong("server", f"PostgreSQL {version}", f"Taskhold needs {OLDEST} or newer.")
    return well("server", f"PostgreSQL {version}")


def _durability(row: asyncpg.Record) -> Remark:
    if row["is_standby"]:
        return wrong(
            "durability",
            "This server is a standby and can't be written",
            "Name the primary in the URL, or all hosts with commas between.",
        )
    if off := [name for name in ("fsync", "full_page_writes") if row[name] == "off"]:
        return wrong(
            "durability",
            f"{' and '.join(off)} is off: a power cut can lose or damage anything",
            "Switch it on in postgresql.conf and reload the server.",
        )
    if row["synchronous_commit"] not in ("on", "remote_apply"):
        return warning(
            "durability",
            f"synchronous_commit is {row['synchronous_commit']} here; Taskhold switches it on for "
            "itself",
            "Other programs on this database can lose what they were told is saved.",
        )
    checksums = "" if row["checksums"] == "on" else "; no checksums of pages"
    return well(
        "durability",
        f"fsync and full_page_writes are on, synchronous_commit is {row['synchronous_commit']}"
        f"{checksums}",
    )


def _encryption(row: asyncpg.Record) -> Remark:
    is_near = row["address"] is None or ipaddress.ip_address(row["address"]).is_loopback
    if row["is_encrypted"]:
        return well("network", "The connection is encrypted")
    if is_near:
        return well("network", "The server is on this machine")
    return warning(
        "network",
        f"What goes to {row['address']} is not encrypted",
        "Put ?sslmode=verify-full behind the URL, with TLS on the server.",
    )


def _clock(theirs: datetime) -> Remark:
    apart = abs((theirs - datetime.now(UTC)).total_seconds())
    if apart > CLOCK_SECONDS:
        return warning(
            "server's clock",
            f"The database's server is {apart:,.0f} seconds away from this machine",
            "Let both follow NTP.",
        )
    return well("server's clock", "It agrees with this machine's")


def _connections(most: int, workers: int) -> Remark:
    needed = CONNECTIONS * workers
    sentence = f"The server takes {most}, and {workers} processes here open up to {needed}"
    if needed > most - 10:
        return warning("connections", sentence, "Raise max_connections, or run fewer workers.")
    return well("connections", sentence)


def _programs(major: int) -> Remark:
    try:
        found = [programs.find(name, server=major) for name in ("pg_dump", "pg_restore")]
    except StartupError as error:
        return warning("backup programs", str(error), "Without them there is no `taskhold backup`.")
    return well("backup programs", f"pg_dump and pg_restore of PostgreSQL {found[0].major}")
