"""What can be done with tasks. Rules and statements; nothing of HTTP."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update

from taskhold.errors import NotFound, VersionConflict
from taskhold.folding import fold_title
from taskhold.journal.models import Action
from taskhold.journal.operations import Author, cursor, record
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.tasks.models import Task, TaskCreate, TaskPublic, TaskUpdate

VersionTest = Callable[[int], bool]
"""Whether a task of this version may be changed."""

_task = table(Task).c
SHOWN = tuple(_task[name] for name in TaskPublic.model_fields)
"""The columns of a task as the API shows it, in its order."""

_OWNED = _task.owner_id == bindparam("owner_id")
_THIS = (_OWNED, _task.id == bindparam("id"))

GET = Query(select(*SHOWN).where(*_THIS))
CREATE = Query(
    insert(Task)
    .values(
        {
            name: bindparam(name)
            for name in (
                "owner_id",
                "title",
                "title_folded",
                "done",
                "created_at",
                "updated_at",
                "completed_at",
                "version",
            )
        }
    )
    .returning(*SHOWN)
)
UPDATE = Query(
    update(Task)
    .where(*_THIS)
    .values(
        {
            name: bindparam(name)
            for name in ("title", "title_folded", "done", "updated_at", "completed_at", "version")
        }
    )
    .returning(*SHOWN)
)
DELETE = Query(delete(Task).where(*_THIS))

SORT_KEYS: dict[str, tuple[Any, ...]] = {
    "id": (_task.id,),
    "created_at": (_task.created_at, _task.id),
    "updated_at": (_task.updated_at, _task.id),
    "title": (_task.title_folded, _task.title, _task.id),
}
"""What each order compares. All end in `id`, so that no two tasks are equal."""
POSITION_TYPES: dict[str, tuple[type, ...]] = {
    "id": (int,),
    "created_at": (datetime, int),
    "updated_at": (datetime, int),
    "title": (bool, str, int),
}
"""The types of a position in each order; JSON has a time as text. The one of `title` says whether
the title is folded yet, not how, which would be longer."""


async def get(tx: Tx, owner_id: int, task_id: int) -> Row:
    """The task. Raises NotFound."""
    task = await tx.one(GET, owner_id=owner_id, id=task_id)
    if task is None:
        raise NotFound("Task")
    return task


async def create(tx: Tx, author: Author, data: TaskCreate) -> Row:
    """The new task."""
    task = await tx.one(
        CREATE,
        owner_id=author.account_id,
        title=data.title,
        title_folded=fold_title(data.title),
        done=data.done,
        created_at=tx.now,
        updated_at=tx.now,
        completed_at=tx.now if data.done else None,
        version=1,
    )
    assert task is not None
    await record(tx, author, Action.create, task["id"], before=None, after=task)
    return task


async def change(
    tx: Tx, author: Author, task_id: int, changes: TaskUpdate, may_change: VersionTest
) -> Row:
    """The task with those fields changed that were sent; the same task where none differs.

    Raises NotFound and VersionConflict.
    """
    before = await _get_version(tx, author, task_id, may_change)
    after = before | changes.model_dump(exclude_unset=True)
    if after == before:
        return before
    if after["done"] != before["done"]:
        after["completed_at"] = tx.now if after["done"] else None
    task = await tx.one(
        UPDATE,
        owner_id=author.account_id,
        id=task_id,
        title=after["title"],
        title_folded=fold_title(after["title"]),
        done=after["done"],
        completed_at=after["completed_at"],
        updated_at=max(tx.now, before["updated_at"]),
        version=before["version"] + 1,
    )
    assert task is not None
    await record(tx, author, Action.update, task_id, before=before, after=task)
    return task


async def remove(tx: Tx, author: Author, task_id: int, may_change: VersionTest) -> None:
    """Take the task out of the table; the journal keeps it. Raises NotFound and VersionConflict."""
    before = await _get_version(tx, author, task_id, may_change)
    await record(tx, author, Action.delete, task_id, before=before, after=None)
    await tx.run(DELETE, owner_id=author.account_id, id=task_id)


class Listed(NamedTuple):
    """A page of tasks, and the `seq` of the newest change when it was read, or before."""

    seq: int
    tasks: list[Row] | None
    """None where the caller has them already."""
    next_position: list[Any] | None = None
    """Where the next page begins; None on the last."""


async def list_page(
    tx: Tx,
    owner_id: int,
    *,
    sort: str,
    done: bool | None,
    after: list[Any] | None,
    offset: int,
    limit: int,
    is_known: Callable[[int], bool],
) -> Listed:
    """Tasks in the order of `sort` (`-` in front: descending), behind `after` or `offset`.

    None at all if the caller knows the present `seq`. It is read first: should a write come
    between, it is older than the page, never newer.
    """
    seq = await cursor(tx, owner_id)
    if is_known(seq):
        return Listed(seq, None)
    query = _page_query(sort, done is not None, after is not None)
    parameters: dict[str, Any] = {"owner_id": owner_id, "limit": limit + 1, "offset": offset}
    if done is not None:
        parameters["done"] = done
    if after is not None and sort.endswith("title"):
        is_folded, title, task_id = after
        after = [fold_title(title) if is_folded else "", title, task_id]
    for number, value in enumerate(after or ()):
        parameters[f"after_{number}"] = value
    tasks = await tx.all(query, **parameters)
    keys = SORT_KEYS[sort.removeprefix("-")]
    next_position = None
    if len(tasks) > limit:
        del tasks[limit:]
        next_position = [tasks[-1][key.name] for key in keys]
        if sort.endswith("title"):
            next_position[0] = next_position[0] != ""
    for hidden in (key.name for key in keys if key not in SHOWN):
        for task in tasks:
            del task[hidden]
    return Listed(seq, tasks, next_position)


async def count(tx: Tx, owner_id: int, *, done: bool | None) -> int:
    """How many tasks there are."""
    parameters = {} if done is None else {"done": done}
    counted = await tx.one(_count_query(done is not None), owner_id=owner_id, **parameters)
    assert counted is not None
    number: int = counted["count"]
    return number


async def _get_version(tx: Tx, author: Author, task_id: int, may_change: VersionTest) -> Row:
    task = await get(tx, author.account_id, task_id)
    if not may_change(task["version"]):
        raise VersionConflict(task)
    return task


def _filters(by_done: bool) -> list[Any]:
    return [_OWNED, _task.done == bindparam("done")] if by_done else [_OWNED]


@lru_cache
def _page_query(sort: str, by_done: bool, continues: bool) -> Query:
    keys = SORT_KEYS[sort.removeprefix("-")]
    descends = sort.startswith("-")
    # What it compares comes with the row: asked for later, the row may have changed.
    hidden = (key for key in keys if key not in SHOWN)
    statement = select(*SHOWN, *hidden).where(*_filters(by_done))
    if continues:
        position = tuple_(
            *(bindparam(f"after_{number}", type_=key.type) for number, key in enumerate(keys))
        )
        statement = statement.where(
            tuple_(*keys) < position if descends else tuple_(*keys) > position
        )
    return Query(
        statement.order_by(*(key.desc() if descends else key.asc() for key in keys))
        .limit(bindparam("limit", type_=Id))
        .offset(bindparam("offset", type_=Id))
    )


@lru_cache
def _count_query(by_done: bool) -> Query:
    return Query(select(func.count().label("count")).where(*_filters(by_done)))
