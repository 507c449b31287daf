"""What `pg_dump --format=custom` writes, read as a stream: the SQL in it, and the rows between.

`pg_restore` unpacks it, which takes any version of the format up to its own.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from taskhold.errors import StartupError
from taskhold.store.postgres import programs
from taskhold.store.schema import Stored

MAGIC = b"PGDMP"
CHUNK = 256 * 1024
VERSIONS = "alembic_version"
_ENTRY = re.compile(r"(?P<number>\d+); \d+ \d+ (?P<rest>.+)")
_OURS = (
    *("TABLE", "TABLE DATA", "SEQUENCE", "SEQUENCE SET", "SEQUENCE OWNED BY", "DEFAULT"),
    *("CONSTRAINT", "FK CONSTRAINT", "INDEX"),
)
"""The kinds of entries that make our tables. Extensions, schemas and rights stay as they are."""
_COPY = re.compile(rb"COPY (?P<table>\S+) \((?P<columns>.*)\) FROM stdin;")
_SETTINGS = (b"SET ", b"SELECT pg_catalog.set_config(", b"--", b"\\")
"""How lines begin that set a session up, or that only psql knows."""
_END = b"\\.\n"


class CopiedRows(NamedTuple):
    """The rows of a table, in the text format of COPY."""

    table: str
    columns: list[str]
    lines: AsyncIterator[bytes]
    """Whole lines, many at a time. To be read before the next part is asked for."""


class Archive:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pg_restore = programs.find("pg_restore")

    async def revision(self) -> str:
        """Of the schema. Raises StartupError where there is none of ours."""
        said = await programs.output(
            self._pg_restore, "--file=-", "--data-only", f"--table={VERSIONS}", str(self.path)
        )
        _, _, data = said.partition(f".{VERSIONS} (version_num) FROM stdin;\n")
        if not data:
            raise StartupError(f"There are no tasks in {self.path}")
        return data.partition("\n")[0]

    async def parts(self, *, only_rows: bool = False) -> AsyncIterator[str | CopiedRows]:
        """The SQL that makes our tables, with their rows where they belong.

        Raises StartupError where there are tables of other programs, or where it can't be read.
        """
        with tempfile.NamedTemporaryFile("w", prefix="taskhold-", suffix=".list") as chosen:
            chosen.write("\n".join(await self._entries()))
            chosen.flush()
            arguments = ["--file=-", "--no-owner", "--no-privileges", f"--use-list={chosen.name}"]
            if only_rows:
                arguments.append("--section=data")
            async with programs.running(self._pg_restore, *arguments, str(self.path)) as stdout:
                async for part in _Script(stdout).parts():
                    yield part

    async def _entries(self) -> list[str]:
        """The lines of its table of contents that are to be unpacked."""
        tables = {*Stored.metadata.tables, VERSIONS}
        chosen = []
        for line in (
            await programs.output(self._pg_restore, "--list", str(self.path))
        ).splitlines():
            matched = _ENTRY.fullmatch(line)
            if matched is None:
                continue
            kind = next(
                (
                    kind
                    for kind in sorted(_OURS, key=len, reverse=True)
                    if matched["rest"].startswith(f"{kind} ")
                ),
                None,
            )
            if kind is None:
                continue
            name = matched["rest"].removeprefix(f"{kind} ").split(" ")[1]
            if kind == "TABLE" and name not in tables:
                raise StartupError(
                    f"{self.path} has a table “{name}” of another program; use pg_restore itself"
                )
            chosen.append(line)
        return chosen


class _Script:
    """The SQL that pg_restore writes, taken apart."""

    def __init__(self, stdout: asyncio.StreamReader) -> None:
        self._stdout = stdout
        self._buffer = b""

    async def parts(self) -> AsyncIterator[str | CopiedRows]:
        statements: list[bytes] = []
        while (line := await self._line()) is not None:
            if matched := _COPY.fullmatch(line):
                if statements:
                    yield b"\n".join(statements).decode()
                    statements = []
                yield CopiedRows(
                    _unquoted(matched["table"].rpartition(b".")[2]),
                    [_unquoted(name) for name in matched["columns"].split(b", ")],
                    self._rows(),
                )
            elif line and not line.startswith(_SETTINGS):
                statements.append(line)
        if statements:
            yield b"\n".join(statements).decode()

    async def _line(self) -> bytes | None:
        while b"\n" not in self._buffer:
            if not await self._more():
                return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    async def _rows(self) -> AsyncIterator[bytes]:
        """Up to the line that ends them, which no row can look like."""
        while True:
            if self._buffer.startswith(_END):
                end = 0
            elif (found := self._buffer.find(b"\n" + _END)) >= 0:
                end = found + 1
            else:
                # What may be the beginning of the end stays for the next look.
                whole = self._buffer.rfind(b"\n", 0, max(len(self._buffer) - len(_END), 0)) + 1
                if whole:
                    yield self._buffer[:whole]
                    self._buffer = self._buffer[whole:]
                if not await self._more():
                    raise StartupError("pg_restore ended in the middle of a table")
                continue
            if end:
                yield self._buffer[:end]
            self._buffer = self._buffer[end + len(_END) :]
            return

    async def _more(self) -> bool:
        read = await self._stdout.read(CHUNK)
        self._buffer += read
        return bool(read)


def _unquoted(name: bytes) -> str:
    return name.decode().strip('"')
