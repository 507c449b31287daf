"""An account, as it is stored."""

from sqlalchemy import Column
from sqlmodel import Field

from taskhold.store.schema import Id, Stored

OPEN_ACCOUNT_ID = 1
"""Owns what is made in open mode; the first account takes its place, and its tasks with it."""


class Account(Stored, table=True):
    """Somebody who owns tasks, and the counter of their journal."""

    __tablename__ = "account"

    id: int | None = Field(default=None, sa_column=Column(Id, primary_key=True))
    seq: int = Field(default=0, sa_column=Column(Id, nullable=False, server_default="0"))
    """The `seq` of the account's newest journal row."""
