"""What goes out and comes in: dictionaries as the API has them, with their types.

A server that is newer may send fields that are not here; they are in the dictionaries all the same.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, NotRequired, TypedDict

Priority = Literal["none", "low", "medium", "high"]
Moment = str | date | datetime
"""A day (`2026-12-01`, a `date`), or an instant (a text or a `datetime` with an offset)."""
TaskSort = Literal[
    "id",
    "-id",
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "due",
    "-due",
    "priority",
    "-priority",
    "title",
    "-title",
    "position",
    "-position",
]


class Task(TypedDict):
    """A task."""

    id: int
    title: str
    done: bool
    completed_at: str | None
    notes: str
    due: str | None
    priority: Priority
    tags: list[str]
    list_id: int | None
    parent_id: int | None
    position: str
    created_at: str
    updated_at: str
    version: int


class TrashedTask(Task):
    """A task in the trash."""

    deleted_at: str


class TaskChanges(TypedDict, total=False):
    """The fields of a task that can be changed."""

    title: str
    done: bool
    notes: str
    due: Moment | None
    priority: Priority
    tags: Sequence[str]
    list_id: int | None
    parent_id: int | None
    position: str


class NewTask(TypedDict):
    """A new task."""

    title: str
    done: NotRequired[bool]
    notes: NotRequired[str]
    due: NotRequired[Moment | None]
    priority: NotRequired[Priority]
    tags: NotRequired[Sequence[str]]
    list_id: NotRequired[int | None]
    parent_id: NotRequired[int | None]
    position: NotRequired[str | None]


class TaskFilters(TypedDict, total=False):
    """Which tasks. Each filter takes some away."""

    done: bool
    list_id: int | Literal["none"]
    parent_id: int | Literal["none"]
    tag: Sequence[str]
    priority: Priority
    due: Literal["none"]
    due_after: Moment
    due_before: Moment
    q: str
    tz: str


class TaskList(TypedDict):
    """A list."""

    id: int
    name: str
    archived: bool
    open_count: int
    created_at: str
    updated_at: str
    version: int


class Tag(TypedDict):
    """A tag in use."""

    tag: str
    open_count: int


class Account(TypedDict):
    """Who is asking."""

    id: int
    username: str
    display_name: str
    admin: bool


class Change(TypedDict):
    """A row of the journal. `before` and `after` are a whole task or list, or None."""

    seq: int
    at: str
    actor: str
    action: Literal["create", "update", "delete", "restore", "purge"]
    kind: Literal["task", "list"]
    id: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    operation: int
    key: str | None
    undoes: int | None


class Changes(TypedDict):
    """Some changes, oldest first, and the cursor to go on with."""

    changes: list[Change]
    cursor: int
    more: bool


# In a batch an id may be `"#0"`: the task that operation 0 gave.


class CreateOperation(TypedDict):
    """Add a task. `task` is a `NewTask`, whose `parent_id` may be `"#0"`."""

    op: Literal["create"]
    task: dict[str, Any] | NewTask


class UpdateOperation(TypedDict):
    """Change a task. `changes` are `TaskChanges`, whose `parent_id` may be `"#0"`."""

    op: Literal["update"]
    id: int | str
    changes: dict[str, Any] | TaskChanges
    if_version: NotRequired[int | None]


class DeleteOperation(TypedDict):
    """Move a task and its subtasks to the trash."""

    op: Literal["delete"]
    id: int | str
    if_version: NotRequired[int | None]


Operation = CreateOperation | UpdateOperation | DeleteOperation
