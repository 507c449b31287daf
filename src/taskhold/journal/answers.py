"""Answers that are kept, so that a request with an Idempotency-Key has its effect once.

They are kept for 24 hours, in the transaction of their effect, so the answer exists exactly if
the effect does (draft-ietf-httpapi-idempotency-key-header-07).
"""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Text, bindparam, delete, insert, select, update
from sqlmodel import Field

from taskhold.store import Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id, Stored, UTCDateTime, table

KEPT_HOURS = 24
FORGOTTEN_AT_ONCE = 20
"""Old answers that a new one takes the place of."""
BLANKED = 410
"""The status of an answer whose body is gone, since what it showed was purged."""


class KeptAnswer(Stored, table=True):
    """The answer to a request that came with a key."""

    __tablename__ = "kept_answer"
    __table_args__ = (Index("ix_kept_answer_at", "owner_id", "at"),)

    owner_id: int = Field(sa_column=Column(Id, ForeignKey("account.id"), primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    request: str = Field(sa_column=Column(Text, nullable=False))
    """The SHA-256 of method, path and body."""
    status: int
    headers: str = Field(sa_column=Column(Text, nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))


_kept = table(KeptAnswer).c
_MINE = _kept.owner_id == bindparam("owner_id")
FIND = Query(
    select(_kept.request, _kept.status, _kept.headers, _kept.body).where(
        _MINE, _kept.key == bindparam("key"), _kept.at > bindparam("since")
    )
)
KEEP = Query(
    insert(KeptAnswer).values(
        {
            name: bindparam(name)
            for name in ("owner_id", "key", "at", "request", "status", "headers", "body")
        }
    )
)
_OLDEST = select(_kept.key).where(_MINE, _kept.at <= bindparam("since")).order_by(_kept.at)
OLD = Query(_OLDEST.limit(1))
PRUNE = Query(
    delete(KeptAnswer).where(
        _MINE,
        _kept.key.in_(_OLDEST.limit(bindparam("limit", type_=Id))),
    )
)
BLANK = Query(
    update(KeptAnswer)
    .where(_MINE, _kept.body.like(bindparam("pattern")))
    .values(status=BLANKED, headers="[]", body="")
)


async def has_old(tx: Tx, owner_id: int, before: str) -> bool:
    """Whether there are answers from before a time."""
    return await tx.one(OLD, owner_id=owner_id, since=before) is not None


async def forget(tx: Tx, owner_id: int, before: str, limit: int) -> int:
    """Forget up to `limit` answers that have had their time; how many."""
    return await tx.run(PRUNE, owner_id=owner_id, since=before, limit=limit)


async def blank(tx: Tx, owner_id: int, task_id: int) -> None:
    """Forget the bodies of all answers that show the task; quotes in a text come escaped."""
    await tx.run(BLANK, owner_id=owner_id, pattern=f'%{{"id":{task_id},"title":%')
