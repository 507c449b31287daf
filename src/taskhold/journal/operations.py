"""Writing the journal, and reading it."""

from itertools import takewhile
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from taskhold.encoding import as_json
from taskhold.errors import CursorGone
from taskhold.journal.models import Action, Change, Kind
from taskhold.store import Row, Statement, Tx
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
CHANGE = select(*(_change[name] for name in _COLUMNS)).where(_OWNED)

_newest = func.coalesce(func.max(_change.seq), 0)
_next = select((_newest + 1).label("seq")).where(_OWNED).subquery("next")
_GIVEN = ("owner_id", *(name for name in _COLUMNS if name not in ("seq", "operation")))

RECORD = Query(
    insert(Change)
    .from_select(
        [*_GIVEN, "seq", "operation"],
        select(
            *(bindparam(name, type_=_change[name].type) for name in _GIVEN),
            _next.c.seq,
            _next.c.seq,
        ),
        include_defaults=False,
    )
    .returning(_change.seq)
)
"""Counts by itself: one writer at a time holds an account, and its newest row is never pruned."""
RECORD_NEXT = Query(
    insert(Change).values({name: bindparam(name) for name in ("owner_id", *_COLUMNS)})
)
NEWEST = select(_newest.label("seq")).where(_OWNED)
CURSOR = Query(NEWEST)
OLDEST = Query(select(func.min(_change.seq).label("seq")).where(_OWNED))
AFTER = Query(
    CHANGE.where(_change.seq > bindparam("after"))
    .order_by(_change.seq)
    .limit(bindparam("limit", type_=Id))
)
BLANK = Query(
    update(Change)
    .where(
        _OWNED,
        _change.kind == "task",
        _change.object_id == bindparam("object_id"),
    )
    .values(before=None, after=None)
)
HISTORY = Query(
    CHANGE.where(
        _change.kind == bindparam("kind"),
        _change.object_id == bindparam("object_id"),
        _change.seq < bindparam("before_seq"),
    )
    .order_by(_change.seq.desc())
    .limit(bindparam("limit", type_=Id))
    .offset(bindparam("offset", type_=Id))
)


OLD = Query(
    select(_change.seq, _change.at)
    .where(_OWNED)
    .order_by(_change.seq)
    .limit(bindparam("limit", type_=Id))
)
FORGET = Query(delete(Change).where(_OWNED, _change.seq <= bindparam("last")))


class Author:
    """Who writes in one transaction, under which Idempotency-Key, and what they have journaled."""

    __slots__ = ("account_id", "key", "name", "newest", "operation", "undoes")

    def __init__(
        self, account_id: int, name: str, key: str | None = None, undoes: int | None = None
    ) -> None:
        self.account_id = account_id
        self.name = name
        self.key = key
        self.undoes = undoes
        self.operation: int | None = None
        """The `seq` of the first change of this transaction."""
        self.newest = 0
        """The `seq` of its last one."""


class Entry(NamedTuple):
    """What happens to one object."""

    action: Action
    object_id: int
    before: Row | None
    after: Row | None
    kind: Kind = "task"


async def record(tx: Tx, author: Author, *entries: Entry, beside: Statement | None = None) -> None:
    """Journal what happens, in its transaction; `beside` is what makes a single entry happen."""
    if not entries:
        return
    if author.operation is None and len(entries) == 1:
        row = _as_row(tx, author, entries[0])
        recorded = await (tx.one_beside(beside, RECORD, **row) if beside else tx.one(RECORD, **row))
        assert recorded is not None
        author.operation = author.newest = recorded["seq"]
        return
    if author.operation is None:
        author.newest = await cursor(tx, author.account_id)
        author.operation = author.newest + 1
    rows = [
        _as_row(tx, author, entry) | {"seq": seq, "operation": author.operation}
        for seq, entry in enumerate(entries, author.newest + 1)
    ]
    author.newest += len(rows)
    if beside:
        await tx.one_beside(beside, RECORD_NEXT, **rows[0])
    else:
        await tx.many(RECORD_NEXT, rows)


def _as_row(tx: Tx, author: Author, entry: Entry) -> Row:
    return {
        "owner_id": author.account_id,
        "at": tx.now,
        "actor": author.name,
        "action": entry.action.value,
        "kind": entry.kind,
        "object_id": entry.object_id,
        "before": entry.before and as_json(entry.before).decode(),
        "after": entry.after and as_json(entry.after).decode(),
        "key": author.key,
        "undoes": author.undoes,
    }


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
) -> list[Row]:
    """A task's changes, newest first. Also after its deletion."""
    return await tx.all(
        HISTORY,
        owner_id=owner_id,
        kind="task",
        object_id=task_id,
        before_seq=before_seq,
        offset=offset,
        limit=limit,
    )


async def has_old(tx: Tx, owner_id: int, before: str) -> bool:
    """Whether there are changes from before a time, beside the newest of all."""
    oldest = await tx.all(OLD, owner_id=owner_id, limit=2)
    return len(oldest) == 2 and oldest[0]["at"] < before


async def forget(tx: Tx, owner_id: int, before: str, limit: int) -> int:
    """Forget up to `limit` of the oldest changes, if they are from before a time; how many.

    The newest of all stays: the next one is counted from it.
    """
    newest = await cursor(tx, owner_id)
    oldest = await tx.all(OLD, owner_id=owner_id, limit=limit)
    old = list(takewhile(lambda row: row["at"] < before and row["seq"] < newest, oldest))
    return await tx.run(FORGET, owner_id=owner_id, last=old[-1]["seq"]) if old else 0
