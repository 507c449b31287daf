"""A session, the browsers that are known, and the attempts that failed."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Identity, Index, Text
from sqlmodel import Field, SQLModel

from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime


class Session(Stored, table=True):
    """Somebody logged in with a browser."""

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_account", "account_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
    account_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), nullable=False))
    fingerprint: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    """The SHA-256 of what its cookie says."""
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    last_used_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    """The end, however often it is used."""
    client: str = Field(sa_column=Column(Text, nullable=False))
    """What the browser calls itself."""


class Browser(Stored, table=True):
    """A browser that has logged in to an account before; strangers don't use up its attempts."""

    __tablename__ = "browser"

    account_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), primary_key=True))
    fingerprint: str = Field(sa_column=Column(Text, primary_key=True))
    last_used_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class LoginAttempt(Stored, table=True):
    """A login that is being looked at or has failed; those that succeed are taken out again."""

    __tablename__ = "login_attempt"
    __table_args__ = (
        Index("ix_login_attempt_who", "who", "at"),
        Index("ix_login_attempt_address", "address", "at"),
        Index("ix_login_attempt_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    who: str = Field(sa_column=Column(Text, nullable=False))
    """The SHA-256 of the name, with the browser where that is known."""
    address: str = Field(sa_column=Column(Text, nullable=False))


class SessionPublic(SQLModel):
    """A session as its owner sees it."""

    id: int = Field(ge=1)
    created_at: Stamp
    last_used_at: Stamp
    expires_at: Stamp
    client: str = Field(description="What the browser calls itself.")
    current: bool = Field(description="Whether this request came with it.")
