"""An account, as it is stored."""

from sqlalchemy import Column, Identity
from sqlmodel import Field

from taskhold.store.schema import Id, Stored

OPEN_ACCOUNT_ID = 1
"""Owns what is made in open mode; the first account takes its place, and its tasks with it."""


class Account(Stored, table=True):
    """Somebody who owns tasks."""

    __tablename__ = "account"

    id: int | None = Field(default=None, sa_column=Column(Id, Identity(), primary_key=True))
