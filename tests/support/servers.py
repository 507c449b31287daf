"""Real servers for tests: in a thread, or as a process that can be killed."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from taskhold.app import create_app
from taskhold.serving import Server, configuration, listen
from taskhold.settings import Settings
from tests.support import prepared


class _PromptServer(Server):
    """A server that sees at once that it is to stop; in a process it looks ten times a second."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        ticking = asyncio.create_task(super().main_loop())
        told = asyncio.create_task(self._told.wait())
        await asyncio.wait([ticking, told], return_when=asyncio.FIRST_COMPLETED)
        ticking.cancel()
        told.cancel()

    def stop(self) -> None:
        """For another thread to call, once the server is ready."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._told.set)


class LiveServer:
    """The server of `taskhold serve`, in a thread of this process."""

    def __init__(self, database_url: str, **settings: object) -> None:
        self.database_url = database_url
        self.settings = Settings.from_environment(
            database_url=database_url, log_level="error", **settings
        )
        self.app = create_app(self.settings)

    def start(self) -> None:
        listener = listen("127.0.0.1", 0)
        self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        ready = threading.Event()
        self._server = _PromptServer(configuration(self.app), ready.set)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()
        while not ready.wait(0.01):
            if not self._thread.is_alive():
                listener.close()
                raise AssertionError("the server did not start")

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()


class ServerProcess:
    """`taskhold serve` as a process group of its own."""

    def __init__(
        self,
        folder: Path,
        options: tuple[str, ...] = (),
        variables: dict[str, str] | None = None,
        *,
        from_scratch: bool = False,
    ) -> None:
        """`from_scratch`: it does its imports itself, and not before it is started."""
        self.folder = folder
        self.log = folder / f"serve-{time.monotonic_ns()}.log"
        words = ("serve", "--port", "0", *options)
        variables = variables or {}
        self.process: prepared.Process | subprocess.Popen[str]
        with self.log.open("wb") as log:
            if not from_scratch and "PYTHONPATH" not in variables:
                self.process = prepared.start(*words, folder=folder, variables=variables, log=log)
            else:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "taskhold", *words],
                    cwd=folder,
                    env=os.environ | {"PYTHONUNBUFFERED": "1"} | variables,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
        self.line = ""
        self.url = ""

    def wait_until_ready(self) -> None:
        """Wait for the line that says where the server is; fails with its log if it ends."""
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        found = re.search(r"http://\S+?(?=/docs)", self.line)
        assert found, f"no start-up line: {self.line!r}; the log says: {self.log.read_text()}"
        self.url = found.group()

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=30)

    def kill(self) -> None:
        """`kill -9` the whole process group, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self, timeout: float = 15) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(timeout)
