"""A task: as it is stored, as it comes in, as it goes out."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField
from sqlalchemy import Column, ForeignKey, Identity, Index, String, Text, text
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

from taskhold.accounts.models import OPEN_ACCOUNT_ID
from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime, in_byte_order
from taskhold.texts import line_rules

TITLE_LENGTH = 500
STRICT = SQLModelConfig(extra="forbid", strict=True)
"""For what comes in. Said here: SQLModel's constructor would validate laxly once more."""

EXAMPLE_TASK: dict[str, Any] = {
    "id": 1,
    "title": "Write the report",
    "done": True,
    "completed_at": "2026-12-01T17:05:00.000000Z",
    "created_at": "2026-12-01T09:30:00.000000Z",
    "updated_at": "2026-12-01T17:05:00.000000Z",
    "version": 2,
}


def _without_default(schema: dict[str, Any]) -> None:
    """The default of an optional field of a PATCH is its absence, which JSON has no value for."""
    schema.pop("default", None)


Title = Annotated[str, *line_rules(TITLE_LENGTH, "Write the report")]


def _filled_in_time() -> Column[Any]:
    return Column(UTCDateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP"))


class TaskBase(SQLModel):
    """What the lesson's task has."""

    title: Title
    done: bool = False


class Task(TaskBase, Stored, table=True):
    """A task in the table `task`. What another program leaves out, the database fills in."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_owner_id", "owner_id", "id"),
        Index("ix_task_owner_done", "owner_id", "done", "id"),
        Index("ix_task_owner_created_at", "owner_id", "created_at", "id"),
        Index("ix_task_owner_updated_at", "owner_id", "updated_at", "id"),
        Index("ix_task_owner_title", "owner_id", "title_folded", "title", "id"),
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


class TaskCreate(TaskBase):
    """A new task."""

    model_config = STRICT


class TaskUpdate(SQLModel):
    """What to change; what is not sent stays as it is."""

    model_config = STRICT

    title: Title = Field(default=None, schema_extra={"json_schema_extra": _without_default})
    done: bool = Field(default=None, schema_extra={"json_schema_extra": _without_default})


class TaskPublic(SQLModel):
    """A task as the API shows it."""

    model_config = SQLModelConfig(json_schema_extra={"example": EXAMPLE_TASK})

    id: int = Field(ge=1, description="1, 2, 3 …, never used twice.")
    title: str
    done: bool
    completed_at: Stamp | None = Field(description="When `done` became true; null while it isn't.")
    created_at: Stamp
    updated_at: Stamp = Field(description="Never decreases.")
    version: int = Field(ge=1, description="Counts the changes of this task, from 1.")


class TaskCount(SQLModel):
    """How many tasks there are."""

    count: int = Field(ge=0)


class TaskFilter(BaseModel):
    """Which tasks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    done: bool | None = PydanticField(
        default=None, description="Only tasks that are done, or that are not."
    )
