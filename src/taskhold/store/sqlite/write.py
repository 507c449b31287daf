"""One write that waits for its turn and for its commit, and the event loop that waits for it."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any


def drive(operation: Awaitable[Any]) -> Any:
    """Run an operation that never really suspends, without an event loop."""
    coroutine: Any = operation  # written as an `async def`
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise RuntimeError("an operation may await nothing but its transaction")


class Write:
    """One request's place in the queue."""

    __slots__ = ("begun", "context", "error", "future", "is_long", "loop", "operation", "result")

    def __init__(self, operation: Callable[[], Awaitable[Any]], is_long: bool) -> None:
        self.operation = operation
        self.is_long = is_long
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.context = contextvars.copy_context()
        self.begun = False
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Answer it with its result, or its error."""
        if self.future.done():  # the client went away while it was being saved
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def post(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> bool:
    """Call it soon on that loop, whichever thread this is; False where the loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, *arguments, context=contextvars.Context())
    except RuntimeError:
        return False
    return True


def settle_all(batch: list[Write]) -> None:
    """Answer these writes, on their loop."""
    for write in batch:
        write.settle()
