"""What is in the trash."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Text
from sqlmodel import Field

from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime
from taskhold.tasks.models import EXAMPLE_TASK, TaskPublic


class TrashedTask(Stored, table=True):
    """A task that was deleted and can still come back."""

    __tablename__ = "trashed_task"
    __table_args__ = (Index("ix_trashed_task_newest", "owner_id", "operation", "seq"),)

    owner_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), primary_key=True))
    task_id: int = Field(sa_column=Column(Id, primary_key=True))
    seq: int = Field(sa_column=Column(Id, nullable=False))
    """Of the change that deleted it."""
    operation: int = Field(sa_column=Column(Id, nullable=False))
    """Shared with the subtasks that went with it."""
    deleted_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))
    """The task as the API showed it, as JSON text."""


EXAMPLE_TRASHED_TASK = EXAMPLE_TASK | {"deleted_at": "2026-12-02T08:00:00.000000Z"}


class TrashedTaskPublic(TaskPublic):
    """A task in the trash, as it was."""

    deleted_at: Stamp
