"""`taskhold serve`: the server, with limits on what a client may hold up, and its workers."""

import errno
import gc
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from taskhold import __version__
from taskhold.accounts.first import UNKNOWN, who_may
from taskhold.app import create_app
from taskhold.errors import StartupError, Unavailable
from taskhold.logs import configure_logs
from taskhold.protocol import Protocol
from taskhold.settings import Settings
from taskhold.store.sqlite.library import choose

STOP_SECONDS = 8
"""How long requests in flight may take to finish when the server stops."""
TAKEN_AT_ONCE = 8
"""Connections that one turn of the event loop takes. libuv takes one from each listening socket, so
the same socket is listened on as many times; else 64 clients that come at once to a busy server
wait for half a second, and a client that makes a connection for each request costs a third more."""
MOST_OPEN_FILES = 65_536
FAILED_START = 3

log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn's server: says when it is ready, watches its clients, may end with its parent."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], parent: int | None = None
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._parent = parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        more = [each.dup() for each in sockets or () for _ in range(TAKEN_AT_ONCE - 1)]
        await super().startup([*sockets, *more] if sockets else None)
        # What is there now stays: not looking at it again keeps collections short.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.loaded_app.state.feed.end()  # streams have no end of their own
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.close_if_idle(now)
        if self._parent not in (None, os.getppid()):
            log.error("the parent process is gone; stopping")
            return True
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop; a second Ctrl-C stops without waiting for requests."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartupError where it can't begin."""
    configure_logs(settings, whole_process=True)
    _allow_many_connections()
    listener = listen(settings.host, settings.port)
    url = _url(settings.host, listener.getsockname()[1])
    app = create_app(settings)
    store = app.state.store
    who = UNKNOWN
    with suppress(Unavailable):  # who serves waits for the database, and says so
        store.open()
        who = who_may(store, open_mode=app.state.open_mode)
    line = (
        f"Taskhold {__version__} keeps tasks in {store.location}; "
        f"open {url} (its API: {url}/docs)\n{who}"
    )
    if settings.workers > 1:
        store.close()  # it is migrated; each worker opens its own
        _supervise(settings, listener, line, app.state.metrics.size)
    else:
        Server(configuration(app), lambda: print(line, flush=True)).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises StartupError where the address can't be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except PermissionError:
        raise StartupError(f"Port {port} needs rights that this user has not") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartupError(
                f"Port {port} on {host} is used by another program; choose another with --port"
            ) from None
        raise StartupError(f"{host}:{port} can't be listened on: {error.strerror}") from None
    listener.set_inheritable(True)
    return listener


def configuration(app: FastAPI) -> uvicorn.Config:
    """How uvicorn serves the app."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _work(  # noqa: PLR0917  a process is given them by their places
    settings: Settings,
    listener: socket.socket,
    ready: Connection,
    parent: int,
    counted: Any,
    number: int,
) -> None:
    """A worker process: serve, tell the parent when it does, and end when it does."""
    choose()  # before anything here imports sqlite3
    configure_logs(settings, whole_process=True)
    try:
        app = create_app(settings)
        app.state.metrics.share(memoryview(counted), number)
        config = configuration(app)
        Server(config, lambda: ready.send_bytes(b"ready"), parent).run(sockets=[listener])
    except StartupError as error:
        log.error(str(error))
        sys.exit(FAILED_START)


def _supervise(settings: Settings, listener: socket.socket, line: str, counted_size: int) -> None:
    """Keep the workers running until SIGTERM or SIGINT, then stop them all."""
    context = multiprocessing.get_context("spawn")
    readings, ready = context.Pipe(duplex=False)
    counted = context.RawArray("b", counted_size * settings.workers)
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    def start(number: int) -> BaseProcess:
        given = (settings, listener, ready, os.getpid(), counted, number)
        worker = context.Process(target=_work, args=given)
        worker.start()
        return worker

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    workers = [start(number) for number in range(settings.workers)]
    waited_for = len(workers)
    while not stopping:
        wait([readings, *(worker.sentinel for worker in workers)], timeout=0.5)
        while readings.poll():
            readings.recv_bytes()
            waited_for -= 1
            if waited_for == 0:
                print(line, flush=True)
        for place, worker in enumerate(workers):
            if worker.is_alive() or stopping:
                continue
            if worker.exitcode == FAILED_START:
                _end(workers)
                raise StartupError("A worker could not start; the log above says why")
            log.error("a worker ended and is replaced", exit_code=worker.exitcode)
            time.sleep(0.5)
            workers[place] = start(place)
    _end(workers)


def _end(workers: list[BaseProcess]) -> None:
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + STOP_SECONDS + 1
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        worker.kill()
        worker.join()


def _allow_many_connections() -> None:
    """Raise the limit of open files: shells give 1,024, and each connection is one."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _url(host: str, port: int) -> str:
    """The address as a browser on this machine takes it."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
