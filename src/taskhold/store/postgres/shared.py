"""Reads on PostgreSQL that many ask for at the same moment: one is made for all of them.

    nobody asks ── ask ──> read ──> answer all who asked before it began
                             └── asked meanwhile ──> read again ──> …

Whoever asks is answered by a read that began after that, as if it were their own.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any

Asked = tuple[Callable[..., Awaitable[Any]], tuple[Any, ...]]
"""An operation and its arguments, which are equal where the same is asked."""


class SharedReads:
    """What is asked, and who waits for it. Belongs to one event loop."""

    def __init__(self, read: Callable[..., Awaitable[Any]]) -> None:
        self._read = read
        self._waiting: dict[Asked, list[asyncio.Future[Any]]] = {}
        """Those whom the next read answers, for each question that is being asked."""
        self._working: set[asyncio.Task[None]] = set()

    async def ask(self, asked: Asked) -> Any:
        """What the operation returns; others get the same object."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        waiting = self._waiting.get(asked)
        if waiting is None:
            self._waiting[asked] = [future]
            task = loop.create_task(self._work(asked), context=contextvars.Context())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        else:
            waiting.append(future)
        return await future

    async def stop(self) -> None:
        """Break off what is being read."""
        await asyncio.sleep(0)  # a task that is cancelled before it has begun answers nobody
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def _work(self, asked: Asked) -> None:
        operation, args = asked
        answered: list[asyncio.Future[Any]] = []
        try:
            while answered := self._waiting[asked]:
                self._waiting[asked] = []
                result = await self._read(operation, *args)
                for future in answered:
                    if not future.done():
                        future.set_result(result)
        except Exception as error:
            # Who came meanwhile is told as well, and waits no second time for what is away.
            for future in (*answered, *self._waiting[asked]):
                if not future.done():
                    future.set_exception(error)
        finally:
            for future in (*answered, *self._waiting.pop(asked)):
                future.cancel()  # those that nobody has answered, since the store stops
