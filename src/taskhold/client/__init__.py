"""A client of Taskhold: `Client`, and `AsyncClient` for asyncio. docs/client.md shows it."""

from importlib import import_module
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

if TYPE_CHECKING:
    from taskhold.client.asynchronous import AsyncClient
    from taskhold.client.sync import Client

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


_CLIENTS = {"AsyncClient": "taskhold.client.asynchronous", "Client": "taskhold.client.sync"}


def __getattr__(name: str) -> Any:
    """Import a client when it is asked for: it brings along an HTTP library, or asyncio too."""
    if name in _CLIENTS:
        return getattr(import_module(_CLIENTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
