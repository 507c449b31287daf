"""CPU of one request without a server, in µs: `python -m bench.in_process`.

An empty route of Starlette and of FastAPI with one path parameter, then whole requests of Taskhold
on SQLite, and what becomes of 20 rows. Best of five, so that a busy machine disturbs less.
"""

from taskhold.store.sqlite.library import choose

choose()  # as the command line does

import asyncio  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Awaitable, Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from fastapi import FastAPI  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import Response  # noqa: E402
from starlette.routing import Route  # noqa: E402

from taskhold.app import create_app  # noqa: E402
from taskhold.encoding import as_json  # noqa: E402
from taskhold.settings import Settings  # noqa: E402
from taskhold.store.query import SQLITE_CODECS, CompiledQueries  # noqa: E402
from taskhold.store.sqlite.store import DIALECT, connect  # noqa: E402
from taskhold.tasks.pages import page_query  # noqa: E402

Call = Callable[[], Awaitable[Any]]
ROUNDS, TIMES = 5, 2_000


async def _empty(_: Request) -> Response:
    return Response(b"{}", media_type="application/json")


async def _empty_with_id(task_id: str) -> Response:  # noqa: ARG001
    return Response(b"{}", media_type="application/json")


def request(app: Any, method: str, path: str, query: bytes = b"", body: bytes = b"") -> Call:
    """A call of `app` as a server makes it, with the answer thrown away."""
    headers = [(b"host", b"localhost:8000"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query,
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(_: Any) -> None:
        pass

    return lambda: app(dict(scope), receive, send)


async def measure(name: str, call: Call, at_once: int = 1) -> None:
    """Print the CPU of one call, `at_once` of them running together."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(TIMES // at_once):
            await asyncio.gather(*(call() for _ in range(at_once))) if at_once > 1 else await call()
        best = min(best, (time.process_time() - began) / (TIMES // at_once * at_once))
    print(f"{name:24} {best * 1e6:7.1f}")


async def main(folder: Path) -> None:
    """Measure everything, on a database in `folder`."""
    fastapi = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    fastapi.get("/tasks/{task_id}")(_empty_with_id)
    starlette = Starlette(routes=[Route("/tasks/{task_id}", _empty)])
    await measure("empty Starlette", request(starlette, "GET", "/tasks/1"))
    await measure("empty FastAPI", request(fastapi, "GET", "/tasks/1"))
    app = create_app(Settings(database_url=f"sqlite:///{folder}/tasks.db"))
    create = request(app, "POST", "/tasks", body=b'{"title":"Write the report"}')
    for _ in range(40):
        await create()
    await measure("get", request(app, "GET", "/tasks/1"))
    await measure("list of 20", request(app, "GET", "/tasks", b"limit=20"))
    await measure("create, 16 at once", create, at_once=16)
    app.state.store.close()

    query = CompiledQueries(DIALECT, SQLITE_CODECS)[page_query("id", (), None, continues=False)]
    connection = connect(folder / "tasks.db")
    wanted = {"owner_id": 1, "limit": 20, "offset": 0}
    values = query.encode(wanted)
    rows = connection.execute(query.sql, values).fetchall()
    tasks = [query.decode(row) for row in rows]

    def timed(function: Callable[[], object]) -> Call:
        async def call() -> None:
            function()

        return call

    await measure(
        "20 rows from SQLite", timed(lambda: connection.execute(query.sql, values).fetchall())
    )
    await measure("20 rows to dicts", timed(lambda: [query.decode(row) for row in rows]))
    await measure("20 dicts to JSON", timed(lambda: as_json(tasks)))
    connection.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(main(Path(temporary)))
