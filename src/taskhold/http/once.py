"""No double write: a request with an Idempotency-Key has its effect once.

What it answered is kept for 24 hours, in the transaction of its effect, so the answer exists
exactly if the effect does. Only a 2xx gets that far: a failure rolls both back and frees the key.
(draft-ietf-httpapi-idempotency-key-header-07)
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header
from sqlalchemy import Column, ForeignKey, Index, Text, bindparam, delete, insert, select
from sqlmodel import Field

from taskhold.accounts.access import CurrentUser, User
from taskhold.errors import InvalidKey, KeyMismatch, OutcomeUnknown, Unavailable, VersionConflict
from taskhold.http.answers import Answer
from taskhold.http.conditional import Tags
from taskhold.http.request import Request
from taskhold.http.store import StoreDep
from taskhold.journal.operations import Author
from taskhold.store import Operation, Store, Tx
from taskhold.store.query import Query, stamp_before
from taskhold.store.schema import Id, Stored, UTCDateTime, table

KEPT_HOURS = 24
_PRUNED_AT_ONCE = 20
_SETTLED_WITHIN_SECONDS = 5.5
_KEY = re.compile(r"[!-~]{1,255}")
"""Visible ASCII, RFC 5234's VCHAR."""
_REPLAYED = (b"idempotent-replayed", b"true")

Render = Callable[[Any, Tags], Answer]
"""Turns an operation's result into the answer."""


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
PRUNE = Query(
    delete(KeptAnswer).where(
        _MINE,
        _kept.key.in_(
            select(_kept.key)
            .where(_MINE, _kept.at <= bindparam("since"))
            .order_by(_kept.at)
            .limit(_PRUNED_AT_ONCE)
        ),
    )
)


class KeyedWrite:
    """Runs an operation in one transaction, under the request's key if it has one."""

    def __init__(self, request: Request, user: User, store: Store, key: str | None) -> None:
        self._request = request
        self._author = Author(user.id, user.name, key)
        self._store = store

    async def __call__(self, render: Render, operation: Operation[..., Any], *args: Any) -> Answer:
        try:
            return await self._settle(render, operation, args)
        except VersionConflict as conflict:
            tags = Tags(self._store.lineage, self._author.account_id)
            conflict.headers["ETag"] = f'"{tags.of(conflict.current["version"])}"'
            raise

    async def _settle(
        self, render: Render, operation: Operation[..., Any], args: tuple[Any, ...]
    ) -> Answer:
        """Write; once more where the outcome is unknown: the key tells whether it was done."""
        began = asyncio.get_running_loop().time()
        try:
            return await self._write(render, operation, args)
        except OutcomeUnknown as unknown:
            if self._author.key is None:
                raise
            try:
                async with asyncio.timeout_at(began + _SETTLED_WITHIN_SECONDS):
                    return await self._write(render, operation, args)
            except (TimeoutError, Unavailable):
                raise unknown from None

    async def _write(
        self, render: Render, operation: Operation[..., Any], args: tuple[Any, ...]
    ) -> Answer:
        return await self._store.write(self._author.account_id, self._run, render, operation, args)

    async def _run(
        self, tx: Tx, render: Render, operation: Operation[..., Any], args: tuple[Any, ...]
    ) -> Answer:
        tags = Tags(self._store.lineage, self._author.account_id)
        if self._author.key is None:
            return render(await operation(tx, self._author, *args), tags)
        mine = {"owner_id": self._author.account_id, "key": self._author.key}
        since = stamp_before(tx.now, hours=KEPT_HOURS)
        request = self._fingerprint()
        kept = await tx.one(FIND, **mine, since=since)
        if kept is not None:
            if kept["request"] != request:
                raise KeyMismatch("This Idempotency-Key was used for another request.")
            return _from_kept(kept)
        answer = render(await operation(tx, self._author, *args), tags)
        await tx.run(PRUNE, owner_id=self._author.account_id, since=since)
        await tx.run(KEEP, **mine, at=tx.now, request=request, **_to_keep(answer))
        return answer

    def _fingerprint(self) -> str:
        scope = self._request.scope
        parts = (scope["method"].encode(), scope["path"].encode(), self._request.content)
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _to_keep(answer: Answer) -> dict[str, Any]:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
    return {
        "status": answer.status,
        "headers": json.dumps(headers),
        "body": answer.body.decode(),
    }


def _from_kept(kept: dict[str, Any]) -> Answer:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in json.loads(kept["headers"])
    ]
    return Answer(kept["status"], kept["body"].encode(), [*headers, _REPLAYED])


def keyed_write(
    request: Request,
    user: CurrentUser,
    store: StoreDep,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Makes it safe to send the request again: for 24 hours it has its effect "
            "once, and each repeat gets the first answer.",
            json_schema_extra={
                "pattern": "^[!-~]{1,255}$",
                "examples": ["5f1c7d0e-3f0a-4b5e-9a51-0f6f3c1f9f10"],
            },
        ),
    ] = None,
) -> KeyedWrite:
    """Raises InvalidKey for a key that is not 1 to 255 visible ASCII characters."""
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidKey("An Idempotency-Key is 1 to 255 visible ASCII characters, sent once.")
    return KeyedWrite(request, user, store, key)


Write = Annotated[KeyedWrite, Depends(keyed_write)]
