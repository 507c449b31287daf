"""Pages of tasks, in each order."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import func, select

from taskhold.folding import fold_title
from taskhold.journal.operations import NEWEST, cursor
from taskhold.store import Row, Tx, paging
from taskhold.store.paging import Listed
from taskhold.store.query import Query
from taskhold.store.search import Unindexed
from taskhold.tasks.filters import Choice, Shape, chosen, filters_of
from taskhold.tasks.models import PRIORITIES
from taskhold.tasks.rows import OWNED, SHOWN, task

SORT_KEYS: dict[str, tuple[Any, ...]] = {
    "id": (task.id,),
    "created_at": (task.created_at, task.id),
    "updated_at": (task.updated_at, task.id),
    "due": (task.due_up, task.id),
    "-due": (task.due_down, task.id),
    "priority": (task.priority, task.id),
    "title": (task.title_folded, task.title, task.id),
    "position": (task.position, task.id),
}
"""What each order compares. All end in `id`, so that no two tasks are equal."""
POSITION_TYPES: dict[str, tuple[type | frozenset[str], ...]] = {
    "id": (int,),
    "created_at": (datetime, int),
    "updated_at": (datetime, int),
    "due": (int, int),
    "priority": (frozenset(PRIORITIES), int),
    "title": (bool, str, int),
    "position": (str, int),
}
"""The types of a position in each order; JSON has a time as text. The one of `title` says whether
the title is folded yet, not how, which would be longer."""

STATE = "state"
UNFOLDED = Query(select(task.id).where(OWNED, task.title_folded == "", task.title != "").limit(1))
"""What another program wrote less than a second ago; SQL can't fold it."""


async def list_page(
    tx: Tx,
    choice: Choice,
    *,
    sort: str,
    after: list[Any] | None,
    offset: int,
    limit: int,
    is_known: Callable[[int | str], bool] | None,
) -> Listed:
    """Tasks in the order of `sort` (`-` in front: descending), behind `after` or `offset`.

    None at all if the caller knows the present state. It is read before the tasks or with them:
    should a write come between, it is older than they are, never newer.
    """
    reads_texts = choice.reads_texts(sort)
    page = partial(_page, tx, choice, sort=sort, after=after, offset=offset, limit=limit)
    if is_known is None and tx.has_trips and not reads_texts:
        tasks, next_position = await page(with_state=True)
        if tasks:
            states = [each.pop(STATE) for each in tasks]
            return Listed(states[0], tasks, next_position)
        # There is no row to bring it, so it is asked for first.
    state: int | str = await cursor(tx, choice.parameters["owner_id"])
    if reads_texts and await tx.one(UNFOLDED, **choice.parameters):
        state = f"{state}.unfolded"
    if is_known is not None and is_known(state):
        return Listed(state, None)
    return Listed(state, *await page())


async def _page(
    tx: Tx,
    choice: Choice,
    *,
    sort: str,
    after: list[Any] | None,
    offset: int,
    limit: int,
    with_state: bool = False,
) -> tuple[list[Row], list[Any] | None]:
    """The tasks, and where the next page begins."""
    if after is not None and sort.endswith("title"):
        is_folded, title, task_id = after
        after = [fold_title(title) if is_folded else "", title, task_id]
    place = paging.place(after, offset, limit)

    async def beginning_with(begin: int | None) -> list[Row]:
        query = page_query(
            sort, choice.shape, begin, continues=after is not None, with_state=with_state
        )
        return await tx.all(query, **choice.parameters, **place)

    begin, has_all = await choice.find_first(tx, sort, offset + limit + 1, after)
    tasks = [] if begin is None else await beginning_with(begin)
    if len(tasks) <= limit and not has_all:
        tasks = await beginning_with(await choice.narrowest(tx, sort))
    keys = keys_of(sort)
    next_position = paging.cut(tasks, limit, keys)
    if next_position is not None and sort.endswith("title"):
        next_position[0] = next_position[0] != ""
    for hidden in (key.name for key in keys if key not in SHOWN):
        for each in tasks:
            del each[hidden]
    return tasks, next_position


async def count(tx: Tx, choice: Choice) -> int:
    """How many tasks there are."""
    begin = await choice.narrowest(tx, "id")
    counted = await tx.one(count_query(choice.shape, begin), **choice.parameters)
    assert counted is not None
    number: int = counted["count"]
    return number


def keys_of(sort: str) -> tuple[Any, ...]:
    """What an order compares."""
    return SORT_KEYS.get(sort) or SORT_KEYS[sort.removeprefix("-")]


@lru_cache(maxsize=1024)
def page_query(
    sort: str, shape: Shape, begin: int | None, *, continues: bool, with_state: bool = False
) -> Query:
    """A page in an order, beginning with one of the filters, or with none.

    `with_state` has the account's newest `seq` in each row, which is read once.
    """
    name, descends = sort.removeprefix("-"), sort.startswith("-")
    keys = keys_of(sort)
    filters = filters_of(shape, sort, continues=continues)
    # What it compares comes with the row: asked for later, the row may have changed.
    hidden = (key for key in keys if key not in SHOWN)
    state = (NEWEST.scalar_subquery().label(STATE),) if with_state else ()
    columns = (*SHOWN, *hidden, *state)
    position = paging.position_of(keys)
    first = None if begin is None else filters[begin]
    walks = first is None or name in first.sorts
    shown_order = keys
    if first is not None and first.settles == name:
        keys, position = keys[1:], position[1:]
    if walks and first is not None and first.ids is not task.id:
        keys = (first.ids,)  # it has no other order
    if not walks:
        keys = tuple(Unindexed(key) for key in keys)  # else SQLite might walk the order
    order = keys
    if walks and first is not None and first.empty is not None:
        order = (first.empty, *keys)

    def page_of(*shown: Any) -> Query:
        statement = chosen(shown, filters, begin)
        if not continues:
            return paging.first_page(statement, order, descends=descends)
        return paging.page_behind(
            statement, keys, position, order, descends=descends, in_steps=walks
        )

    page = page_of(*columns)
    if walks:
        return page
    # Of rows that are sorted, SQLite reads those alone that come first, if it sorts the ids.
    ids: Any = page_of(task.id).statement
    rows = select(*columns).where(task.id.in_(ids.correlate(None)))
    return Query(page.statement, on_sqlite=paging.in_order(rows, shown_order, descends=descends))


@lru_cache(maxsize=1024)
def count_query(shape: Shape, begin: int | None) -> Query:
    """How many tasks the filters leave, beginning with one of them, or with none."""
    return Query(chosen((func.count().label("count"),), filters_of(shape), begin))
