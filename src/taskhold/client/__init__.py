"""A client of Taskhold: `Client`, and `AsyncClient` for asyncio. docs/client.md shows it."""

from typing import TYPE_CHECKING, Any

from taskhold.client.calls import Answer
from taskhold.client.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    NotTaskhold,
    Problem,
    TaskholdError,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unreachable,
    VersionConflict,
)
from taskhold.client.shapes import (
    Account,
    Change,
    Changes,
    CreateOperation,
    DeleteOperation,
    NewTask,
    Operation,
    Tag,
    Task,
    TaskChanges,
    TaskFilters,
    TaskList,
    TrashedTask,
    UpdateOperation,
)
from taskhold.client.sync import Client

if TYPE_CHECKING:
    from taskhold.client.asynchronous import AsyncClient

__all__ = [
    "Account",
    "Answer",
    "AsyncClient",
    "Change",
    "Changes",
    "Client",
    "Conflict",
    "CreateOperation",
    "DeleteOperation",
    "Forbidden",
    "Gone",
    "Invalid",
    "NewTask",
    "NotFound",
    "NotTaskhold",
    "Operation",
    "Problem",
    "Tag",
    "Task",
    "TaskChanges",
    "TaskFilters",
    "TaskList",
    "TaskholdError",
    "TooMany",
    "TrashedTask",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "UpdateOperation",
    "VersionConflict",
]


def __getattr__(name: str) -> Any:
    """Import asyncio for those alone who need it: it takes as long as all the rest."""
    if name == "AsyncClient":
        from taskhold.client.asynchronous import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
