"""Undoing an operation, by what the journal says it did: all of it, or nothing.

A later change is in the way if it has touched the same fields; one that was itself undone since
is not, so that a client can undo step by step. What an undo writes is an operation like any
other, so undoing that one does it again.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from pydantic_core import from_json
from sqlalchemy import bindparam, select

from taskhold.errors import NotFound, Purged, UndoConflict, Validation
from taskhold.journal.models import Action, Change
from taskhold.journal.operations import CHANGE, Author, cursor
from taskhold.lists import operations as lists
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.tasks import operations as tasks
from taskhold.tasks import rows, tree
from taskhold.tasks.models import DEFAULTS, whole
from taskhold.trash.operations import find_place, forget

_COUNTED = frozenset({"version", "created_at", "updated_at", "completed_at", "open_count"})
"""What changes with everything, and is no field that anybody touches."""
_AT_ONCE = 1_000
_GONE = "This is not in the journal any more, or what it changed was purged."

_change = table(Change).c
FROM = Query(
    CHANGE.where(_change.seq >= bindparam("seq"))
    .order_by(_change.seq)
    .limit(bindparam("limit", type_=Id))
)
LATER = Query(
    CHANGE.where(
        _change.kind == bindparam("kind"),
        _change.object_id == bindparam("object_id"),
        _change.seq > bindparam("after"),
    ).order_by(_change.seq.desc())
)
A_TASK_OF_LIST = Query(
    select(rows.task.id).where(rows.OWNED, rows.task.list_id == bindparam("list_id")).limit(1)
)


async def undo(tx: Tx, author: Author, seq: int) -> list[Row]:
    """Reverse the operation that the change `seq` belongs to; the changes that this made.

    Raises NotFound for a change that never was, Purged, and UndoConflict.
    """
    operation = await _operation_of(tx, author.account_id, seq)
    author.undoes = operation[0]["operation"]
    for change in operation:
        newest = await _check(tx, author.account_id, change, operation[-1]["seq"])
        change["newest"] = newest or change
    moved: set[int] = set()
    for reverse, changes in _steps(reversed(operation)):
        moved.update(await reverse(tx, author, changes) or ())
    # Not before: a step may have put back what is under a task, and the task not yet.
    for task_id in sorted(moved):
        if task := await tx.one(rows.GET, owner_id=author.account_id, id=task_id):
            await _check_place(tx, author, task)
    if author.operation is None:
        return []
    return await _rows_of(tx, author.account_id, author.operation)


async def _operation_of(tx: Tx, owner_id: int, seq: int) -> list[Row]:
    found = await tx.all(FROM, owner_id=owner_id, seq=seq, limit=1)
    if not found or found[0]["seq"] != seq:
        if seq > await cursor(tx, owner_id):
            raise NotFound("Change")
        raise Purged(_GONE)
    first = found[0]["operation"]
    operation = await _rows_of(tx, owner_id, first)
    if not operation or operation[0]["seq"] != first:  # pruned in part
        raise Purged(_GONE)
    return operation


async def _rows_of(tx: Tx, owner_id: int, operation: int) -> list[Row]:
    """The changes of one operation. Its first one has its number, and they follow each other."""
    found: list[Row] = []
    seq = operation
    while True:
        some = await tx.all(FROM, owner_id=owner_id, seq=seq, limit=_AT_ONCE)
        found += [row for row in some if row["operation"] == operation]
        if len(some) < _AT_ONCE or some[-1]["operation"] != operation:
            return found
        seq = some[-1]["seq"] + 1


# Whether it can be undone


async def _check(tx: Tx, owner_id: int, change: Row, last: int) -> Row | None:
    """The newest of the later changes of the same object.

    Raises Purged and UndoConflict where a change can't be reversed any more.
    """
    if change["before"] is None and change["after"] is None:
        raise Purged(_GONE)
    later = await tx.all(
        LATER, owner_id=owner_id, kind=change["kind"], object_id=change["object_id"], after=last
    )
    if any(each["action"] == Action.purge for each in later):
        raise Purged(_GONE)
    mine = _fields(change)
    for each, touched in _touches(later, change["operation"]):
        if mine is None or touched is None or mine & touched:
            raise UndoConflict(_shown(each))
    return later[0] if later else None


def _touches(later: list[Row], operation: int) -> Iterator[tuple[Row, frozenset[str] | None]]:
    """Later changes that still hold, newest first, each with its fields; None for all of them."""
    undone = set()
    restored: Row | None = None
    for change in later:
        if change["operation"] in undone:
            continue
        if change["undoes"] is not None:
            undone.add(change["undoes"])
            if change["undoes"] > operation:
                continue
        if change["action"] == Action.restore and change["undoes"] is None:
            restored = change
        elif change["action"] == Action.delete and restored is not None:
            yield restored, _difference(change["before"], restored["after"])
            restored = None
        else:
            yield change, _fields(change)
    if restored is not None:
        yield restored, None


def _fields(change: Row) -> frozenset[str] | None:
    """The fields that a change touches; None where it makes or removes the whole object."""
    if change["action"] != Action.update:
        return None
    return _difference(change["before"], change["after"])


def _difference(before: str, after: str) -> frozenset[str]:
    old, new = DEFAULTS | from_json(before), DEFAULTS | from_json(after)
    return frozenset(name for name in new if old.get(name) != new[name]) - _COUNTED


def _shown(change: Row) -> dict[str, Any]:
    """A change without its bodies, as a problem tells it."""
    return {
        "seq": change["seq"],
        "at": change["at"],
        "actor": change["actor"],
        "action": change["action"],
        "kind": change["kind"],
        "id": change["object_id"],
        "operation": change["operation"],
    }


async def _conflict(tx: Tx, author: Author, kind: str, object_id: int) -> UndoConflict:
    """A conflict with the newest change of another object."""
    (newest, *_) = await tx.all(
        LATER, owner_id=author.account_id, kind=kind, object_id=object_id, after=0
    ) or [{"seq": 0, "at": None, "actor": None, "action": None, "operation": 0}]
    return UndoConflict(_shown({"kind": kind, "object_id": object_id} | newest))


# Undoing it


def _steps(changes: Iterable[Row]) -> Iterator[tuple[Any, list[Row]]]:
    """Changes that can be reversed together, with how; each object once in each step."""
    for reverse, group in groupby(changes, key=_reversal):
        step: list[Row] = []
        seen: set[int] = set()
        for change in group:
            if change["object_id"] in seen:
                yield reverse, step
                step, seen = [], set()
            step.append(change)
            seen.add(change["object_id"])
        yield reverse, step


def _reversal(change: Row) -> Any:
    if change["action"] == Action.update:
        return _change_lists_back if change["kind"] == "list" else _change_tasks_back
    if change["action"] == Action.delete:
        return _put_lists_back if change["kind"] == "list" else _put_tasks_back
    return _remove_lists if change["kind"] == "list" else _remove_tasks


async def _change_tasks_back(tx: Tx, author: Author, changes: list[Row]) -> set[int]:
    """The ids of those that stand elsewhere now."""
    pairs = []
    for change in changes:
        now = await tasks.get(tx, author.account_id, change["object_id"])
        before = DEFAULTS | from_json(change["before"])
        fields = _difference(change["before"], change["after"])
        then = now | {name: before[name] for name in fields}
        if "done" in fields:
            then["completed_at"] = before["completed_at"]
        pairs.append((now, then))
    await tasks.save(tx, author, pairs)
    moved = [then for now, then in pairs if _place(now) != _place(then)]
    moved_ids = {task["id"] for task in moved}
    along = {
        each["id"]: (each, each | {"list_id": task["list_id"]})
        for task in moved
        for each in await tree.descendants(tx, author.account_id, task["id"])
        if each["id"] not in moved_ids and each["list_id"] != task["list_id"]
    }
    await tasks.save(tx, author, list(along.values()))
    return moved_ids


async def _check_place(tx: Tx, author: Author, task: Row) -> None:
    """Raises UndoConflict where a task would stand where it can't."""
    owner_id, parent_id, list_id = author.account_id, task["parent_id"], task["list_id"]
    try:
        below = await tree.descendants(tx, owner_id, task["id"])
        await tree.check_place(tx, owner_id, dict(task), {"list_id": list_id}, below)
    except Validation as problem:
        if parent_id is None or problem.errors[0].field == "list_id":
            raise await _conflict(tx, author, "list", list_id) from None
        raise await _conflict(tx, author, "task", parent_id) from None


async def _put_tasks_back(tx: Tx, author: Author, changes: list[Row]) -> None:
    gone = [whole(_deleted(change)) for change in changes]
    ids = {task["id"] for task in gone}
    for root in gone:
        if root["parent_id"] not in ids:
            await find_place(tx, author.account_id, root, _below(root, gone))
    await tasks.put_back(tx, author, gone)
    await forget(tx, author, [task["id"] for task in gone])


def _below(root: Row, parents_first: list[Row]) -> list[Row]:
    ids = {root["id"]}
    found = []
    for task in parents_first:
        if task["parent_id"] in ids:
            ids.add(task["id"])
            found.append(task)
    return found


async def _remove_tasks(tx: Tx, author: Author, changes: list[Row]) -> None:
    ids = {change["object_id"] for change in changes}
    present = []
    for change in reversed(changes):  # parents first
        present.append(await tasks.get(tx, author.account_id, change["object_id"]))
        for each in await tree.descendants(tx, author.account_id, change["object_id"]):
            if each["id"] not in ids:
                raise await _conflict(tx, author, "task", each["id"])
    await tasks.trash(tx, author, present)


async def _change_lists_back(tx: Tx, author: Author, changes: list[Row]) -> None:
    for change in changes:
        now = await lists.get(tx, author.account_id, change["object_id"])
        before = from_json(change["before"])
        fields = _difference(change["before"], change["after"])
        await lists.save(tx, author, now, now | {name: before[name] for name in fields})


async def _put_lists_back(tx: Tx, author: Author, changes: list[Row]) -> None:
    for change in changes:
        await lists.put_back(tx, author, _deleted(change))


def _deleted(change: Row) -> Row:
    """What a change deleted, with the version that it had last.

    It may have been back and deleted again since; no version may be given twice.
    """
    deleted: Row = from_json(change["before"])
    last = from_json(change["newest"]["before"])
    return deleted | {name: last[name] for name in ("version", "updated_at")}


async def _remove_lists(tx: Tx, author: Author, changes: list[Row]) -> None:
    for change in changes:
        list_id = change["object_id"]
        task = await tx.one(A_TASK_OF_LIST, owner_id=author.account_id, list_id=list_id)
        if task is not None:
            raise await _conflict(tx, author, "task", task["id"])
        await lists.drop(tx, author, await lists.get(tx, author.account_id, list_id))


def _place(task: Row) -> tuple[Any, Any]:
    return task["list_id"], task["parent_id"]
