"""A change: a row of the journal."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import Column, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel

from taskhold.lists.models import ListPublic
from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime
from taskhold.tasks.models import EXAMPLE_TASK, TaskPublic


class Action(StrEnum):
    """What happened to an object."""

    create = "create"
    update = "update"
    delete = "delete"
    restore = "restore"
    purge = "purge"


Kind = Literal["task", "list"]


class Change(Stored, table=True):
    """What happened to one object, written in the transaction that did it."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_object", "owner_id", "kind", "object_id", "seq"),)

    owner_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), primary_key=True))
    seq: int = Field(sa_column=Column(Id, primary_key=True))
    """Counts per account in the order of commits, without gaps."""
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    object_id: int = Field(sa_column=Column(Id, nullable=False))
    before: str | None = Field(default=None, sa_column=Column(Text))
    """The whole object as the API shows it, as JSON text; null where there was none."""
    after: str | None = Field(default=None, sa_column=Column(Text))
    operation: int = Field(sa_column=Column(Id, nullable=False))
    """The `seq` of the first row of its transaction."""
    key: str | None = Field(default=None, sa_column=Column(Text))
    undoes: int | None = Field(default=None, sa_column=Column(Id))


EXAMPLE_CHANGE: dict[str, Any] = {
    "seq": 2,
    "at": EXAMPLE_TASK["updated_at"],
    "actor": "open",
    "action": "update",
    "kind": "task",
    "id": 1,
    "before": EXAMPLE_TASK
    | {"done": False, "completed_at": None}
    | {"updated_at": EXAMPLE_TASK["created_at"], "version": 1},
    "after": EXAMPLE_TASK,
    "operation": 2,
    "key": None,
    "undoes": None,
}


EXAMPLE_UNDOING = EXAMPLE_CHANGE | {
    "seq": 3,
    "at": "2026-12-01T17:06:00.000000Z",
    "before": EXAMPLE_CHANGE["after"],
    "after": EXAMPLE_CHANGE["before"] | {"updated_at": "2026-12-01T17:06:00.000000Z", "version": 3},
    "operation": 3,
    "undoes": 2,
}


class ChangePublic(SQLModel):
    """One change, as the API shows it."""

    seq: int = Field(ge=1, description="Counts per account, in the order of commits, without gaps.")
    at: Stamp
    actor: str = Field(description="Who did it; `outside` for another program on the same file.")
    action: Action
    kind: Kind
    id: int = Field(ge=1, description="The id of the task or list.")
    before: TaskPublic | ListPublic | None = Field(
        description="The whole object, null where there was none or it was purged since."
    )
    after: TaskPublic | ListPublic | None = Field(
        description="The whole object, null where there is none or it was purged since."
    )
    operation: int = Field(ge=1, description="Shared by the changes of one transaction.")
    key: str | None = Field(
        description="The Idempotency-Key that it was written under; of an import, `import …`."
    )
    undoes: int | None = Field(description="The operation that this one undid.")


class Undone(SQLModel):
    """What undoing an operation changed."""

    changes: list[ChangePublic]


class Changes(SQLModel):
    """A page of the journal, oldest first."""

    changes: list[ChangePublic]
    cursor: int = Field(ge=0, description="Ask with `after` set to it for what comes next.")
    more: bool = Field(description="Whether there are more changes right now.")
