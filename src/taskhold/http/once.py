"""No double write: a request with an Idempotency-Key has its effect once.

What it answered is kept with its effect (`journal.answers`). Only a 2xx gets that far: a failure
rolls both back and frees the key.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header

from taskhold.accounts.access import CurrentUser, User
from taskhold.errors import (
    InvalidKey,
    KeyMismatch,
    OutcomeUnknown,
    Purged,
    Unavailable,
    VersionConflict,
)
from taskhold.http.answers import Answer
from taskhold.http.conditional import Tags, state_of
from taskhold.http.request import Request
from taskhold.http.store import StoreDep
from taskhold.journal import answers
from taskhold.journal.answers import BLANKED, FIND, KEEP, KEPT_HOURS
from taskhold.journal.operations import Author
from taskhold.store import Operation, Store, Tx
from taskhold.store.query import stamp_before

_SETTLED_WITHIN_SECONDS = 5.5
_KEY = re.compile(r"[!-~]{1,255}")
"""Visible ASCII, RFC 5234's VCHAR."""
_REPLAYED = (b"idempotent-replayed", b"true")

Render = Callable[[Any, Tags], Answer]
"""Turns an operation's result into the answer."""


class KeyedWrite:
    """Runs an operation in one transaction, under the request's key if it has one."""

    def __init__(
        self, request: Request, user: User, store: Store, key: str | None, *, is_long: bool = False
    ) -> None:
        self._request = request
        self._user = user
        self._key = key
        self._store = store
        self._store_write = store.write_long if is_long else store.write

    async def __call__(self, render: Render, operation: Operation[..., Any], *args: Any) -> Answer:
        try:
            return await self._settle(render, operation, args)
        except VersionConflict as conflict:
            tags = self._tags()
            conflict.headers["ETag"] = f'"{tags.of(state_of(conflict.current))}"'
            raise

    async def _settle(
        self, render: Render, operation: Operation[..., Any], args: tuple[Any, ...]
    ) -> Answer:
        """Write; once more where the outcome is unknown: the key tells whether it was done."""
        began = asyncio.get_running_loop().time()
        try:
            return await self._write(render, operation, args)
        except OutcomeUnknown as unknown:
            if self._key is None:
                raise
            try:
                async with asyncio.timeout_at(began + _SETTLED_WITHIN_SECONDS):
                    return await self._write(render, operation, args)
            except (TimeoutError, Unavailable):
                raise unknown from None

    async def _write(
        self, render: Render, operation: Operation[..., Any], args: tuple[Any, ...]
    ) -> Answer:
        return await self._store_write(self._user.id, self._run, render, operation, args)

    async def _run(
        self, tx: Tx, render: Render, operation: Operation[..., Any], args: tuple[Any, ...]
    ) -> Answer:
        author = Author(self._user.id, self._user.name, self._key)
        if self._key is None:
            return render(await operation(tx, author, *args), self._tags())
        mine = {"owner_id": self._user.id, "key": self._key}
        since = stamp_before(tx.now, hours=KEPT_HOURS)
        request = self._fingerprint()
        kept = await tx.one(FIND, **mine, since=since)
        if kept is not None:
            if kept["request"] != request:
                raise KeyMismatch("This Idempotency-Key was used for another request.")
            return _from_kept(kept)
        answer = render(await operation(tx, author, *args), self._tags())
        await answers.forget(tx, self._user.id, since, answers.FORGOTTEN_AT_ONCE)
        await tx.run(KEEP, **mine, at=tx.now, request=request, **_to_keep(answer))
        return answer

    def _tags(self) -> Tags:
        return Tags(self._store.lineage, self._user.id)

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
    if kept["status"] == BLANKED:
        raise Purged("This was done, but what the answer showed has been purged since.")
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in json.loads(kept["headers"])
    ]
    return Answer(kept["status"], kept["body"].encode(), [*headers, _REPLAYED])


IdempotencyKey = Annotated[
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
]


def keyed_write(
    request: Request, user: CurrentUser, store: StoreDep, key: IdempotencyKey = None
) -> KeyedWrite:
    """Raises InvalidKey for a key that is not 1 to 255 visible ASCII characters."""
    return KeyedWrite(request, user, store, _checked(key))


def long_keyed_write(
    request: Request, user: CurrentUser, store: StoreDep, key: IdempotencyKey = None
) -> KeyedWrite:
    """The same for an operation that may touch many rows."""
    return KeyedWrite(request, user, store, _checked(key), is_long=True)


Write = Annotated[KeyedWrite, Depends(keyed_write)]
LongWrite = Annotated[KeyedWrite, Depends(long_keyed_write)]


def _checked(key: str | None) -> str | None:
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidKey("An Idempotency-Key is 1 to 255 visible ASCII characters, sent once.")
    return key
