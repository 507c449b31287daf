"""Where a task belongs: in which list, under which task, behind which other one."""

from typing import Any

from sqlalchemy import bindparam, literal, select

from taskhold.errors import FieldError, Validation
from taskhold.lists.models import TaskList
from taskhold.store import Row, Tx
from taskhold.store.ids import next_id
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.tasks.models import Task
from taskhold.tasks.positions import after as position_after
from taskhold.tasks.rows import OWNED, SHOWN, THIS, task

MOST_LEVELS = 8

_list = table(TaskList).c
LIST = Query(
    select(_list.id).where(_list.owner_id == bindparam("owner_id"), _list.id == bindparam("id"))
)


def _last(in_list: Any) -> Any:
    return select(task.position).where(OWNED, in_list).order_by(task.position.desc()).limit(1)


def _place(in_list: Any) -> Query:
    """The id of the next task, and the position of the last one before it."""
    last = _last(in_list).scalar_subquery()
    return Query(select(next_id(table(Task)).label("id"), last.label("position")))


IN_LIST = task.list_id == bindparam("list_id")
WITHOUT_LIST = task.list_id.is_(None)
LAST_IN_LIST = Query(_last(IN_LIST))
LAST_WITHOUT_LIST = Query(_last(WITHOUT_LIST))
PLACE_IN_LIST = _place(IN_LIST)
PLACE_WITHOUT_LIST = _place(WITHOUT_LIST)


def _ancestors() -> Query:
    """The task and those above it, up to one more than there may be."""
    up = (
        select(task.id, task.parent_id, task.list_id, literal(1, Id).label("level"))
        .where(*THIS)
        .cte("up", recursive=True)
    )
    above = select(task.id, task.parent_id, task.list_id, up.c.level + 1).where(
        OWNED, task.id == up.c.parent_id, up.c.level <= MOST_LEVELS
    )
    up = up.union_all(above)
    return Query(select(up.c.id, up.c.list_id, up.c.level).order_by(up.c.level))


def _descendants() -> Query:
    """Those below the task, the nearest first."""
    down = (
        select(*SHOWN, literal(1, Id).label("level"))
        .where(OWNED, task.parent_id == bindparam("id"))
        .cte("down", recursive=True)
    )
    below = select(*SHOWN, down.c.level + 1).where(
        OWNED, task.parent_id == down.c.id, down.c.level <= MOST_LEVELS
    )
    down = down.union_all(below)
    shown = (down.c[column.name] for column in SHOWN)
    return Query(select(*shown).order_by(down.c.level, down.c.id))


ANCESTORS = _ancestors()
DESCENDANTS = _descendants()


async def descendants(tx: Tx, owner_id: int, task_id: int) -> list[Row]:
    """All that is under a task, the nearest first."""
    return await tx.all(DESCENDANTS, owner_id=owner_id, id=task_id)


async def list_exists(tx: Tx, owner_id: int, list_id: int) -> bool:
    """Whether there is such a list."""
    return await tx.one(LIST, owner_id=owner_id, id=list_id) is not None


async def line_of(tx: Tx, owner_id: int, task_id: int) -> list[Row]:
    """The task and its ancestors, the nearest first; empty where there is no such task."""
    return await tx.all(ANCESTORS, owner_id=owner_id, id=task_id)


async def next_position(tx: Tx, owner_id: int, list_id: int | None) -> str:
    """The position behind the last of a list, or of the tasks without one."""
    if list_id is None:
        last = await tx.one(LAST_WITHOUT_LIST, owner_id=owner_id)
    else:
        last = await tx.one(LAST_IN_LIST, owner_id=owner_id, list_id=list_id)
    return position_after(None if last is None else last["position"])


async def next_place(tx: Tx, owner_id: int, list_id: int | None) -> tuple[int, str]:
    """The id of a new task, and the position behind the last of its list."""
    if list_id is None:
        place = await tx.one(PLACE_WITHOUT_LIST, owner_id=owner_id)
    else:
        place = await tx.one(PLACE_IN_LIST, owner_id=owner_id, list_id=list_id)
    assert place is not None
    return place["id"], position_after(place["position"])


async def check_place(tx: Tx, owner_id: int, wanted: Row, sent: Row, below: list[Row]) -> None:
    """Put `wanted` into its parent's list, or check the list that it names.

    `sent` is what the client said of it; `below` are the tasks under it, which move along.
    Raises Validation for a list or parent that is not there, and for what makes no tree.
    """
    parent_id, list_id = wanted["parent_id"], wanted["list_id"]
    if parent_id is None:
        if sent.get("list_id") is not None and not await list_exists(tx, owner_id, list_id):
            raise refused("list_id", "There is no such list", "not_found")
        return
    line = await line_of(tx, owner_id, parent_id)
    if not line:
        raise refused("parent_id", "There is no such task", "not_found")
    if any(each["id"] == wanted.get("id") for each in line):
        raise refused("parent_id", "is the task itself, or under it", "cycle")
    under = height(wanted["id"], below) if below else 0
    if len(line) + 1 + under > MOST_LEVELS:
        raise refused("parent_id", f"would make more than {MOST_LEVELS} levels", "too_deep")
    if "list_id" in sent and list_id != line[0]["list_id"]:
        raise refused("list_id", "should be the list of the parent task", "other_list")
    wanted["list_id"] = line[0]["list_id"]


def refused(field: str, message: str, code: str) -> Validation:
    """A field that would put a task where it can't be."""
    return Validation([FieldError("body", field, message, code)])


def height(task_id: int, below: list[Row]) -> int:
    """How many levels these tasks make under `task_id`; parents come before their subtasks."""
    levels = {task_id: 0}
    for each in below:
        levels[each["id"]] = levels[each["parent_id"]] + 1
    return max(levels.values())
