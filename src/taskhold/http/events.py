"""Server-sent events: an answer that goes on.

Sent without Starlette's StreamingResponse, which keeps twice as many tasks a stream. A client that
goes away cancels nothing by itself (ASGI says so by a message), so one task listens for that.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Protocol

from starlette.types import Receive, Scope, Send

from taskhold.http.answers import Answer

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would gather them
]
_BEGIN = b": following\n\n"
"""Sent at once, so that the client knows that it is connected."""


class Source(Protocol):
    """Where the events come from."""

    def events(self) -> AsyncGenerator[bytes]: ...

    def end(self) -> None:
        """Make `events` end soon."""


class EventStream(Answer):
    """200 and events until the client or the source ends it."""

    __slots__ = ("_receive", "_source")

    def __init__(self, source: Source, receive: Receive) -> None:
        super().__init__(200, headers=[*_HEADERS])
        self._source = source
        self._receive = receive

    async def send(self, scope: Scope, send: Send, *more: tuple[bytes, bytes]) -> None:
        headers = [*self.headers, *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] != "HEAD":
            await self._send_events(send)
        await send({"type": "http.response.body", "body": b""})

    async def _send_events(self, send: Send) -> None:
        listening = asyncio.create_task(self._end_with_the_client())
        try:
            await send({"type": "http.response.body", "body": _BEGIN, "more_body": True})
            async with aclosing(self._source.events()) as events:
                async for event in events:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _end_with_the_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._source.end()
