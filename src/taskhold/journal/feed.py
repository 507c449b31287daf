"""The changes of accounts as they happen, to any number of readers."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from taskhold.errors import CursorGone, Unavailable
from taskhold.journal import operations
from taskhold.journal.rendering import changes_as_events
from taskhold.store import Store

if TYPE_CHECKING:
    from taskhold.store.watching import Watch

QUIET_SECONDS = 15.0
"""After how long without a change a reader gets a sign of life."""
SIGN_OF_LIFE = b": nothing new\n\n"
CHECK_SECONDS = 5.0
"""How long a reader who may not read any more goes on at the most."""
_AT_ONCE = 100
_SHARED_SECONDS = 1.0


MayRead = Callable[[], Awaitable[bool]]
"""Whether the reader is still let in."""


class _Page(NamedTuple):
    """Some changes as they are sent."""

    after: int
    cursor: int
    events: bytes
    read_at: float


class Reader:
    """Somebody who follows an account: a place in its journal, and nothing more.

    One that is slow holds up nobody and no memory; it reads on from its place.
    """

    def __init__(self, feed: "Feed", owner_id: int, after: int, may_read: MayRead) -> None:
        self._feed = feed
        self._may_read = may_read
        self._owner_id = owner_id
        self._after = after
        self._watch: Watch | None = None
        self._has_ended = False

    async def events(self) -> AsyncIterator[bytes]:
        """What to send, without a gap.

        Ends with `end`, where the database goes away, and where the reader's login does.
        """
        watch = self._watch = self._feed.store.watch(self._owner_id)
        self._feed.enter(self)
        loop = asyncio.get_running_loop()
        sign_at = loop.time() + QUIET_SECONDS
        check_at = loop.time() + _until_check()
        try:
            while not self._has_ended:
                if loop.time() >= check_at:
                    if not await self._may_read():
                        return
                    check_at = loop.time() + _until_check()
                page = await self._feed.read(self._owner_id, self._after)
                if page is not None:
                    self._after = page.cursor
                    yield page.events
                elif loop.time() >= sign_at:
                    yield SIGN_OF_LIFE
                else:
                    await watch.wait(min(sign_at, check_at) - loop.time())
                    continue
                sign_at = loop.time() + QUIET_SECONDS
        except (CursorGone, Unavailable):
            return  # the reader comes back with its place, and hears why
        finally:
            watch.close()
            self._feed.leave(self, self._owner_id)

    def end(self) -> None:
        """Make `events` end soon."""
        self._has_ended = True
        if self._watch is not None:
            self._watch.wake()


def _until_check() -> float:
    """Seconds until a reader is checked: not all of a thousand at once."""
    return random.uniform(0.5, 1.0) * CHECK_SECONDS  # noqa: S311  no secret


class Feed:
    """The readers of this process. Those at the same place share what one of them has read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.readers: set[Reader] = set()
        self._pages: dict[int, _Page] = {}
        self._has_ended = False

    async def follow(self, owner_id: int, after: int | None, may_read: MayRead) -> Reader:
        """A reader behind `after`, or behind the newest change. Raises CursorGone."""
        page = await self.store.read(operations.changes_after, owner_id, after, 1)
        return Reader(self, owner_id, page.cursor if after is None else after, may_read)

    def enter(self, reader: Reader) -> None:
        """Remember a reader that begins to read."""
        self.readers.add(reader)
        if self._has_ended:
            reader.end()

    def leave(self, reader: Reader, owner_id: int) -> None:
        """Forget a reader."""
        self.readers.discard(reader)
        self._pages.pop(owner_id, None)

    def end(self) -> None:
        """End all streams, for good: the server stops."""
        self._has_ended = True
        for reader in self.readers:
            reader.end()

    async def read(self, owner_id: int, after: int) -> _Page | None:
        """What follows `after`; None where nothing does."""
        now = asyncio.get_running_loop().time()
        page = self._pages.get(owner_id)
        if page is not None and page.after == after and now - page.read_at < _SHARED_SECONDS:
            return page
        found = await self.store.read(operations.changes_after, owner_id, after, _AT_ONCE)
        if not found.changes:
            return None
        page = _Page(after, found.cursor, changes_as_events(found.changes), now)
        self._pages[owner_id] = page
        return page
