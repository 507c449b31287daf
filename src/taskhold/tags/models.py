"""A tag: as it is stored, as it comes in, as it goes out."""

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy import Boolean, Column, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel

from taskhold.shapes import STRICT
from taskhold.store.schema import Id, Stored, in_byte_order
from taskhold.texts import WHITE_SPACE

TAG_LENGTH = 50
MOST_TAGS = 20
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class TaskTag(Stored, table=True):
    """A tag that a task bears: what `task.tags` says, where it can be looked up."""

    __tablename__ = "task_tag"
    __table_args__ = (
        Index("ix_task_tag_folded", "owner_id", "folded", "task_id", "done"),
        {"sqlite_with_rowid": False},
    )

    owner_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), primary_key=True))
    task_id: int = Field(sa_column=Column(Id, primary_key=True))
    folded: str = Field(sa_column=Column(in_byte_order(Text), primary_key=True))
    """As `fold_tag` gives it: tags with the same one are the same."""
    name: str = Field(sa_column=Column(Text, nullable=False))
    """As the task spells it."""
    done: bool = Field(sa_column=Column(Boolean, nullable=False))
    """Whether the task is done."""


def fold_tag(tag: str) -> str:
    """What two spellings of one tag have in common (https://www.unicode.org/reports/tr15/)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", tag).casefold())


def clean_tag(tag: str) -> str:
    """Raises PydanticCustomError for what is no tag."""
    if not tag or tag != tag.strip(WHITE_SPACE):
        raise PydanticCustomError("tag", "a tag is not blank and has no white space at its ends")
    if len(tag) > TAG_LENGTH:
        raise PydanticCustomError("too_long", f"a tag has at most {TAG_LENGTH} characters")
    if "," in tag or _CONTROL.search(tag):
        raise PydanticCustomError("tag", "a tag has no comma and no control character")
    return tag


def _clean_tags(tags: list[str]) -> list[str]:
    if len(tags) > MOST_TAGS:
        raise PydanticCustomError("too_long", f"should have at most {MOST_TAGS} entries")
    for tag in tags:
        clean_tag(tag)
    if len({fold_tag(tag) for tag in tags}) < len(tags):
        raise PydanticCustomError("repeated", "should name each tag once, however it is spelled")
    return tags


_INNER = r"[^,\u0000-\u001f\u007f-\u009f]"
_EDGE = r"[^,\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_TAG_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": f"^{_EDGE}({_INNER}{{0,{TAG_LENGTH - 2}}}{_EDGE})?$",
    "examples": ["home"],
}
Tag = Annotated[str, AfterValidator(clean_tag), WithJsonSchema(_TAG_SCHEMA)]
TagNames = Annotated[
    list[str],
    AfterValidator(_clean_tags),
    WithJsonSchema(
        {
            "type": "array",
            "items": _TAG_SCHEMA,
            "maxItems": MOST_TAGS,
            "uniqueItems": True,
            "description": "Kept in this order and spelling. Two that differ in case alone are "
            "the same tag, and refused.",
            "examples": [["home", "DIY"]],
        }
    ),
]


class TagPublic(SQLModel):
    """A tag in use."""

    tag: str = Field(
        description="As the oldest task that bears it spells it.",
        schema_extra={"examples": ["home"]},
    )
    open_count: int = Field(ge=0, description="How many tasks that are not done bear it.")


class TagUpdate(SQLModel):
    """The new name of a tag."""

    model_config = STRICT

    tag: Tag
