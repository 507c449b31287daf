"""PostgreSQL's own programs, `pg_dump` and `pg_restore`: where they are, and how they are run.

A password is never among their arguments, which everybody on the machine can read.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from taskhold.errors import StartupError
from taskhold.store.postgres.address import Address

_DEBIANS = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_LIBPQS = frozenset(
    (
        *("application_name", "channel_binding", "connect_timeout", "gssencmode", "krbsrvname"),
        *("passfile", "sslcert", "sslcrl", "sslkey", "sslmode", "sslpassword", "sslrootcert"),
        *("ssl_max_protocol_version", "ssl_min_protocol_version", "target_session_attrs"),
    )
)
"""The options of a URL that libpq takes itself; any other one is a parameter of the server."""
WITHOUT_IT = "or make a copy without it: `taskhold copy URL sqlite:///copy.db`"


class Program(NamedTuple):
    """One that is installed."""

    path: str
    major: int
    """Its version; it works with servers up to that one."""


def find(name: str, *, server: int = 0) -> Program:
    """The program, of the server's major version or a newer one. Raises StartupError."""
    found = installed(name)
    if not found:
        raise StartupError(
            f"{name} is not installed, which is needed here: install PostgreSQL's client programs, "
            f"{WITHOUT_IT}"
        )
    for program in found:
        if program.major >= server:
            return program
    newest = max(program.major for program in found)
    raise StartupError(
        f"{name} is of PostgreSQL {newest}, and the server of {server}: install the client "
        f"programs of {server}, {WITHOUT_IT}"
    )


def installed(name: str) -> list[Program]:
    """All that there are, the one on the PATH first."""
    paths = [shutil.which(name), *map(str, sorted(_DEBIANS.glob(f"*/bin/{name}"), reverse=True))]
    found = []
    for path in dict.fromkeys(filter(None, paths)):
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        if matched := _VERSION.search(said.stdout):
            found.append(Program(path, int(matched[1])))
    return found


def connection_to(address: Address) -> tuple[str, dict[str, str]]:
    """The URL as libpq takes it, without its password; and the variables that hold the rest."""
    parts = urlsplit(address.dsns[0])
    user, at, host = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    environment = dict(os.environ)
    options: dict[str, str] = {}
    for option, value in parse_qsl(parts.query, keep_blank_values=True):
        if option == "password":
            colon, password = ":", quote(value, safe="")
        else:
            options[option] = value
    if colon:
        environment["PGPASSWORD"] = unquote(password)
    settings = {option: options.pop(option) for option in list(options) if option not in _LIBPQS}
    if settings:
        environment["PGOPTIONS"] = " ".join(
            f"-c {option}={_escaped(value)}" for option, value in settings.items()
        )
    query = f"?{urlencode(options, quote_via=quote)}" if options else ""
    return f"postgresql://{name}{at}{host}{parts.path}{query}", environment


def _escaped(value: str) -> str:
    return re.sub(r"([\\ ])", r"\\\1", value)


@asynccontextmanager
async def running(
    program: Program, *arguments: str, environment: dict[str, str] | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    """What it writes. At the end of the block it has to have succeeded; else StartupError.

    Not asyncio's own subprocess: where it is interrupted while it starts, the wait for its end may
    never end, as that waits for pipes that nobody connects any more.
    """
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(  # noqa: S603, ASYNC220  nothing else is done meanwhile
            [program.path, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            stdout = asyncio.StreamReader()
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(stdout), process.stdout
            )
            try:
                yield stdout
                await stdout.read()
            finally:
                transport.close()
            failed = process.wait()  # it has closed its output, which it does at its end
        except BaseException:
            process.kill()
            raise
        if failed:
            complaints.seek(0)
            raise StartupError(_first_error(program, complaints.read().decode(errors="replace")))


async def output(
    program: Program, *arguments: str, environment: dict[str, str] | None = None
) -> str:
    """All that it writes."""
    async with running(program, *arguments, environment=environment) as stdout:
        return (await stdout.read()).decode()


def _first_error(program: Program, said: str) -> str:
    name = Path(program.path).name
    lines = [line for line in said.splitlines() if "error" in line.lower()] or said.splitlines()
    first = lines[0] if lines else "it failed without a word"
    return f"{name}: {first.removeprefix(f'{name}: ').removeprefix('error: ')}"
