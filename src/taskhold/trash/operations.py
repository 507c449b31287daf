"""What can be done with the trash."""

from collections.abc import Callable
from typing import Any

from pydantic_core import from_json
from sqlalchemy import bindparam, delete, select

from taskhold.accounts.models import RETENTION
from taskhold.errors import NotFound
from taskhold.journal import answers
from taskhold.journal.models import Action
from taskhold.journal.operations import BLANK, Author, Entry, cursor, record
from taskhold.store import Row, Tx, paging
from taskhold.store.paging import Listed
from taskhold.store.query import Query, stamp_before
from taskhold.store.schema import Id, table
from taskhold.tasks import operations as tasks
from taskhold.tasks import tree
from taskhold.tasks.models import whole
from taskhold.trash.models import TrashedTask

_trashed = table(TrashedTask).c
_OWNED = _trashed.owner_id == bindparam("owner_id")
_ROW = select(
    _trashed.task_id, _trashed.seq, _trashed.operation, _trashed.deleted_at, _trashed.body
).where(_OWNED)
_KEYS = (_trashed.operation, _trashed.seq)
_NEWEST_FIRST = [key.desc() for key in _KEYS]

FIND = Query(_ROW.where(_trashed.task_id == bindparam("task_id")))
OF_OPERATION = Query(
    _ROW.where(_trashed.operation == bindparam("operation")).order_by(*_NEWEST_FIRST)
)
DROP = Query(delete(TrashedTask).where(_OWNED, _trashed.task_id == bindparam("task_id")))
OLD = Query(
    _ROW.where(_trashed.deleted_at < bindparam("before"))
    .order_by(_trashed.operation, _trashed.seq)
    .limit(bindparam("limit", type_=Id))
)
FIRST_PAGE = paging.first_page(_ROW, _KEYS, descends=True)
PAGE_BEHIND = paging.page_behind(_ROW, _KEYS, paging.position_of(_KEYS), descends=True)


async def list_page(
    tx: Tx,
    owner_id: int,
    *,
    after: list[Any] | None,
    offset: int,
    limit: int,
    is_known: Callable[[int], bool],
) -> Listed:
    """What is in the trash, newest first, a parent before the subtasks that went with it.

    Nothing if the caller knows the present `seq`.
    """
    seq = await cursor(tx, owner_id)
    if is_known(seq):
        return Listed(seq, None)
    query = FIRST_PAGE if after is None else PAGE_BEHIND
    rows = await tx.all(query, owner_id=owner_id, **paging.place(after, offset, limit))
    next_position = paging.cut(rows, limit, _KEYS)
    shown = [task_in(row) | {"deleted_at": row["deleted_at"]} for row in rows]
    return Listed(seq, shown, next_position)


async def restore(tx: Tx, author: Author, task_id: int) -> Row:
    """The task, back under its id with the subtasks that went to the trash with it.

    At the top level where its parent is gone, and without a list where that is. Raises NotFound.
    """
    group = await _group(tx, author.account_id, task_id)
    root, *below = [task_in(row) for row in group]
    await find_place(tx, author.account_id, root, below)
    restored = await tasks.put_back(tx, author, [root, *below])
    await forget(tx, author, [row["task_id"] for row in group])
    return restored[0]


async def purge(tx: Tx, author: Author, task_id: int) -> None:
    """Forget the task, and the subtasks that went to the trash with it, for good.

    Its bodies are blanked in the journal and in the answers that are kept. Raises NotFound.
    """
    group = await _group(tx, author.account_id, task_id)
    await purge_rows(tx, author, group)


async def purge_rows(tx: Tx, author: Author, rows: list[Row]) -> None:
    """Forget these tasks for good."""
    owner_id = author.account_id
    await tx.many(BLANK, [{"owner_id": owner_id, "object_id": row["task_id"]} for row in rows])
    answered_since = stamp_before(tx.now, hours=2 * answers.KEPT_HOURS)
    for row in rows:
        if row["deleted_at"] > answered_since:  # else no answer that shows it is kept any more
            await answers.blank(tx, owner_id, row["task_id"])
    await forget(tx, author, [row["task_id"] for row in rows])
    await record(tx, author, *(Entry(Action.purge, row["task_id"], None, None) for row in rows))


async def has_old(tx: Tx, owner_id: int, before: str) -> bool:
    """Whether there are tasks that went to the trash before a time."""
    return bool(await tx.all(OLD, owner_id=owner_id, before=before, limit=1))


async def forget_old(tx: Tx, owner_id: int, before: str, limit: int) -> int:
    """Forget up to `limit` tasks that went to the trash before a time; how many."""
    rows = await tx.all(OLD, owner_id=owner_id, before=before, limit=limit)
    if rows:
        await purge_rows(tx, Author(owner_id, RETENTION), rows)
    return len(rows)


async def find_place(tx: Tx, owner_id: int, root: Row, below: list[Row]) -> None:
    """Put a task that comes back, and what is under it, where there is still room for it."""
    if root["parent_id"] is not None:
        line = await tree.line_of(tx, owner_id, root["parent_id"])
        if line and len(line) + 1 + tree.height(root["id"], below) <= tree.MOST_LEVELS:
            root["list_id"] = line[0]["list_id"]
        else:
            root["parent_id"] = None
    if root["list_id"] is not None and not await tree.list_exists(tx, owner_id, root["list_id"]):
        root["list_id"] = None
    for each in below:
        each["list_id"] = root["list_id"]


def task_in(row: Row) -> Row:
    """The task as it was. What its version of the API had no field for has the default."""
    return whole(from_json(row["body"]))


async def _group(tx: Tx, owner_id: int, task_id: int) -> list[Row]:
    """The task's row and those of its subtasks that went with it, parents first."""
    root = await tx.one(FIND, owner_id=owner_id, task_id=task_id)
    if root is None:
        raise NotFound("Task")
    rows = await tx.all(OF_OPERATION, owner_id=owner_id, operation=root["operation"])
    by_parent: dict[int | None, list[Row]] = {}
    for row in rows:
        by_parent.setdefault(task_in(row)["parent_id"], []).append(row)
    group = [root]
    for row in group:
        group += by_parent.get(row["task_id"], [])
    return group


async def forget(tx: Tx, author: Author, task_ids: list[int]) -> None:
    """Take tasks out of the trash, wherever they go."""
    await tx.many(DROP, [{"owner_id": author.account_id, "task_id": each} for each in task_ids])
