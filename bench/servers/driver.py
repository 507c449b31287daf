"""The limit of each database: one statement by its driver in a bare ASGI app, and its row as JSON.

No journal, no checks, no conditions, one table with the fields that a task of Taskhold has. On
SQLite each write is a transaction on the event loop, with WAL and `synchronous=FULL`. With `TOKEN`
set a request is looked up by its token's hash first, a statement more.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from orjson import dumps, loads

from taskhold.store.sqlite.library import choose

choose()

import sqlite3  # noqa: E402

import asyncpg  # noqa: E402

URL = os.environ["DATABASE_URL"]
TOKEN = os.environ.get("TOKEN")
CONNECTIONS = 8
COLUMNS = (
    "id, title, done, completed_at, notes, due, priority, tags, list_id, parent_id, position, "
    "created_at, updated_at, version"
)
TABLE = """CREATE TABLE task (id {id}, title TEXT NOT NULL, done BOOLEAN NOT NULL DEFAULT false,
    completed_at TEXT, notes TEXT NOT NULL DEFAULT '', due TEXT,
    priority TEXT NOT NULL DEFAULT 'none', tags TEXT NOT NULL DEFAULT '[]', list_id BIGINT,
    parent_id BIGINT, position TEXT NOT NULL DEFAULT 'a0', created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, version BIGINT NOT NULL DEFAULT 1)"""
TOKENS = "CREATE TABLE token (fingerprint TEXT PRIMARY KEY)"
ADD_TOKEN = "INSERT INTO token VALUES ($1)"  # noqa: S105
FIND_TOKEN = "SELECT fingerprint FROM token WHERE fingerprint = $1"  # noqa: S105
GET = f"SELECT {COLUMNS} FROM task WHERE id = $1"  # noqa: S608
LIST = f"SELECT {COLUMNS} FROM task ORDER BY id LIMIT $1"  # noqa: S608
CREATE = "INSERT INTO task (title, created_at, updated_at) VALUES ($1, {now}, {now})"
PATCH = "UPDATE task SET title = $1, updated_at = {now}, version = version + 1 WHERE id = $2"
GIVING_BACK = f" RETURNING {COLUMNS}"
NAMES = COLUMNS.split(", ")

Rows = list[Any]
Ask = Callable[..., Awaitable[Rows]]


async def on_sqlite() -> tuple[Ask, str]:
    """Something that asks SQLite, and its words for the present time."""
    connection = sqlite3.connect(URL.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
        connection.execute(TABLE.format(id="INTEGER PRIMARY KEY"))
        connection.execute(TOKENS)

    async def ask(sql: str, *values: Any) -> Rows:
        return connection.execute(sql.replace("$", "?"), values).fetchall()

    return ask, "strftime('%Y-%m-%dT%H:%M:%f000Z')"


async def on_postgresql() -> tuple[Ask, str]:
    """Something that asks PostgreSQL, each time on a connection that is free."""
    free: asyncio.Queue[asyncpg.Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncpg.connect(URL))

    async def ask(sql: str, *values: Any) -> Rows:
        connection = await free.get()
        try:
            return await connection.fetch(sql, *values)
        finally:
            free.put_nowait(connection)

    if not await ask("SELECT 1 FROM pg_tables WHERE tablename = 'task'"):
        await ask(TABLE.format(id="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"))
        await ask(TOKENS)
    return ask, """to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


class App:
    """Opened with the first message, which is the start of the server."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self._open()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        content = b""
        more = True
        while more:
            message = await receive()
            content += message.get("body", b"")
            more = message.get("more_body")
        status, body = await self._answer(scope, content)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _open(self) -> None:
        opening = on_sqlite() if URL.startswith("sqlite") else on_postgresql()
        self._ask, now = await opening
        self._create = CREATE.format(now=now) + GIVING_BACK
        self._patch = PATCH.format(now=now) + GIVING_BACK
        if TOKEN and not await self._ask(FIND_TOKEN, _fingerprint(TOKEN)):
            await self._ask(ADD_TOKEN, _fingerprint(TOKEN))

    async def _answer(self, scope: dict[str, Any], content: bytes) -> tuple[int, bytes]:
        if TOKEN:
            sent = dict(scope["headers"]).get(b"authorization", b"").decode()
            fingerprint = _fingerprint(sent.removeprefix("Bearer "))
            if not await self._ask(FIND_TOKEN, fingerprint):
                return 401, b"{}"
        method = scope["method"]
        if method == "POST":
            (row,) = await self._ask(self._create, loads(content)["title"])
            return 201, dumps(_shown(row))
        task_id = scope["path"].removeprefix("/tasks").removeprefix("/")
        if not task_id:
            limit = parse_qs(scope["query_string"]).get(b"limit", [b"20"])
            rows = await self._ask(LIST, int(limit[0]))
            return 200, dumps([_shown(row) for row in rows])
        if method == "PATCH":
            (row,) = await self._ask(self._patch, loads(content)["title"], int(task_id))
        else:
            (row,) = await self._ask(GET, int(task_id))
        return 200, dumps(_shown(row))


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _shown(row: Any) -> dict[str, Any]:
    shown = dict(zip(NAMES, row, strict=True))
    shown["done"] = bool(shown["done"])
    shown["tags"] = loads(shown["tags"])
    return shown


app = App()
