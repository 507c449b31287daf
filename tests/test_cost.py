"""What a request costs, counted instead of timed: a slow-down is seen on any machine.

Counted are the bytecodes that Python runs from a request's bytes to its answer's, in HTTP, the
routes and the store, and the statements that the database is asked. The loop's own code and what
the libraries do in C are not: `python -m bench` measures all of it.
"""

import asyncio
import sys
from collections.abc import Callable
from itertools import count, pairwise
from types import FrameType
from typing import Any, NamedTuple, Self

import asyncpg
import httpx2
import pytest
import uvloop
from uvicorn.server import ServerState

from taskhold.app import create_app
from taskhold.protocol import Protocol
from taskhold.serving import configuration
from taskhold.settings import Settings
from tests.support.accounts import PASSWORD, log_in, make_accounts
from tests.support.servers import LiveServer

TOLERANCE = 1.1
COUNTS_BYTECODES = sys.version_info[:2] == (3, 11)
"""Later ones have others, and don't tell a trace of each; the statements are the same."""
TIMES = 5
ANSWER_SECONDS = 20
WARMING = 20
TASKS = 30


class Cost(NamedTuple):
    """Of one request."""

    bytecodes: int
    statements: int


KNOWN = {
    "sqlite": {
        "get": Cost(2984, 2),
        "list": Cost(5906, 3),
        "create": Cost(4968, 8),  # it took 4,877, and a fifth more time, when it gave the row back
        "patch": Cost(5217, 8),
    },
    "postgresql": {
        "get": Cost(4320, 2),
        "list": Cost(7939, 2),  # a time is made of its parts: more bytecodes, half the time
        "create": Cost(7066, 5),
        "patch": Cost(7347, 5),
    },
}
"""What is counted here has to be paid by every request, so a change that costs more
says why; one that costs less counts it down."""
TOKEN_BYTECODES = 310
"""What a token takes more than open mode; as many statements."""


class Counter:
    """Counts the bytecodes that this thread runs inside of `with`."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _look(self, frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.count += event == "opcode"
        return self._look


class Wire(asyncio.Transport):
    """The client's end of a connection without a network."""

    def __init__(self, app: Any) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 8000)})
        config = configuration(app)
        config.load()
        self._protocol = Protocol(config, ServerState(), {})
        self._protocol.connection_made(self)

    def write(self, data: Any) -> None:
        self._answered.set_result(bytes(data))

    def is_closing(self) -> bool:
        return False

    async def ask(self, request: bytes) -> bytes:
        self._answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._protocol.data_received(request)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._answered

    async def succeed(self, request: bytes) -> None:
        answer = await self.ask(request)
        assert answer.startswith(b"HTTP/1.1 20"), answer


numbers = count(1)
REQUESTS: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "get": lambda: (b"GET /tasks/%d" % (next(numbers) % TASKS + 1), b""),
    "list": lambda: (b"GET /tasks?limit=20", b""),
    "create": lambda: (b"POST /tasks", b'{"title":"Task %d"}' % next(numbers)),
    "patch": lambda: (
        b"PATCH /tasks/%d" % (next(numbers) % TASKS + 1),
        b'{"title":"Task %d anew"}' % next(numbers),
    ),
}


def as_sent(kind: str, token: str | None) -> bytes:
    line, body = REQUESTS[kind]()
    head = line + b" HTTP/1.1\r\nHost: localhost:8000\r\nAccept: */*\r\n"
    if token:
        head += b"Authorization: Bearer %b\r\n" % token.encode()
    if body:
        head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return head + b"\r\n" + body


def asked_for(statements: list[str]) -> int:
    """How many; SQLite tells one that writes again with each that its triggers run."""
    return sum(
        each != before or each.startswith("SELECT") for before, each in pairwise(["", *statements])
    )


async def measure(url: str, token: str | None, statements: list[str]) -> dict[str, Cost]:
    """What each kind of request costs, at the least of some times."""
    app = create_app(Settings(database_url=url))
    store = app.state.store
    await store.start()
    wire = Wire(app)
    for _ in range(TASKS):
        await wire.succeed(as_sent("create", token))
    if url.startswith("sqlite"):
        for connection in (store._reader, store._writer.connection):
            connection.set_trace_callback(statements.append)
    costs = {}
    for kind in REQUESTS:
        for _ in range(WARMING):
            await wire.succeed(as_sent(kind, token))
        statements.clear()
        await wire.succeed(as_sent(kind, token))
        asked = asked_for(statements)
        seen = []
        for _ in range(TIMES):
            request, counter = as_sent(kind, token), Counter()
            with counter:
                await wire.ask(request)
            seen.append(counter.count)
        costs[kind] = Cost(min(seen), asked)
    await store.stop()
    return costs


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What PostgreSQL is asked, trip by trip."""
    heard: list[str] = []

    def heard_by(method: Any) -> Any:
        def ask(connection: asyncpg.Connection, sql: str, *values: Any, **more: Any) -> Any:
            if "pg_notify" not in sql:  # which says it for many at once
                heard.append(sql)
            return method(connection, sql, *values, **more)

        return ask

    for name in ("fetch", "execute", "executemany"):
        monkeypatch.setattr(asyncpg.Connection, name, heard_by(getattr(asyncpg.Connection, name)))
    return heard


def costs_no_more(costs: dict[str, Cost], url: str, more: int = 0) -> None:
    for kind, known in KNOWN[url.partition(":")[0]].items():
        assert costs[kind].statements <= known.statements, kind
        if COUNTS_BYTECODES:
            assert costs[kind].bytecodes <= (known.bytecodes + more) * TOLERANCE, kind


def test_a_request_costs_no_more_than_it_did(database_url: str, statements: list[str]) -> None:
    costs_no_more(uvloop.run(measure(database_url, None, statements)), database_url)


def test_a_request_with_a_token_costs_no_more_than_it_did(
    database_url: str, statements: list[str]
) -> None:
    make_accounts(database_url, {"username": "ada", "admin": True})
    with LiveServer(database_url) as server, httpx2.Client(base_url=server.url) as client:
        log_in(client, "ada", PASSWORD)
        made = client.post("/tokens", json={"name": "cost", "scopes": ["read", "write"]})
    costs = uvloop.run(measure(database_url, made.json()["token"], statements))
    costs_no_more(costs, database_url, TOKEN_BYTECODES)
