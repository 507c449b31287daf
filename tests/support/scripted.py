"""A server that answers as a test says, and one whose answers get lost."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

CUT = b""
"""No answer: the connection is closed."""


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """An answer as bytes; `_` in a header's name stands for `-`."""
    given = {"Content-Length": str(len(body)), "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


class Scripted:
    """Gives one answer after the other, each to the next request; the last one again and again."""

    def __init__(self, *answers: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        """What was sent, heads and bodies."""
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = tls
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def headers(self, name: str) -> list[str | None]:
        """A header of each request."""
        return [_header(request, name) for request in self.requests]

    def answer_to(self, request: bytes) -> bytes:
        """What comes back to a request."""
        self.requests.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # it was shut down
                return
            with suppress(OSError), connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        with connection:
            request = read_message(connection.recv)
            if request:
                connection.sendall(self.answer_to(request))


class Lossy(Scripted):
    """Passes requests on to a server, and loses the answers to the first ones."""

    def __init__(self, port: int, losses: int) -> None:
        super().__init__(CUT)
        self._port = port
        self._losses = losses

    def answer_to(self, request: bytes) -> bytes:
        self.requests.append(request)
        with socket.create_connection(("127.0.0.1", self._port), timeout=20) as connection:
            connection.sendall(request)
            given = read_message(connection.recv)
        if self._losses:
            self._losses -= 1
            return CUT
        return given.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)


def read_message(receive: Callable[[int], bytes]) -> bytes:
    """A whole request or answer that says how long its body is."""
    message = b""
    while b"\r\n\r\n" not in message:
        received = receive(65_536)
        if not received:
            return message
        message += received
    length = int(_header(message, "content-length") or 0)
    while len(message.partition(b"\r\n\r\n")[2]) < length:
        message += receive(65_536)
    return message


def _header(message: bytes, name: str) -> str | None:
    for line in message.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]:
        found, _, value = line.partition(": ")
        if found.lower() == name.lower():
            return value
    return None
