"""Writing the journal, and reading it."""

from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import bindparam, func, insert, select

from taskhold.errors import CursorGone, NotFound
from taskhold.journal.models import Action, Change
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id, table

_change = table(Change).c
_OWNED = _change.owner_id == bindparam("owner_id")
_COLUMNS = (
    "seq",
    "at",
    "actor",
    "action",
    "kind",
    "object_id",
    "before",
    "after",
    "operation",
    "key",
    "undoes",
)
_CHANGE = select(*(_change[name] for name in _COLUMNS)).where(_OWNED)

_NEWEST = func.coalesce(func.max(_change.seq), 0)
_next = select((_NEWEST + 1).label("seq")).where(_OWNED).subquery("next")
_GIVEN = ("owner_id", *(name for name in _COLUMNS if name not in ("seq", "operation")))

RECORD = Query(
    insert(Change).from_select(
        [*_GIVEN, "seq", "operation"],
        select(
            *(bindparam(name, type_=_change[name].type) for name in _GIVEN),
            _next.c.seq,
            _next.c.seq,
        ),
        include_defaults=False,
    )
)
"""Counts by itself: one writer at a time holds an account, and its newest row is never pruned."""
CURSOR = Query(select(_NEWEST.label("seq")).where(_OWNED))
OLDEST = Query(select(func.min(_change.seq).label("seq")).where(_OWNED))
AFTER = Query(
    _CHANGE.where(_change.seq > bindparam("after"))
    .order_by(_change.seq)
    .limit(bindparam("limit", type_=Id))
)
HISTORY = Query(
    _CHANGE.where(
        _change.kind == bindparam("kind"),
        _change.object_id == bindparam("object_id"),
        _change.seq < bindparam("before_seq"),
    )
    .order_by(_change.seq.desc())
    .limit(bindparam("limit", type_=Id))
    .offset(bindparam("offset", type_=Id))
)


class Author(NamedTuple):
    """Who writes, and under which Idempotency-Key."""

    account_id: int
    name: str
    key: str | None = None


async def record(
    tx: Tx, author: Author, action: Action, task_id: int, *, before: Row | None, after: Row | None
) -> None:
    """Journal what happens to a task, in the transaction in which it happens."""
    await tx.run(
        RECORD,
        owner_id=author.account_id,
        at=tx.now,
        actor=author.name,
        action=action.value,
        kind="task",
        object_id=task_id,
        before=before and to_json(before).decode(),
        after=after and to_json(after).decode(),
        key=author.key,
        undoes=None,
    )


async def cursor(tx: Tx, owner_id: int) -> int:
    """The `seq` of the account's newest change, 0 before the first."""
    found = await tx.one(CURSOR, owner_id=owner_id)
    assert found is not None
    seq: int = found["seq"]
    return seq


class Page(NamedTuple):
    """Some changes, and whether there are more."""

    changes: list[Row]
    cursor: int
    more: bool


async def changes_after(tx: Tx, owner_id: int, after: int | None, limit: int) -> Page:
    """The changes that follow `after`; none, and the present cursor, without it.

    Raises CursorGone for a cursor that this journal can't continue.
    """
    newest = await cursor(tx, owner_id)
    if after is None or after == newest:
        return Page([], newest, more=False)
    oldest = await tx.one(OLDEST, owner_id=owner_id)
    first_kept = oldest["seq"] if oldest and oldest["seq"] else newest + 1
    if after > newest or after < first_kept - 1:
        raise CursorGone("These changes can't be told any more; start over without a cursor.")
    rows = await tx.all(AFTER, owner_id=owner_id, after=after, limit=limit + 1)
    shown = rows[:limit]
    return Page(shown, shown[-1]["seq"], more=len(rows) > limit)


async def history(
    tx: Tx, owner_id: int, task_id: int, *, before_seq: int, offset: int, limit: int
) -> tuple[list[Row], bool]:
    """A task's changes, newest first, and whether there are older ones. Also after its deletion.

    Raises NotFound for a task that never was.
    """
    wanted: dict[str, Any] = {"owner_id": owner_id, "kind": "task", "object_id": task_id}
    rows = await tx.all(HISTORY, **wanted, before_seq=before_seq, offset=offset, limit=limit + 1)
    if not rows:
        newest = 2**63 - 1
        if not await tx.all(HISTORY, **wanted, before_seq=newest, offset=0, limit=1):
            raise NotFound("Task")
    return rows[:limit], len(rows) > limit
