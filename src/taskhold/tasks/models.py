"""A task: as it is stored, as it comes in, as it goes out."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema
from pydantic import Field as PydanticField
from pydantic_core import PydanticCustomError
from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, String, Text, text
from sqlmodel import Field, SQLModel

from taskhold.accounts.models import OPEN_ACCOUNT_ID
from taskhold.shapes import LARGEST_ID, STRICT, ObjectId, unless_sent
from taskhold.store.schema import Id, Ranked, Stamp, Stored, TextList, UTCDateTime, in_byte_order
from taskhold.tags.models import Tag, TagNames
from taskhold.tasks.due import Due, Zone
from taskhold.tasks.positions import FIRST, Position
from taskhold.texts import line_rules, text_rules

TITLE_LENGTH = 500
NOTES_LENGTH = 50_000
PRIORITIES = ("none", "low", "medium", "high")
Priority = Literal["none", "low", "medium", "high"]

EXAMPLE_TASK: dict[str, Any] = {
    "id": 1,
    "title": "Write the report",
    "done": True,
    "completed_at": "2026-12-01T17:05:00.000000Z",
    "notes": "The figures are in the shared folder.",
    "due": "2026-12-01",
    "priority": "high",
    "tags": ["work", "writing"],
    "list_id": None,
    "parent_id": None,
    "position": "a0",
    "created_at": "2026-12-01T09:30:00.000000Z",
    "updated_at": "2026-12-01T17:05:00.000000Z",
    "version": 2,
}


Title = Annotated[str, *line_rules(TITLE_LENGTH, "Write the report")]
Notes = Annotated[str, *text_rules(NOTES_LENGTH)]


def _filled_in_time() -> Column[Any]:
    return Column(UTCDateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP"))


class TaskBase(BaseModel):
    """What the lesson's task has.

    Of pydantic's own kind, as all that comes in often: SQLModel's constructor validates once more.
    """

    title: Title
    done: bool = False


DUE_FIRST, DUE_LAST = -(2**62), 2**62
"""Where tasks that are never due stand, going down and going up."""


class Task(TaskBase, Stored, table=True):
    """A task in the table `task`. What another program leaves out, the database fills in."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_owner_id", "owner_id", "id"),
        Index("ix_task_owner_done", "owner_id", "done", "id"),
        Index("ix_task_owner_created_at", "owner_id", "created_at", "id"),
        Index("ix_task_owner_updated_at", "owner_id", "updated_at", "id"),
        Index("ix_task_owner_title", "owner_id", "title_folded", "title", "id"),
        Index("ix_task_owner_due_up", "owner_id", "due_up", "id"),
        Index("ix_task_owner_due_down", "owner_id", "due_down", "id"),
        Index("ix_task_owner_priority", "owner_id", "priority", "id"),
        Index("ix_task_owner_position", "owner_id", "position", "id"),
        Index("ix_task_owner_list", "owner_id", "list_id", "id", "done"),
        Index("ix_task_owner_list_position", "owner_id", "list_id", "position", "id"),
        Index("ix_task_owner_parent", "owner_id", "parent_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
    title: Title = Field(sa_column=Column(in_byte_order(String), nullable=False))
    created_at: datetime | None = Field(default=None, sa_column=_filled_in_time())
    updated_at: datetime | None = Field(default=None, sa_column=_filled_in_time())
    completed_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    version: int | None = Field(
        default=None, sa_column=Column(Id, nullable=False, server_default="0")
    )
    """1, 2, 3 …; 0 marks what another program inserts, until the trigger has journaled it."""
    owner_id: int | None = Field(
        default=None,
        sa_column=Column(
            Id, ForeignKey("account.id"), nullable=False, server_default=str(OPEN_ACCOUNT_ID)
        ),
    )
    title_folded: str | None = Field(
        default=None, sa_column=Column(in_byte_order(Text), nullable=False, server_default="")
    )
    """The title as `fold_title` gives it, for sorting; empty until the next start after another
    program wrote the title."""
    notes: str | None = Field(
        default=None, sa_column=Column(Text, nullable=False, server_default="")
    )
    due: str | None = Field(default=None, sa_column=Column(Text))
    """As it was sent."""
    due_up: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, nullable=False, server_default=str(DUE_LAST)),
    )
    """Where it stands when what is due first comes first: `due.microseconds`, or `DUE_LAST`."""
    due_down: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, nullable=False, server_default=str(DUE_FIRST)),
    )
    """The same when what is due last comes first; tasks that are never due come last both ways."""
    priority: int | None = Field(
        default=None,
        sa_column=Column(Ranked(PRIORITIES), nullable=False, server_default="0"),
    )
    tags: str | None = Field(
        default=None, sa_column=Column(TextList, nullable=False, server_default="[]")
    )
    list_id: int | None = Field(default=None, sa_column=Column(Id))
    parent_id: int | None = Field(default=None, sa_column=Column(Id))
    position: str | None = Field(
        default=None, sa_column=Column(in_byte_order(Text), nullable=False, server_default="a0")
    )
    search_text: str | None = Field(
        default=None, sa_column=Column(in_byte_order(Text), nullable=False, server_default="")
    )
    """Title, notes and tags as `searching.searched` gives them."""


DEFAULTS: dict[str, Any] = {
    "notes": "",
    "due": None,
    "priority": "none",
    "tags": [],
    "list_id": None,
    "parent_id": None,
    "position": FIRST,
}
"""What a task has that was journaled before there were these fields."""


class TaskCreate(TaskBase):
    """A new task."""

    model_config = STRICT

    notes: Notes = ""
    due: Due | None = None
    priority: Priority = "none"
    tags: TagNames = Field(default=[])
    list_id: ObjectId | None = Field(default=None, description="The list that it is put in.")
    parent_id: ObjectId | None = Field(
        default=None, description="The task that this is a part of, in the same list."
    )
    position: Position | None = Field(
        default=None,
        description="Where it stands among others, compared as bytes; behind the last of its "
        "list unless it is sent.",
    )


class TaskUpdate(BaseModel):
    """What to change; what is not sent stays as it is."""

    model_config = STRICT

    title: Title = unless_sent()
    done: bool = unless_sent("Sets or clears `completed_at`; its subtasks stay as they are.")
    notes: Notes = unless_sent()
    due: Due | None = unless_sent()
    priority: Priority = unless_sent()
    tags: TagNames = unless_sent()
    list_id: ObjectId | None = unless_sent("Takes its subtasks along.")
    parent_id: ObjectId | None = unless_sent("Takes its subtasks along, into the parent's list.")
    position: Position = unless_sent()


class TaskPublic(SQLModel):
    """A task as the API shows it."""

    id: int = Field(ge=1, description="1, 2, 3 …, never used twice.")
    title: str
    done: bool
    completed_at: Stamp | None = Field(description="When `done` became true; null while it isn't.")
    notes: str = Field(description="Up to 50,000 characters.")
    due: str | None = Field(description="A day, or a date-time with an offset, as it was sent.")
    priority: Priority
    tags: list[str] = Field(description="In the order and spelling in which they were sent.")
    list_id: int | None = Field(description="The list that it is in.")
    parent_id: int | None = Field(description="The task that it is a part of.")
    position: str = Field(description="Where it stands among others, compared as bytes.")
    created_at: Stamp
    updated_at: Stamp = Field(description="Never decreases.")
    version: int = Field(ge=1, description="Counts the changes of this task, from 1.")


def whole(kept: dict[str, Any]) -> dict[str, Any]:
    """A task that was kept as JSON, with every field that there is now, in the API's order.

    By that order a purge finds the answers that show a task (`journal.answers.blank`).
    """
    completed = DEFAULTS | kept
    return {name: completed[name] for name in TaskPublic.model_fields}


class TaskCount(SQLModel):
    """How many tasks there are."""

    count: int = Field(ge=0)


NONE = "none"
_ID = re.compile("[1-9][0-9]{0,18}")


def _id_or_none(text: object) -> int | str:
    if text == NONE:
        return NONE
    if isinstance(text, str) and _ID.fullmatch(text) and (found := int(text)) <= LARGEST_ID:
        return found
    raise PydanticCustomError("id", "should be an id or “none”")


Reference = Annotated[
    int | str,
    PlainValidator(_id_or_none),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": LARGEST_ID}, {"const": NONE}]}
    ),
]
"""The id of a list or a task in a query, or `none`."""


class TaskFilter(BaseModel):
    """Which tasks. Each filter takes some away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    done: bool | None = PydanticField(
        default=None, description="Only tasks that are done, or that are not."
    )
    list_id: Reference | None = PydanticField(
        default=None, description="Only tasks of this list; `none`: of no list."
    )
    parent_id: Reference | None = PydanticField(
        default=None, description="Only subtasks of this task; `none`: only tasks at the top."
    )
    tag: list[Tag] = PydanticField(
        default=[], max_length=20, description="Only tasks that bear it, and each other one sent."
    )
    priority: Priority | None = PydanticField(
        default=None, description="Only tasks of this priority."
    )
    due: Literal["none"] | None = PydanticField(
        default=None, description="`none`: only tasks that are never due."
    )
    due_after: Due | None = PydanticField(
        default=None, description="Only tasks due on this day or later, or from this instant on."
    )
    due_before: Due | None = PydanticField(
        default=None, description="Only tasks due before this day, or before this instant."
    )
    q: str | None = PydanticField(
        default=None,
        max_length=200,
        description="Only tasks with each of these words somewhere in title, notes or tags, "
        "whatever its case and accents.",
    )
    tz: Zone = PydanticField(
        default="UTC", description="Where the days of `due_after` and `due_before` begin."
    )
