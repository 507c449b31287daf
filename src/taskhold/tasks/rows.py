"""The rows of a task: what it shows, what is derived from that, and the tags that it bears."""

from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from taskhold.folding import fold_title
from taskhold.searching import searched
from taskhold.store import Row, Statement, Tx
from taskhold.store.ids import next_ids
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.tags.models import TaskTag, fold_tag
from taskhold.tasks.due import microseconds
from taskhold.tasks.models import DUE_FIRST, DUE_LAST, Task, TaskPublic

task = table(Task).c
SHOWN = tuple(task[name] for name in TaskPublic.model_fields)
"""The columns of a task as the API shows it, in its order."""
OWNED = task.owner_id == bindparam("owner_id")
THIS = (OWNED, task.id == bindparam("id"))

_tag = table(TaskTag).c
_TAGS_OF_TASK = (_tag.owner_id == bindparam("owner_id"), _tag.task_id == bindparam("task_id"))
DERIVED = ("title_folded", "due_up", "due_down", "search_text")
"""The columns that follow from others."""
_STORED = tuple(name for name in TaskPublic.model_fields if name != "id") + DERIVED

GET = Query(select(*SHOWN).where(*THIS))
_WHOLE = select(*SHOWN, *(task[name] for name in DERIVED))
WHOLE = Query(_WHOLE.where(*THIS))
SOME = Query(
    _WHOLE.where(OWNED, task.id > bindparam("after"))
    .order_by(task.id)
    .limit(bindparam("limit", type_=Id))
)


def _insert(*names: str) -> Any:
    return insert(Task).values({name: bindparam(name) for name in ("owner_id", *names)})


NEXT_IDS = next_ids(table(Task))
PUT_BACK = Query(_insert("id", *_STORED))
DELETE = Query(delete(Task).where(*THIS))
ADD_TAG = Query(
    insert(TaskTag).values(
        {name: bindparam(name) for name in ("owner_id", "task_id", "folded", "name", "done")}
    )
)
DROP_TAGS = Query(delete(TaskTag).where(*_TAGS_OF_TASK))
SET_DONE = Query(update(TaskTag).where(*_TAGS_OF_TASK).values(done=bindparam("now_done")))


def adding(owner_id: int, shown: Row) -> Statement:
    """What makes a new row under an id that the task has got; its tags are added besides."""
    return Statement(PUT_BACK, {"owner_id": owner_id, **shown, **_derived(shown)})


async def next_ids_for(tx: Tx, count: int) -> list[int]:
    """Ids for so many new tasks; to be used in this transaction."""
    return [row["id"] for row in await tx.all(NEXT_IDS, count=count)]


async def put_back(tx: Tx, owner_id: int, tasks: list[Row]) -> None:
    """New rows for tasks under the ids that they have: those of rows that were, or new ones."""
    await tx.many(PUT_BACK, (adding(owner_id, each).parameters for each in tasks))
    await add_tags(tx, owner_id, tasks)


async def save(tx: Tx, owner_id: int, changes: list[tuple[Row, Row]]) -> None:
    """Change rows, each from what it showed before to what it shows after."""
    by_query: dict[Query, list[Row]] = {}
    for before, after in changes:
        query, row = changing(owner_id, before, after)
        by_query.setdefault(query, []).append(row)
    for query, rows in by_query.items():
        if len(rows) == 1:
            await tx.run(query, **rows[0])
        else:
            await tx.many(query, rows)
    await save_tags(tx, owner_id, changes)


def changing(owner_id: int, before: Row, after: Row) -> Statement:
    """What changes a row; its tags are saved besides."""
    fields = [name for name in after if after[name] != before[name]]
    row = {"owner_id": owner_id, "id": after["id"]} | {name: after[name] for name in fields}
    derived = _derived(after, fields)
    return Statement(_update((*fields, *derived)), row | derived)


async def remove(tx: Tx, owner_id: int, tasks: list[Row]) -> None:
    """Delete the rows."""
    await tx.many(DELETE, ({"owner_id": owner_id, "id": each["id"]} for each in tasks))
    await _drop_tags(tx, owner_id, tasks)


@lru_cache(maxsize=512)
def _update(names: tuple[str, ...]) -> Query:
    """An UPDATE of these columns alone: each index that it names costs as much as the row."""
    return Query(update(Task).where(*THIS).values({name: bindparam(name) for name in names}))


def _derived(shown: Row, of: Any = ("title", "due", "notes", "tags")) -> Row:
    """The columns that follow from others, for searching and sorting."""
    derived: Row = {}
    if "title" in of:
        derived["title_folded"] = fold_title(shown["title"])
    if "due" in of:
        at = None if shown["due"] is None else microseconds(shown["due"])
        derived["due_up"] = DUE_LAST if at is None else at
        derived["due_down"] = DUE_FIRST if at is None else at
    if "title" in of or "notes" in of or "tags" in of:
        derived["search_text"] = searched(shown["title"], shown["notes"], *shown["tags"])
    return derived


async def stale(tx: Tx, owner_id: int, *, after: int, limit: int) -> tuple[list[int], list[int]]:
    """Some tasks by their ids, and those of them that lack what follows from their columns."""
    found = await tx.all(SOME, owner_id=owner_id, after=after, limit=limit)
    return [each["id"] for each in found], [each["id"] for each in found if corrected(each)]


async def correct(tx: Tx, owner_id: int, task_ids: list[int]) -> None:
    """Write anew what follows from the other columns. A task stays of the same version."""
    for task_id in task_ids:
        found = await tx.one(WHOLE, owner_id=owner_id, id=task_id)
        if found is not None and (correction := corrected(found)):
            await tx.run(_update(tuple(correction)), owner_id=owner_id, id=task_id, **correction)


def corrected(found: Row) -> Row:
    """What follows from the other columns of a whole row, where the row says otherwise."""
    return {name: value for name, value in _derived(found).items() if value != found[name]}


async def add_tags(tx: Tx, owner_id: int, tasks: list[Row]) -> None:
    """The tags of new tasks, for finding and counting them."""
    rows = [
        {
            "owner_id": owner_id,
            "task_id": each["id"],
            "folded": fold_tag(name),
            "name": name,
            "done": each["done"],
        }
        for each in tasks
        for name in each["tags"]
    ]
    if rows:
        await tx.many(ADD_TAG, rows)


async def _drop_tags(tx: Tx, owner_id: int, tasks: list[Row]) -> None:
    rows = [{"owner_id": owner_id, "task_id": each["id"]} for each in tasks if each["tags"]]
    if rows:
        await tx.many(DROP_TAGS, rows)


async def save_tags(tx: Tx, owner_id: int, changes: list[tuple[Row, Row]]) -> None:
    """The tags of changed tasks, for finding and counting them."""
    changed = [(before, after) for before, after in changes if before["tags"] != after["tags"]]
    await _drop_tags(tx, owner_id, [before for before, _ in changed])
    await add_tags(tx, owner_id, [after for _, after in changed])
    rows = [
        {"owner_id": owner_id, "task_id": after["id"], "now_done": after["done"]}
        for before, after in changes
        if before["done"] != after["done"] and before["tags"] and before["tags"] == after["tags"]
    ]
    if rows:
        await tx.many(SET_DONE, rows)
