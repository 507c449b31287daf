"""HTTP/1.1 as uvicorn speaks it, with limits on what a client may hold up, and with less work.

What differs from uvicorn's own: an answer's head is looked through once and leaves together with
what follows it, and a connection that rests is found by the look that finds slow ones, without a
timer of its own after each answer.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

SLOW_SECONDS = 12.0
"""How long a client may take over its headers, over its body (and a second more for each
100 KB of it), or reading nothing of its answer. Checked once a second."""
BODY_BYTES_PER_SECOND = 100_000
HEADER_BYTES = 65_536
KEEP_ALIVE_SECONDS = 75
"""How long a connection may rest between requests; proxies let go of theirs after 60 seconds."""

_STATUS = {status: line.rstrip() for status, line in STATUS_LINE.items()}
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Protocol(HttpToolsProtocol):
    """uvicorn's, closing connections that are too slow, rest too long or send endless headers."""

    _begun: float | None = None
    """When the request that is being received began; None between requests."""
    _rests: float | None = None
    """Since when there is no request; None while there is one."""
    _received = 0
    _in_headers = True
    _stuck: tuple[float, int] | None = None
    """Since when the client has not read, and how much there is for it."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begun = self.loop.time()

    def data_received(self, data: bytes) -> None:
        if self._begun is None:
            self._begun = self.loop.time()
        self._received += len(data)
        super().data_received(data)
        if self._in_headers and self._received > HEADER_BYTES and not self.transport.is_closing():
            self._refuse_headers()

    def on_headers_complete(self) -> None:
        if self._received > HEADER_BYTES:  # they may have come in one piece with a body
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > HEADER_BYTES:
                raise ValueError("the headers are too large")  # ends in send_400_response
        self._in_headers = False
        self._rests = None
        scope, parser = self.scope, self.parser
        scope["method"] = parser.get_method().decode("ascii")
        version = parser.get_http_version()
        scope["http_version"] = version
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:  # it came before the last one was answered
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def send_400_response(self, msg: str) -> None:
        if self._in_headers and self._received > HEADER_BYTES:
            self._refuse_headers()
        else:
            super().send_400_response(msg)

    def _refuse_headers(self) -> None:
        self.transport.write(STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._begun, self._received, self._in_headers = None, 0, True

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._rests = self.loop.time()

    def close_if_idle(self, now: float) -> None:
        """Close the connection if its client has used up its time."""
        if self._begun is None:
            if self._rests is not None and now - self._rests > KEEP_ALIVE_SECONDS:
                self.transport.close()
                return
        else:
            allowed = SLOW_SECONDS + (
                0 if self._in_headers else self._received / BODY_BYTES_PER_SECOND
            )
            if now - self._begun > allowed:
                self.transport.abort()
                return
        unread = self.transport.get_write_buffer_size()
        if not unread:
            self._stuck = None
        elif self._stuck is None or unread < self._stuck[1]:
            self._stuck = now, unread
        elif now - self._stuck[0] > SLOW_SECONDS:
            self.transport.abort()


class Cycle(RequestResponseCycle):
    """A request and its answer."""

    _head = b""
    """The head of the answer, which leaves together with what follows it."""

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._head = self._begin(message["status"], message.get("headers", ()))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            body = b""
        elif self.chunked_encoding:
            body = _chunk(body) + (b"" if more else b"0\r\n\r\n")
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (self.expected_content_length and not more):
                raise RuntimeError("The answer is not as long as its head says")
        if self._head or body:
            self.transport.write(self._head + body)
            self._head = b""
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The head. Raises RuntimeError for a header that would end before its line does."""
        self.response_started = True
        self.waiting_for_100_continue = False
        lines = [_STATUS[status]]
        has_length = says_close = False
        for name, value in (*self.default_headers, *headers):
            lines.append(name + b": " + value)
            if name == b"content-length":
                has_length = True
                self.expected_content_length = int(value)
            elif name == b"connection":
                says_close = value.lower() == b"close"
        if says_close:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close")
        self.chunked_encoding = not has_length and status not in _WITHOUT_BODY
        if self.chunked_encoding and self.scope["method"] != "HEAD":
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join((*lines, b"", b""))
        if not head.count(b"\n") == head.count(b"\r") == len(lines) + 1 or b"\0" in head:
            raise RuntimeError("A header of the answer has a line break in it")
        return head


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""
