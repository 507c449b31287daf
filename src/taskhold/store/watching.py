"""Who wants to know that an account's journal has grown, in this process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable


class Watch:
    """One who waits for changes of an account, on the event loop that it was made on."""

    def __init__(self, watches: "Watches", owner_id: int) -> None:
        self._watches = watches
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self.owner_id = owner_id

    async def wait(self) -> None:
        """Wait until there may be a change.

        A change that is committed after this returned makes the next call return at once, so
        whoever looks in between misses none.
        """
        await self._woken.wait()
        self._woken.clear()

    def wake(self) -> None:
        """Make `wait` return; from any thread."""
        self._loop.call_soon_threadsafe(self._woken.set)

    def close(self) -> None:
        """Wait no more."""
        self._watches.remove(self)


class Watches:
    """All of them, by account."""

    def __init__(self) -> None:
        self._by_owner: defaultdict[int, set[Watch]] = defaultdict(set)

    def __bool__(self) -> bool:
        return bool(self._by_owner)

    def add(self, owner_id: int) -> Watch:
        watch = Watch(self, owner_id)
        self._by_owner[owner_id].add(watch)
        return watch

    def remove(self, watch: Watch) -> None:
        others = self._by_owner[watch.owner_id]
        others.discard(watch)
        if not others:
            del self._by_owner[watch.owner_id]

    def wake(self, owner_ids: Iterable[int]) -> None:
        """Wake those who wait for these accounts."""
        for owner_id in owner_ids:
            for watch in self._by_owner.get(owner_id, ()):
                watch.wake()

    def wake_all(self) -> None:
        self.wake(list(self._by_owner))
