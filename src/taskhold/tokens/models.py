"""A token: as it is stored, as it comes in, as it goes out."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy import Boolean, Column, ForeignKey, Identity, Index, Text
from sqlmodel import Field, SQLModel

from taskhold.accounts.models import DisplayName
from taskhold.shapes import STRICT
from taskhold.store.query import stamp
from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime

Scope = Literal["read", "write"]
"""What a token may do."""


class Token(Stored, table=True):
    """What a program shows instead of a password."""

    __tablename__ = "token"
    __table_args__ = (Index("ix_token_account", "account_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
    account_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), nullable=False))
    fingerprint: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    """The SHA-256 of the token."""
    name: str = Field(sa_column=Column(Text, nullable=False))
    writes: bool = Field(sa_column=Column(Boolean, nullable=False))
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


def _known_scopes(scopes: list[Scope]) -> list[Scope]:
    if scopes not in (["read"], ["read", "write"]):
        raise PydanticCustomError("scopes", 'should be ["read"] or ["read", "write"]')
    return scopes


def _instant(moment: str) -> str:
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise PydanticCustomError("instant", "should be a date-time with an offset")
    try:
        return stamp(parsed)
    except OverflowError:
        raise PydanticCustomError("instant", "is too far away") from None


Scopes = Annotated[
    list[Scope],
    AfterValidator(_known_scopes),
    WithJsonSchema({"enum": [["read"], ["read", "write"]]}),
]
Instant = Annotated[
    str, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]


class TokenCreate(SQLModel):
    """A new token."""

    model_config = STRICT

    name: DisplayName
    scopes: Scopes
    expires_at: Instant | None = None


class TokenPublic(SQLModel):
    """A token as its owner sees it."""

    id: int = Field(ge=1)
    name: str
    scopes: list[Scope]
    created_at: Stamp
    expires_at: Stamp | None
    last_used_at: Stamp | None = Field(description="Told to about a minute.")


class NewToken(TokenPublic):
    """The one answer that has the token itself."""

    token: str
