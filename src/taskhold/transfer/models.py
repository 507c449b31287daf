"""What was imported, and what a file of ours may say of a task, a list, the trash, a change."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, PositiveInt
from pydantic_core import PydanticCustomError
from sqlalchemy import Column, ForeignKey, Index, Text
from sqlmodel import Field

from taskhold.journal.models import Kind
from taskhold.lists.models import ListCreate
from taskhold.shapes import STRICT, ObjectId
from taskhold.store.query import is_stamp
from taskhold.store.schema import Id, Stored, in_byte_order
from taskhold.tasks.models import TaskCreate
from taskhold.texts import text_rules


class Imported(Stored, table=True):
    """Where a task or list came from: by its key, what a file has is known again."""

    __tablename__ = "imported"
    __table_args__ = (
        Index("ix_imported_object", "owner_id", "kind", "object_id"),
        {"sqlite_with_rowid": False},
    )

    owner_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), primary_key=True))
    key: str = Field(sa_column=Column(in_byte_order(Text), primary_key=True))
    """What it is to the program that it came from, as `keys` makes it."""
    kind: str = Field(sa_column=Column(Text, nullable=False))
    """`task`, `list`, or `ids` for a file whose ids are kept."""
    object_id: int = Field(sa_column=Column(Id, nullable=False))


def _checked_stamp(text: str) -> str:
    if not is_stamp(text):
        raise PydanticCustomError("stamp", "should be a time, as 2026-12-01T09:30:00.000000Z")
    return text


GivenStamp = Annotated[str, AfterValidator(_checked_stamp)]
"""A time that the server has set, as the API shows it."""


class TaskInFile(TaskCreate):
    """A task with what the server has set, where the file has that."""

    model_config = STRICT

    id: ObjectId | None = None
    completed_at: GivenStamp | None = None
    created_at: GivenStamp | None = None
    updated_at: GivenStamp | None = None
    version: PositiveInt = 1


class ListInFile(ListCreate):
    """A list, in the same way."""

    model_config = STRICT

    id: ObjectId | None = None
    created_at: GivenStamp | None = None
    updated_at: GivenStamp | None = None
    version: PositiveInt = 1


class TrashInFile(BaseModel):
    """A task in the trash. Those of one `operation` were deleted together."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task: TaskInFile
    deleted_at: GivenStamp
    operation: PositiveInt
    seq: PositiveInt


class ListInJournal(ListInFile):
    """A list as the journal shows it."""

    model_config = STRICT

    open_count: int = 0


Words = Annotated[str, *text_rules(1_000)]


class ChangeInFile(BaseModel):
    """A change of the journal."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seq: PositiveInt
    at: GivenStamp
    actor: Words
    action: Literal["create", "update", "delete", "restore", "purge"]
    kind: Kind
    id: ObjectId
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    operation: PositiveInt
    key: Words | None
    undoes: PositiveInt | None


class Header(BaseModel):
    """The first line."""

    model_config = ConfigDict(extra="ignore", strict=True)

    format: Literal["taskhold"]
    version: int
    exported_at: str
    counts: dict[str, int]
