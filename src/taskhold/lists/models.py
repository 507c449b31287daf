"""A list of tasks: as it is stored, as it comes in, as it goes out."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField
from sqlalchemy import Boolean, Column, ForeignKey, Identity, Index, Text
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

from taskhold.shapes import STRICT, unless_sent
from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime, in_byte_order
from taskhold.texts import line_rules

NAME_LENGTH = 500
EXAMPLE_LIST: dict[str, Any] = {
    "id": 1,
    "name": "Home",
    "archived": False,
    "open_count": 3,
    "created_at": "2026-12-01T09:30:00.000000Z",
    "updated_at": "2026-12-01T09:30:00.000000Z",
    "version": 1,
}
Name = Annotated[str, *line_rules(NAME_LENGTH, "Home")]


class TaskList(Stored, table=True):
    """A list in the table `list`. Tasks name it in their `list_id`."""

    __tablename__ = "list"
    __table_args__ = (
        Index("ix_list_owner_id", "owner_id", "id"),
        Index("ix_list_owner_name", "owner_id", "name_folded", "name", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
    owner_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), nullable=False))
    name: str = Field(sa_column=Column(in_byte_order(Text), nullable=False))
    name_folded: str = Field(sa_column=Column(in_byte_order(Text), nullable=False))
    archived: bool = Field(sa_column=Column(Boolean, nullable=False))
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    updated_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    version: int = Field(sa_column=Column(Id, nullable=False))


class ListCreate(SQLModel):
    """A new list."""

    model_config = STRICT

    name: Name
    archived: bool = False


class ListUpdate(SQLModel):
    """What to change; what is not sent stays as it is."""

    model_config = STRICT

    name: Name = unless_sent()
    archived: bool = unless_sent("An archived list keeps its tasks.")


class ListPublic(SQLModel):
    """A list as the API shows it."""

    model_config = SQLModelConfig(json_schema_extra={"example": EXAMPLE_LIST})

    id: int = Field(ge=1, description="1, 2, 3 …, never used twice.")
    name: str
    archived: bool
    open_count: int = Field(
        ge=0, description="How many of its tasks are not done. Doesn't count as a change."
    )
    created_at: Stamp
    updated_at: Stamp = Field(description="Never decreases.")
    version: int = Field(ge=1, description="Counts the changes of this list, from 1.")


class ListFilter(BaseModel):
    """Which lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    archived: bool | None = PydanticField(
        default=None, description="Only lists that are archived, or that are not."
    )
