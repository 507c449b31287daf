"""A network between a server and its PostgreSQL that fails when a test says so."""

import socket
import struct
import threading
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Self

COMMIT = b"COMMIT\0"
"""The end of the message that asks for it: the database is spoken to without TLS here."""


class Fate(Enum):
    """What becomes of a COMMIT, and of its connection."""

    never_arrives = auto()
    """The connection is cut before the database has seen it."""
    answer_is_lost = auto()
    """The database commits; the connection is cut before its answer is through."""
    then_cut = auto()
    """It is answered, and the connection is reset in the same moment."""
    held_back = auto()
    """Nothing is cut: it gets through when the proxy is told to `go_on`."""


class Proxy:
    """Listens on `port` and passes everything on to the database at `target`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections = 0
        """How many were made, ever."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._passes = threading.Event()
        self._passes.set()
        self._fates: list[Fate] = []
        self._commit_came = threading.Semaphore(0)
        self._most: int | None = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.go_on()
        self.cut()

    def in_front_of(self, url: str) -> str:
        """The URL of a database, by way of this proxy."""
        return url.replace(f"127.0.0.1:{self.target}/", f"127.0.0.1:{self.port}/")

    def black_hole(self) -> None:
        """Pass nothing on any more, and close nothing."""
        self._passes.clear()

    def go_on(self) -> None:
        """Pass everything on again, what came meanwhile first."""
        self._passes.set()

    def cut(self) -> None:
        """Close every connection there is."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.cut()

    def allow(self, more: int | None) -> None:
        """Let so many more connections come, and cut those after them; None: any number."""
        self._most = None if more is None else self.connections + more

    def next_commits(self, fate: Fate, times: int = 1) -> None:
        """What becomes of the next ones."""
        self._fates = [fate] * times

    def wait_for_a_commit(self) -> None:
        """Wait until one has met its fate."""
        assert self._commit_came.acquire(timeout=20), "nothing was committed"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self._most is not None and self.connections > self._most:
                    raise ConnectionRefusedError
                database = socket.create_connection(("127.0.0.1", self.target), timeout=20)
            except OSError:
                client.close()
                continue
            database.settimeout(None)
            pair = _Pair(client, database)
            with self._lock:
                self._pairs.append(pair)
            for pump in (self._pass_to_database, self._pass_to_client):
                threading.Thread(target=pump, args=(pair,), daemon=True).start()

    def _pass_to_database(self, pair: "_Pair") -> None:
        with suppress(OSError):
            while data := pair.client.recv(65_536):
                self._passes.wait()
                if data.endswith(COMMIT) and self._fates:
                    fate = self._fates.pop()
                    if fate is Fate.held_back:
                        self._passes.clear()
                    pair.fate = fate
                    self._commit_came.release()
                    if fate is Fate.never_arrives:
                        break
                    self._passes.wait()
                pair.database.sendall(data)
        pair.cut()

    def _pass_to_client(self, pair: "_Pair") -> None:
        with suppress(OSError):
            while data := pair.database.recv(65_536):
                self._passes.wait()
                fate = pair.fate  # looked at first: with this answer the next COMMIT may come
                if fate is Fate.answer_is_lost:
                    break
                pair.client.sendall(data)
                if fate is Fate.then_cut:
                    pair.reset()
                    break
        pair.cut()


class _Pair:
    """A connection of the server, and the one to the database that it is passed on to."""

    def __init__(self, client: socket.socket, database: socket.socket) -> None:
        self.client = client
        self.database = database
        self.fate: Fate | None = None

    def reset(self) -> None:
        """End the server's connection with an RST, which comes right behind the data."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()

    def cut(self) -> None:
        for end in (self.client, self.database):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
