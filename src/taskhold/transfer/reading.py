"""What an export reads, a page at a time, all of it of one moment."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import from_json
from sqlalchemy import bindparam, func, select

from taskhold.journal.models import Change
from taskhold.journal.operations import CHANGE
from taskhold.lists.models import TaskList
from taskhold.store import Row, Tx, paging
from taskhold.store.query import Query
from taskhold.store.schema import Id, Stored, table
from taskhold.store.search import AmongMany
from taskhold.tasks import rows
from taskhold.tasks.models import Task, whole
from taskhold.transfer import keys
from taskhold.transfer.operations import KEYS_OF, SOME_TASKS
from taskhold.trash.models import TrashedTask

AT_ONCE = 500
_list = table(TaskList).c
_trashed = table(TrashedTask).c
_change = table(Change).c
_LIMIT = bindparam("limit", type_=Id)
_MY_LIST = _list.owner_id == bindparam("owner_id")
_LIST = (
    *(_list.id, _list.name, _list.archived, _list.created_at, _list.updated_at, _list.version),
)
_TRASHED = select(_trashed.seq, _trashed.operation, _trashed.deleted_at, _trashed.body).where(
    _trashed.owner_id == bindparam("owner_id")
)
_TRASH_KEYS = (_trashed.operation, _trashed.seq)
_BY_PLACE = (rows.task.position, rows.task.id)

LISTS = Query(
    select(*_LIST).where(_MY_LIST, _list.id > bindparam("after")).order_by(_list.id).limit(_LIMIT)
)
TASKS = Query(
    select(*rows.SHOWN)
    .where(rows.OWNED, rows.task.id > bindparam("after"))
    .order_by(rows.task.id)
    .limit(_LIMIT)
)
TRASH = paging.first_page(_TRASHED, _TRASH_KEYS, descends=False)
TRASH_BEHIND = paging.page_behind(
    _TRASHED, _TRASH_KEYS, paging.position_of(_TRASH_KEYS), descends=False
)
CHANGES = Query(CHANGE.where(_change.seq > bindparam("after")).order_by(_change.seq).limit(_LIMIT))
WITH_SUBTASKS = Query(
    select(rows.task.parent_id).where(rows.OWNED, AmongMany(rows.task.parent_id, "ids")).distinct()
)


def _count(model: type[Stored]) -> Query:
    owner_id = table(model).c.owner_id
    return Query(select(func.count().label("count")).where(owner_id == bindparam("owner_id")))


_COUNTS = {"list": _count(TaskList), "task": _count(Task), "trash": _count(TrashedTask)}
_COUNT_OF_CHANGES = _count(Change)


def _in_list(where: Any) -> tuple[Query, Query]:
    statement = select(*rows.SHOWN).where(rows.OWNED, where)
    return (
        paging.first_page(statement, _BY_PLACE, descends=False),
        paging.page_behind(statement, _BY_PLACE, paging.position_of(_BY_PLACE), descends=False),
    )


IN_LIST = _in_list(rows.task.list_id == bindparam("list_id"))
WITHOUT_LIST = _in_list(rows.task.list_id.is_(None))


async def counts(tx: Tx, owner_id: int, *, with_journal: bool) -> dict[str, int]:
    """How many lists, tasks, tasks in the trash, and changes there are."""
    wanted = _COUNTS | ({"change": _COUNT_OF_CHANGES} if with_journal else {})
    counted = {}
    for kind, query in wanted.items():
        found = await tx.one(query, owner_id=owner_id)
        assert found is not None
        counted[kind] = found["count"]
    return counted


async def lists(tx: Tx, owner_id: int) -> AsyncIterator[list[Row]]:
    """Lists by their ids."""
    async for page in _behind_each(tx, LISTS, owner_id, "id"):
        yield page


async def tasks(tx: Tx, owner_id: int) -> AsyncIterator[list[Row]]:
    """Tasks by their ids."""
    async for page in _behind_each(tx, TASKS, owner_id, "id"):
        yield page


async def tasks_by_place(tx: Tx, owner_id: int, list_ids: list[int]) -> AsyncIterator[list[Row]]:
    """Tasks as they stand: first those in no list, then each list's."""
    for list_id in (None, *list_ids):
        first, behind = WITHOUT_LIST if list_id is None else IN_LIST
        chosen = {"owner_id": owner_id} | ({} if list_id is None else {"list_id": list_id})
        query, after = first, None
        while page := await tx.all(query, **chosen, **paging.place(after, 0, AT_ONCE - 1)):
            yield page
            query, after = behind, [page[-1]["position"], page[-1]["id"]]


async def trash(tx: Tx, owner_id: int) -> AsyncIterator[list[Row]]:
    """The trash in the order in which it was filled, each with the task as it was."""
    query, after = TRASH, None
    while page := await tx.all(query, owner_id=owner_id, **paging.place(after, 0, AT_ONCE - 1)):
        yield [row | {"task": whole(from_json(row["body"]))} for row in page]
        query, after = TRASH_BEHIND, [page[-1]["operation"], page[-1]["seq"]]


async def changes(tx: Tx, owner_id: int) -> AsyncIterator[list[Row]]:
    """The journal, oldest first."""
    async for page in _behind_each(tx, CHANGES, owner_id, "seq"):
        yield page


async def uids(tx: Tx, owner_id: int, page: list[Row]) -> dict[int, str]:
    """The UIDs of these tasks and of those above them: those under which they came, or our own."""
    moments = {task["id"]: task["created_at"] for task in page}
    above = {task["parent_id"] for task in page} - {None} - moments.keys()
    if above:
        for row in await tx.all(SOME_TASKS, owner_id=owner_id, ids=sorted(above)):
            moments[row["id"]] = row["created_at"]
    found = {task_id: keys.our_uid(task_id, at) for task_id, at in moments.items()}
    for row in await tx.all(KEYS_OF, owner_id=owner_id, kind="task", ids=sorted(moments)):
        if (uid := keys.uid_of(row["key"])) is not None:
            found[row["object_id"]] = uid
    return found


async def with_subtasks(tx: Tx, owner_id: int, page: list[Row]) -> set[int]:
    """Which of these have others under them."""
    ids = [task["id"] for task in page]
    return {row["parent_id"] for row in await tx.all(WITH_SUBTASKS, owner_id=owner_id, ids=ids)}


async def _behind_each(tx: Tx, query: Query, owner_id: int, key: str) -> AsyncIterator[list[Row]]:
    after = 0
    while page := await tx.all(query, owner_id=owner_id, after=after, limit=AT_ONCE):
        yield page
        after = page[-1][key]
