"""An entry of the audit trail."""

from datetime import datetime

from sqlalchemy import Column, Identity, Text
from sqlmodel import Field, SQLModel

from taskhold.store.schema import Id, Stamp, Stored, UTCDateTime


class AuditEntry(Stored, table=True):
    """Something that happened to an account, or was tried. Never a secret."""

    __tablename__ = "audit_entry"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))
    actor: str | None = Field(default=None, sa_column=Column(Text))
    """Who did it; null where nobody was logged in."""
    account: str | None = Field(default=None, sa_column=Column(Text))
    """Whose account; null where there is none of that name."""
    address: str | None = Field(default=None, sa_column=Column(Text))
    """Where the request came from; null for a command."""
    detail: str | None = Field(default=None, sa_column=Column(Text))


class AuditEntryPublic(SQLModel):
    """What happened, to whom, by whom and from where."""

    id: int = Field(ge=1)
    at: Stamp
    action: str = Field(schema_extra={"examples": ["login"]})
    actor: str | None
    account: str | None
    address: str | None
    detail: str | None
