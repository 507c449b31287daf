"""How operations run: the two protocols, and the store that a URL names.

An operation is a plain coroutine function `async def f(tx, …)` that awaits nothing but `tx`.
A store runs it in one transaction, durably: `write` returns after the commit is on disk.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from taskhold.errors import StartupError
from taskhold.metrics import StoreMeters
from taskhold.store.query import Query
from taskhold.store.watching import Watch

P = ParamSpec("P")
T = TypeVar("T")

Row = dict[str, Any]
"""A row by column names, as the API shows its values: times are text in UTC with six decimals."""


class Statement(NamedTuple):
    """A statement that returns no rows, and its parameters."""

    query: Query
    parameters: dict[str, Any]


class Tx(Protocol):
    """One transaction, as an operation sees it."""

    @property
    def has_trips(self) -> bool:
        """Whether each statement is a trip to a server, which costs more than a small one does."""

    @property
    def now(self) -> str:
        """The one time of this transaction: `2026-12-01T09:30:00.000000Z`."""

    async def one(self, query: Query, /, **parameters: Any) -> Row | None: ...

    async def one_beside(
        self, statement: Statement, query: Query, /, **parameters: Any
    ) -> Row | None:
        """What `one` gives, and beside it a statement that does not need it nor change it.

        Both are one trip to a server.
        """

    async def all(self, query: Query, /, **parameters: Any) -> list[Row]: ...

    async def run(self, query: Query, /, **parameters: Any) -> int:
        """Run a statement that returns no rows; how many rows it changed."""

    async def many(self, query: Query, /, rows: Iterable[dict[str, Any]]) -> None:
        """Run such a statement once for each set of parameters."""


Advance = Callable[[int, int], None]
"""Told how much of how much is done."""
Operation = Callable[Concatenate[Tx, P], Awaitable[T]]


class Store(Protocol):
    """A database that runs operations. Raises Unavailable or StorageFull where it can't."""

    location: str
    """Where the data is, for a person; never with a password."""
    name: str
    """What it is called among others: the file's name without its ending, or the database's."""
    lineage: str
    """Changes when a backup is restored, so that no old ETag or cursor passes for a new one."""
    meters: StoreMeters
    """Where it counts; set before it is opened."""
    backup_suffix: str
    """How the names of its backups end."""

    def open(self) -> None:
        """Migrate and open the database, once; StartupError where that can't be done.

        Raises Unavailable for a database that is away but may come.
        """

    def close(self) -> None:
        """Finish what is being written and let go of the database."""

    async def start(self) -> None:
        """Open it for a server whose requests come on this event loop.

        Returns also where the database is away: then it is opened as soon as it is there.
        """

    async def stop(self) -> None:
        """What `close` is to `open`."""

    async def read(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...

    async def read_shared(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `read`, for what many ask at the same moment: one answer may be given to all.

        Nobody gets an older one than they would have read. It must not be changed.
        """

    async def read_long(
        self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `read`, for what may take longer than a millisecond: others are not held up."""

    def snapshot(self) -> AbstractAsyncContextManager[Tx]:
        """The database at one moment, for a command that reads much of it.

        As long as it is open SQLite's WAL grows, and PostgreSQL keeps old rows.
        """

    async def write(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run it in a transaction that holds `owner_id`; returns when the commit is durable.

        Raises OutcomeUnknown where the database failed while it committed.
        """

    async def write_long(
        self, owner_id: int, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `write`, for what may touch many rows: other requests are not held up."""

    def watch(self, owner_id: int) -> Watch:
        """Tells when the journal of `owner_id` may have grown, whichever process wrote it."""

    async def tidy(self) -> bool:
        """Do a little of what can wait; whether there is more. Changes no answer."""

    async def reindex(self, advance: Advance) -> None:
        """Make the index that finds texts anew, while others read and write."""

    def sizes(self) -> list[tuple[str, str, int]]:
        """The bytes of its files, each with a metric's name and what that means."""

    async def check(self) -> None:
        """Raises Unavailable unless the database answers, is migrated and can be written."""


def open_store(url: str) -> Store:
    """The store that a database URL names; not opened yet."""
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        from taskhold.store.sqlite.store import SQLiteStore

        return SQLiteStore.from_url(url)
    if scheme in ("postgresql", "postgres"):
        from taskhold.store.postgres.store import PostgresStore

        return PostgresStore.from_url(url)
    raise StartupError(
        "The database URL should look like sqlite:///tasks.db or "
        "postgresql://user:password@host/name",
        exit_code=2,
    )
