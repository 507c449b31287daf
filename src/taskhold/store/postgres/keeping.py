"""The care of a PostgreSQL database, by `pg_dump` and `pg_restore`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from taskhold.errors import StartupError, Unavailable
from taskhold.store.appearing import appearing, unused
from taskhold.store.condition import Remark
from taskhold.store.keeping import (
    NOTHING_KNOWN,
    Advance,
    Ask,
    Backup,
    BeginAnew,
    Examine,
    Restored,
)
from taskhold.store.migrations import HEAD, REVISIONS
from taskhold.store.postgres import checking, faults, programs
from taskhold.store.postgres.address import Address
from taskhold.store.postgres.archive import VERSIONS, Archive, CopiedRows
from taskhold.store.postgres.condition import condition
from taskhold.store.postgres.opening import UNLIMITED, connect, migrate_on
from taskhold.store.postgres.store import DIALECT
from taskhold.store.postgres.transaction import PostgresTx
from taskhold.store.query import POSTGRES_CODECS, CompiledQueries
from taskhold.store.report import Report
from taskhold.store.schema import Stored

TURN_SECONDS = 1.0
"""How long a server that is stopping may take to let go."""
ARCHIVE, SCHEMA = "rows of the dump", "schema"
_OTHERS = """
SELECT application_name, pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
AND (application_name = 'taskhold' OR usename = current_user)
"""
_TABLES = """
SELECT name, quote_ident(nspname) || '.' || quote_ident(relname)
FROM unnest($1::text[]) AS name
JOIN pg_class AS found ON found.oid = to_regclass(quote_ident(name))
JOIN pg_namespace ON pg_namespace.oid = relnamespace
"""


class PostgresKeeper:
    """Of one database."""

    file: Path | None = None

    def __init__(self, address: Address) -> None:
        self.location = address.shown
        self._address = address

    def back_up(
        self, path: Path, examine: Examine, advance: Advance, *, overwrite: bool = False
    ) -> Backup:
        del examine  # the rows are as the server gives them; `look` is for that
        return asyncio.run(self._back_up(path, advance, overwrite=overwrite))

    def condition(self, ask: Ask, workers: int) -> list[Remark]:
        return asyncio.run(self._condition(ask, workers))

    def look(self, examine: Examine, advance: Advance) -> Report:
        return asyncio.run(self._look(examine, advance))

    def restore(
        self, path: Path, begin_anew: BeginAnew, examine: Examine, advance: Advance
    ) -> Restored:
        return asyncio.run(self._restore(path, begin_anew, examine, advance))

    async def _condition(self, ask: Ask, workers: int) -> list[Remark]:
        remarks = [remark async for remark in condition(self._address, workers)]
        with suppress(StartupError):
            async with self._connection() as connection:
                if await self._revision(connection) == HEAD:
                    remarks += await ask(_tx(connection))
        return remarks

    async def _back_up(self, path: Path, advance: Advance, *, overwrite: bool) -> Backup:
        """Dump a snapshot, and compare what can be read of the dump with that snapshot."""
        report = Report()
        async with self._connection() as connection:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            revision = await self._revision(connection)
            if revision is None:
                raise StartupError(f"There are no tasks at {self.location}")
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            with appearing(path, overwrite=overwrite) as part:
                total = await self._dump(connection, part, advance, snapshot=snapshot)
                size = part.stat().st_size
            report.looked_at(ARCHIVE, total)
        return Backup(path, size, revision, report)

    async def _look(self, examine: Examine, advance: Advance) -> Report:
        report = Report()
        async with self._connection() as connection:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            revision = await self._revision(connection)
            if revision is None:
                raise StartupError(f"There are no tasks at {self.location}")
            if revision != HEAD:
                raise StartupError(
                    f"{self.location} has the schema {revision} of an older version; a start of "
                    f"the server brings it to {HEAD}"
                )
            report.looked_at(SCHEMA)
            await _look(connection, report, examine, advance)
        return report

    async def _restore(
        self, path: Path, begin_anew: BeginAnew, examine: Examine, advance: Advance
    ) -> Restored:
        """Replace our tables in one transaction, which keeps others from writing throughout."""
        archive = Archive(path)
        revision = await archive.revision()
        if revision not in REVISIONS:
            raise StartupError(
                f"{path} was written by a newer Taskhold (its schema is {revision}); use that "
                "version"
            )
        kept, known = None, NOTHING_KNOWN
        async with self._connection() as connection:
            await self._refuse_others(connection)
            async with connection.transaction():
                tables = await _tables(connection)
                if tables:
                    await self._lock(connection, tables)
                    kept = unused(path.parent, f"{self._name()}-before-restore", ".dump")
                    with appearing(kept) as part:
                        await self._dump(connection, part, advance)
                    if await self._revision(connection) == HEAD:
                        known = await checking.known(connection)
                    await self._refuse_others(connection)  # who came meanwhile waits for the lock
                    await connection.execute(f"DROP TABLE {', '.join(tables.values())}")
                await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                await _unpack(archive, connection, advance)
                if revision != HEAD:
                    await migrate_on(connection)
                await begin_anew(_tx(connection), known)
                await checking.count_from(connection, known.ids)
                report = Report()
                await _look(connection, report, examine, advance)
                if report.broken:
                    raise StartupError(f"{path} was not restored: {report.broken}")
        return Restored(kept, revision, report)

    async def _dump(
        self,
        connection: asyncpg.Connection,
        part: Path,
        advance: Advance,
        *,
        snapshot: str | None = None,
    ) -> int:
        """Dump what the connection sees, and read it back; how many rows that is."""
        pg_dump = programs.find("pg_dump", server=connection.get_server_version().major)
        url, environment = programs.connection_to(self._address)
        tables = await _tables(connection)
        advance("Dumping", 0, 1)
        await programs.output(
            pg_dump,
            *("--format=custom", "--no-password", "--lock-wait-timeout=5000"),
            *(f"--table={table}" for table in tables.values()),
            "--extension=pg_trgm",
            *([f"--snapshot={snapshot}"] if snapshot else []),
            f"--file={part}",
            f"--dbname={url}",
            environment=environment,
        )
        advance("Dumping", 1, 1)
        there = {
            name: int(await connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608
            for name, table in tables.items()
        }
        total = sum(there.values())
        dumped = await count_rows(Archive(part), total, advance)
        if dumped != there:
            raise StartupError(
                f"The dump has {sum(dumped.values()):,} rows, and {self.location} has {total:,}; "
                "nothing was done"
            )
        return total

    async def _lock(self, connection: asyncpg.Connection, tables: dict[str, str]) -> None:
        """Nobody else writes from now on; reading goes on, also that of pg_dump."""
        names = ", ".join(tables.values())
        try:
            await connection.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE NOWAIT")
        except asyncpg.LockNotAvailableError:
            raise StartupError(f"{self.location} is being written; stop its servers") from None

    async def _refuse_others(self, connection: asyncpg.Connection) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + TURN_SECONDS
        while others := await connection.fetch(_OTHERS):
            if loop.time() > until:
                who = ", ".join(
                    f"{name or 'a program'} (process {pid} of the server)" for name, pid in others
                )
                raise StartupError(
                    f"{self.location} is in use: stop the servers and whatever else is connected, "
                    f"and try again. There is {who}"
                )
            await asyncio.sleep(0.1)

    async def _revision(self, connection: asyncpg.Connection) -> str | None:
        if await connection.fetchval(f"SELECT to_regclass('{VERSIONS}')") is None:
            return None
        found: str | None = await connection.fetchval(f"SELECT version_num FROM {VERSIONS}")  # noqa: S608
        if found not in REVISIONS:
            raise StartupError(
                f"{self.location} was written by a newer Taskhold (its schema is {found}); use "
                "that version"
            )
        return found

    def _name(self) -> str:
        return urlsplit(self.location).path.strip("/") or "taskhold"

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Closing it ends its transaction, too."""
        with _explained(self.location):
            connection = await connect(self._address, **UNLIMITED)
            try:
                yield connection
            finally:
                connection.terminate()


async def count_rows(archive: Archive, total: int, advance: Advance) -> dict[str, int]:
    """How many rows of each table can be read out of a dump."""
    counts: dict[str, int] = {}
    async for part in archive.parts(only_rows=True):
        if isinstance(part, CopiedRows):
            counts[part.table] = 0
            async for lines in part.lines:
                counts[part.table] += lines.count(b"\n")
                advance("Reading the dump", min(sum(counts.values()), total), total)
    return counts


async def _unpack(archive: Archive, connection: asyncpg.Connection, advance: Advance) -> None:
    done = 0

    async def passing(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        nonlocal done
        async for some in lines:
            done += len(some)
            advance("Unpacking bytes", done, done)
            yield some

    async for part in archive.parts():
        if isinstance(part, CopiedRows):
            await connection.copy_to_table(
                part.table, source=passing(part.lines), columns=part.columns, format="text"
            )
        else:
            await connection.execute(part)


async def _look(
    connection: asyncpg.Connection, report: Report, examine: Examine, advance: Advance
) -> None:
    await checking.check(connection, report)
    await examine(
        _tx(connection), report, lambda done, total: advance("Looking at rows", done, total)
    )


async def _tables(connection: asyncpg.Connection) -> dict[str, str]:
    """Those of ours that there are; each as SQL names it, with its schema."""
    names = [table.name for table in Stored.metadata.sorted_tables] + [VERSIONS]
    return dict(map(tuple, await connection.fetch(_TABLES, names)))


def _tx(connection: asyncpg.Connection) -> PostgresTx:
    return PostgresTx(connection, CompiledQueries(DIALECT, POSTGRES_CODECS))


@contextmanager
def _explained(location: str) -> Iterator[None]:
    """Turn the errors of the driver into a sentence."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise StartupError(str(faults.refusal(error, location))) from error
    except Unavailable as problem:
        raise StartupError(problem.detail) from problem
