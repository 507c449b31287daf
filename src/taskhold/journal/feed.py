"""The changes of accounts as they happen, to any number of readers."""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from taskhold.errors import CursorGone, Unavailable
from taskhold.journal import operations
from taskhold.journal.rendering import changes_as_events
from taskhold.metrics import Counter
from taskhold.store import Row, Store, Tx

QUIET_SECONDS = 15.0
"""After how long without a change a reader gets a sign of life."""
SIGN_OF_LIFE = b": nothing new\n\n"
CHECK_SECONDS = 5.0
"""How long a reader who may not read any more goes on at the most, quiet or not."""
PAGE_BYTES = 64 * 1024
"""How much of the journal is read at a time: so much, and the change that goes beyond it."""
_STEP = 10
_TICK_SECONDS = 0.5
_SHARED_SECONDS = 1.0


MayRead = Callable[[], Awaitable[bool]]
"""Whether the reader is still let in."""


class _Page(NamedTuple):
    """Some changes as they are sent."""

    cursor: int
    events: bytes
    read_at: float


class Reader:
    """Somebody who follows an account: a place in its journal, and nothing more.

    One that is slow holds up nobody and no memory; it reads on from its place.
    """

    def __init__(
        self, feed: "Feed", owner_id: int, after: int, newest: int, may_read: MayRead
    ) -> None:
        self.owner_id = owner_id
        self.newest = newest
        """How far the journal went when it came."""
        self._feed = feed
        self._may_read = may_read
        self._after = after
        self._woken = asyncio.Event()
        self._has_ended = False

    async def events(self) -> AsyncGenerator[bytes]:
        """What to send, without a gap.

        Ends with `end`, where the database goes away, and where the reader's login does.
        """
        account = self._feed.enter(self)
        loop = asyncio.get_running_loop()
        sign_at = loop.time() + QUIET_SECONDS
        # Many come at once, after a restart; they shall not all be checked at once from then on.
        check_at = loop.time() + CHECK_SECONDS * random.random()  # noqa: S311
        try:
            while not self._has_ended:
                if loop.time() >= check_at:
                    if not await self._may_read():
                        return
                    check_at = loop.time() + CHECK_SECONDS
                if self._after < account.newest:
                    page = await account.page_after(self._after)
                    if page is None:  # a backup was restored
                        return
                    self._after = page.cursor
                    yield page.events
                elif loop.time() >= sign_at:
                    yield SIGN_OF_LIFE
                else:
                    await self._wait_until(min(sign_at, check_at))
                    continue
                sign_at = loop.time() + QUIET_SECONDS
        except (CursorGone, Unavailable):
            return  # the reader comes back with its place, and hears why
        finally:
            self._feed.leave(self, account)

    def wake(self) -> None:
        """Make it look for changes."""
        self._woken.set()

    def end(self) -> None:
        """Make `events` end soon."""
        self._has_ended = True
        self._woken.set()

    async def _wait_until(self, moment: float) -> None:
        """Wait until it is woken, or until the moment; who waits for about the same wakes together.

        A thousand quiet readers take 1% of a core so, and each at a time of its own 5%.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout_at(math.ceil(moment / _TICK_SECONDS) * _TICK_SECONDS):
                await self._woken.wait()
        self._woken.clear()


class Account:
    """An account that somebody follows in this process. Its changes are read once for all."""

    def __init__(self, store: Store, owner_id: int, newest: int) -> None:
        self.readers: set[Reader] = set()
        self.newest = newest
        """How far its journal is known to go."""
        self.has_ended = False
        self._store = store
        self._owner_id = owner_id
        self._pages: dict[int, _Page] = {}
        self._one_reads = asyncio.Lock()
        self._looking = asyncio.create_task(self._look())

    async def page_after(self, after: int) -> _Page | None:
        """What follows `after`; None where nothing does. Raises CursorGone."""
        return self._shared(after) or await self._read(after)

    def close(self) -> None:
        """Look no more."""
        self._looking.cancel()

    async def _look(self) -> None:
        """Wake the readers when the journal grows; end them where it can't be told any more."""
        watch = self._store.watch(self._owner_id)
        try:
            while True:
                while (page := await self._read(self.newest)) is not None:
                    self.newest = page.cursor
                    for reader in self.readers:
                        reader.wake()
                await watch.wait()
        except (CursorGone, Unavailable):
            return
        finally:
            watch.close()
            self.has_ended = True
            for reader in self.readers:
                reader.end()

    async def _read(self, after: int) -> _Page | None:
        async with self._one_reads:  # who comes meanwhile gets what it found
            if (page := self._shared(after)) is not None:
                return page
            found = await self._store.read(_some_changes, self._owner_id, after)
            if not found:
                return None
            now = asyncio.get_running_loop().time()
            page = _Page(found[-1]["seq"], changes_as_events(found), now)
            self._pages = {
                each: page
                for each, page in self._pages.items()
                if now - page.read_at < _SHARED_SECONDS
            }
            self._pages[after] = page
            return page

    def _shared(self, after: int) -> _Page | None:
        """A page that was read a moment ago: what it shows may have been purged since."""
        page = self._pages.get(after)
        now = asyncio.get_running_loop().time()
        return None if page is None or now - page.read_at >= _SHARED_SECONDS else page


class Feed:
    """The readers of this process, by account."""

    def __init__(self, store: Store, count: Counter) -> None:
        """`count` is told how many readers there are."""
        self._store = store
        self._count = count
        self.readers: set[Reader] = set()
        self._accounts: dict[int, Account] = {}
        self._has_ended = False

    async def follow(self, owner_id: int, after: int | None, may_read: MayRead) -> Reader:
        """A reader behind `after`, or behind the newest change. Raises CursorGone."""
        begin, newest = await self._store.read(_place, owner_id, after)
        return Reader(self, owner_id, begin, newest, may_read)

    def enter(self, reader: Reader) -> Account:
        """The account of a reader that begins to read."""
        account = self._accounts.get(reader.owner_id)
        if account is None or account.has_ended:
            account = Account(self._store, reader.owner_id, reader.newest)
            self._accounts[reader.owner_id] = account
        account.readers.add(reader)
        self.readers.add(reader)
        self._count.set(len(self.readers))
        if self._has_ended:
            reader.end()
        return account

    def leave(self, reader: Reader, account: Account) -> None:
        """Forget a reader, and its account with its last one."""
        self.readers.discard(reader)
        self._count.set(len(self.readers))
        account.readers.discard(reader)
        if not account.readers:
            account.close()
            if self._accounts.get(reader.owner_id) is account:
                del self._accounts[reader.owner_id]

    def end(self) -> None:
        """End all streams, for good: the server stops."""
        self._has_ended = True
        for reader in self.readers:
            reader.end()


async def _place(tx: Tx, owner_id: int, after: int | None) -> tuple[int, int]:
    """Where a reader begins, and how far the journal goes. Raises CursorGone."""
    newest = await operations.cursor(tx, owner_id)
    if after is None:
        return newest, newest
    await operations.changes_after(tx, owner_id, after, 1)
    return after, newest


async def _some_changes(tx: Tx, owner_id: int, after: int) -> list[Row]:
    """The next changes, as many as make up `PAGE_BYTES`."""
    found: list[Row] = []
    size = 0
    while True:
        page = await operations.changes_after(tx, owner_id, after, _STEP)
        for change in page.changes:
            found.append(change)
            size += len(change["before"] or "") + len(change["after"] or "")
            if size > PAGE_BYTES:
                return found
        if not page.more:
            return found
        after = page.cursor
