"""What can be done with lists."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, not_, select, update

from taskhold.errors import NotFound, VersionConflict
from taskhold.folding import fold_title
from taskhold.journal.models import Action
from taskhold.journal.operations import Author, Entry, cursor, record
from taskhold.lists.models import ListCreate, ListUpdate, TaskList
from taskhold.store import Row, Tx, paging
from taskhold.store.ids import next_ids
from taskhold.store.paging import Listed
from taskhold.store.query import Query
from taskhold.store.schema import table
from taskhold.tasks import operations as tasks
from taskhold.tasks import rows

VersionTest = Callable[[int], bool]

_list = table(TaskList).c
_OWNED = _list.owner_id == bindparam("owner_id")
_THIS = (_OWNED, _list.id == bindparam("id"))
_OPEN = (
    select(func.count())
    .where(rows.OWNED, rows.task.list_id == _list.id, not_(rows.task.done))
    .scalar_subquery()
)
SHOWN = (
    _list.id,
    _list.name,
    _list.archived,
    _OPEN.label("open_count"),
    _list.created_at,
    _list.updated_at,
    _list.version,
)
_SAVED = ("name", "name_folded", "archived", "updated_at", "version")
_MADE = ("owner_id", "created_at", *_SAVED)

GET = Query(select(*SHOWN).where(*_THIS))
CREATE = Query(
    insert(TaskList).values({name: bindparam(name) for name in _MADE}).returning(_list.id)
)
PUT_BACK = Query(insert(TaskList).values({name: bindparam(name) for name in ("id", *_MADE)}))
NEXT_IDS = next_ids(table(TaskList))
UPDATE = Query(update(TaskList).where(*_THIS).values({name: bindparam(name) for name in _SAVED}))
DELETE = Query(delete(TaskList).where(*_THIS))
ITS_TASKS = Query(
    select(*rows.SHOWN)
    .where(rows.OWNED, rows.task.list_id == bindparam("list_id"))
    .order_by(rows.task.id)
)

SORT_KEYS: dict[str, tuple[Any, ...]] = {
    "id": (_list.id,),
    "name": (_list.name_folded, _list.name, _list.id),
}
POSITION_TYPES: dict[str, tuple[type, ...]] = {"id": (int,), "name": (str, str, int)}


async def get(tx: Tx, owner_id: int, list_id: int) -> Row:
    """The list. Raises NotFound."""
    found = await tx.one(GET, owner_id=owner_id, id=list_id)
    if found is None:
        raise NotFound("List")
    return found


async def create(tx: Tx, author: Author, data: ListCreate) -> Row:
    """The new list."""
    shown = data.model_dump() | {"created_at": tx.now, "updated_at": tx.now, "version": 1}
    created = await tx.one(CREATE, **_stored(author.account_id, shown))
    assert created is not None
    made = await get(tx, author.account_id, created["id"])
    await record(tx, author, Entry(Action.create, made["id"], None, made, "list"))
    return made


async def change(
    tx: Tx, author: Author, list_id: int, changes: ListUpdate, may_change: VersionTest
) -> Row:
    """The list with those fields changed that were sent. Raises NotFound and VersionConflict."""
    before = await _get_version(tx, author, list_id, may_change)
    after = before | changes.model_dump(exclude_unset=True)
    return before if after == before else await save(tx, author, before, after)


async def remove(tx: Tx, author: Author, list_id: int, may_change: VersionTest) -> None:
    """Delete the list; its tasks go to the trash. Raises NotFound and VersionConflict."""
    before = await _get_version(tx, author, list_id, may_change)
    found = await tx.all(ITS_TASKS, owner_id=author.account_id, list_id=list_id)
    await tasks.trash(tx, author, _parents_first(found))
    await drop(tx, author, before)


async def save(tx: Tx, author: Author, before: Row, after: Row) -> Row:
    """Change a list and journal it."""
    after["updated_at"] = max(tx.now, before["updated_at"])
    after["version"] = before["version"] + 1
    await tx.run(UPDATE, **_stored(author.account_id, after))
    await record(tx, author, Entry(Action.update, after["id"], before, after, "list"))
    return after


async def next_ids_for(tx: Tx, count: int) -> list[int]:
    """Ids for so many new lists; to be used in this transaction."""
    return [row["id"] for row in await tx.all(NEXT_IDS, count=count)]


async def put(tx: Tx, owner_id: int, shown: list[Row]) -> None:
    """New rows for lists that have an id; whoever puts them there journals it."""
    await tx.many(PUT_BACK, [_stored(owner_id, each) for each in shown])


async def drop(tx: Tx, author: Author, shown: Row) -> None:
    """Delete a list that has no tasks, and journal it."""
    await tx.run(DELETE, owner_id=author.account_id, id=shown["id"])
    await record(tx, author, Entry(Action.delete, shown["id"], shown, None, "list"))


async def put_back(tx: Tx, author: Author, shown: Row) -> Row:
    """Put a deleted list back under its id, and journal it."""
    shown["updated_at"] = max(tx.now, shown["updated_at"])
    shown["version"] += 1
    await tx.run(PUT_BACK, **_stored(author.account_id, shown))
    after = await get(tx, author.account_id, shown["id"])
    await record(tx, author, Entry(Action.restore, shown["id"], None, after, "list"))
    return after


async def list_page(
    tx: Tx,
    owner_id: int,
    *,
    archived: bool | None,
    sort: str,
    after: list[Any] | None,
    offset: int,
    limit: int,
    is_known: Callable[[int], bool],
) -> Listed:
    """Lists in an order; none at all if the caller knows the present `seq`."""
    seq = await cursor(tx, owner_id)
    if is_known(seq):
        return Listed(seq, None)
    query = _page_query(sort, by_archived=archived is not None, continues=after is not None)
    chosen = {"owner_id": owner_id} | ({} if archived is None else {"archived": archived})
    lists = await tx.all(query, **chosen, **paging.place(after, offset, limit))
    next_position = paging.cut(lists, limit, SORT_KEYS[sort.removeprefix("-")])
    for each in lists:
        each.pop("name_folded", None)
    return Listed(seq, lists, next_position)


@lru_cache
def _page_query(sort: str, *, by_archived: bool, continues: bool) -> Query:
    keys, descends = SORT_KEYS[sort.removeprefix("-")], sort.startswith("-")
    hidden = [_list.name_folded] if _list.name_folded in keys else []
    statement = select(*SHOWN, *hidden).where(_OWNED)
    if by_archived:
        statement = statement.where(_list.archived == bindparam("archived"))
    if not continues:
        return paging.first_page(statement, keys, descends=descends)
    return paging.page_behind(statement, keys, paging.position_of(keys), descends=descends)


def _stored(owner_id: int, shown: Row) -> Row:
    return {
        **shown,
        "owner_id": owner_id,
        "name_folded": fold_title(shown["name"]),
    }


def _parents_first(found: list[Row]) -> list[Row]:
    """In an order in which each task comes behind its parent."""
    by_parent: dict[int | None, list[Row]] = {}
    for each in found:
        by_parent.setdefault(each["parent_id"], []).append(each)
    ordered = by_parent.get(None, [])[:]
    for each in ordered:
        ordered += by_parent.get(each["id"], [])
    return ordered


async def _get_version(tx: Tx, author: Author, list_id: int, may_change: VersionTest) -> Row:
    found = await get(tx, author.account_id, list_id)
    if not may_change(found["version"]):
        raise VersionConflict(found)
    return found
