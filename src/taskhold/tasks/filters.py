"""Filters of tasks: what each leaves, by its index and by the rows, and which to begin with.

A page or a count is one statement. It either walks along its order and leaves out what the filters
take away, which is quick where they leave much; or it takes all that one filter leaves, which is
quick where that is little. Which is told by counting the filter's rows in its index, up to `FEW`; a
page in the order of ids with one filter needs no question, its index has both. Each tag is a filter
of its own.
"""

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, true

from taskhold.searching import indexed, words
from taskhold.store import Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.store.search import (
    Among,
    Contains,
    MayContain,
    Unindexed,
    first_matching,
    match_of,
    matching,
    owns_few,
)
from taskhold.tags.models import TaskTag, fold_tag
from taskhold.tasks import due
from taskhold.tasks.models import DUE_FIRST, DUE_LAST, NONE, TaskFilter
from taskhold.tasks.rows import OWNED, task

FEW = 5_000
"""Rows that are sorted sooner than walked past. Each takes up to 2 µs; walking past 20 of as many
among a million takes as long."""

_ONE_MORE = bindparam("few", type_=Id)
_OWNS_FEW = Query(owns_few("owner_id"))

_ALSO_SORTS = {"list_id": ("position",), "priority": ("priority",)}
"""The orders that the index of a column has, beside that of the ids."""

_OWNER_CHECKED = Unindexed(task.owner_id) == OWNED.right
"""For rows that are found by their ids, which SQLite shall not look for among all of the owner."""

Shape = tuple[tuple[str, int], ...]
"""Which filters, whatever their values are, and how many values each has."""


class Filter(NamedTuple):
    """One filter: as it is looked up in its index, and as it is checked in a row."""

    looked_up: ColumnElement[bool] | None
    """None where there is no index for it."""
    checked: ColumnElement[bool]
    sorts: tuple[str, ...] = ()
    """The orders that its index has."""
    settles: str | None = None
    """The order in which all that it leaves is equal, but for the ids."""
    empty: Any = None
    """The column that is null in all that it leaves. PostgreSQL sees that its index has an order
    only where the order begins with this column."""
    ids: ColumnElement[int] = task.id
    """The column with the ids in its index."""
    owned: ColumnElement[bool] = OWNED
    """Whose tasks, where a page begins with it."""
    counted: Any = None
    """The ids that are counted to see how much it leaves, found in its index alone: no less."""
    found: Query | None = None
    """The same where looking up takes long: done once, and `looked_up` is about these."""

    def walks(self, sort: str) -> bool:
        """Whether its index has all that it leaves in that order."""
        return self.found is None and sort.removeprefix("-") in self.sorts


class Choice:
    """What a `TaskFilter` means for statements: which filters, and their parameters."""

    def __init__(self, owner_id: int, wanted: TaskFilter) -> None:
        self.parameters: dict[str, Any] = {"owner_id": owner_id, "few": FEW + 1}
        self._shape: list[tuple[str, int]] = []
        self._owns_few: bool | None = None
        tags = dict.fromkeys(map(fold_tag, wanted.tag))
        if tags:
            self._add("tag", len(tags), **_numbered("tag", tags))
        if wanted.done is not None:
            self._add("done", done=wanted.done)
        for name in ("list_id", "parent_id"):
            value = getattr(wanted, name)
            if value == NONE:
                self._add(f"{name}_none")
            elif value is not None:
                self._add(name, **{name: value})
        if wanted.priority is not None:
            self._add("priority", priority=wanted.priority)
        if wanted.due == NONE:
            self._add("due_none")
        if wanted.due_after or wanted.due_before:
            self._add("due", **_due_bounds(wanted))
        if wanted.q is not None and (found := words(wanted.q)):
            known = indexed(found)
            self._add("q", len(found), **_numbered("word", found))
            self._shape.append(("q_indexed", len(known)))
            self.parameters |= _numbered("known", known) | {"match": match_of(known)}

    def _add(self, name: str, count: int = 1, **parameters: Any) -> None:
        self._shape.append((name, count))
        self.parameters |= parameters

    @property
    def shape(self) -> Shape:
        """Which filters."""
        return tuple(self._shape)

    def reads_texts(self, sort: str) -> bool:
        """Whether it depends on texts as they are folded."""
        return "match" in self.parameters or sort.endswith("title")

    def is_quick(self, sort: str) -> bool:
        """Whether a page is a few steps in one index."""
        return not self._shape or _one_index_has(self.shape, sort)

    async def narrowest(self, tx: Tx, sort: str) -> int | None:
        """Which filter to begin with; None for the order."""
        if _one_index_has(self.shape, sort):
            return 0
        best, fewest = None, self.parameters["few"]
        for number, each in enumerate(filters_of(self.shape)):
            if each.looked_up is not None:
                left = await self._count_few(tx, number)
                if left < fewest:
                    best, fewest = number, left
                elif best is None and each.walks(sort):
                    best = number  # walks the order, but over fewer
        return best

    async def find_first(
        self, tx: Tx, sort: str, shown: int, after: list[Any] | None
    ) -> tuple[int | None, bool]:
        """Begin with the first that a search finds; and whether these are all.

        SQLite's index has them in the order of ids, so a page need not wait for the others. Each
        filter may leave half of them. None in another order, and on PostgreSQL.
        """
        *others, last = filters_of(self.shape) or (None,)
        if last is None or last.found is None or tx.has_trips or sort not in {"id", "-id"}:
            return None, False
        if await self._has_few(tx):
            return None, False
        enough = min(shown << (len(others) + 1), FEW)
        behind = {"after_0": after[0]} if after else {}
        query = _first_found(descends=sort == "-id", continues=bool(behind))
        found = await tx.all(query, **self.parameters, **behind, enough=enough)
        self.parameters["found"] = [row["id"] for row in found]
        return len(others), not found or found[0]["known"] < enough

    async def _count_few(self, tx: Tx, number: int) -> int:
        """How many rows a filter leaves, up to one more than `FEW`."""
        found = filters_of(self.shape)[number].found
        if found is None:
            counted = await tx.one(few_query(self.shape, number), **self.parameters)
            assert counted is not None
            few: int = counted["count"]
            return few
        if not tx.has_trips and await self._has_few(tx):
            return FEW + 1
        self.parameters["found"] = [row["id"] for row in await tx.all(found, **self.parameters)]
        return len(self.parameters["found"])

    async def _has_few(self, tx: Tx) -> bool:
        """Whether the account has so few tasks that a search reads them; asked once."""
        if self._owns_few is None:
            row = await tx.one(_OWNS_FEW, **self.parameters)
            self._owns_few = row is not None and bool(row["owns_few"])
        return self._owns_few


def _numbered(name: str, values: Any) -> dict[str, Any]:
    return {f"{name}_{number}": value for number, value in enumerate(values)}


def _due_bounds(wanted: TaskFilter) -> dict[str, int]:
    """From where to where days and instants go, as `due_up` has them."""
    first = DUE_FIRST + 1  # what is never due stands at `DUE_FIRST` in `due_down`
    bounds = {"day_from": first, "day_to": DUE_LAST, "from": first, "to": DUE_LAST}
    for given, edge in ((wanted.due_after, "from"), (wanted.due_before, "to")):
        if given is None:
            continue
        if due.is_day(given):
            bounds[f"day_{edge}"] = due.microseconds(given)
            bounds[edge] = due.start_of_day(given, wanted.tz)
        else:
            bounds[f"day_{edge}"] = due.first_day_after(given, wanted.tz)
            bounds[edge] = due.microseconds(given)
    starts, ends = (bounds["day_from"], bounds["from"]), (bounds["day_to"], bounds["to"])
    both = {"both_from": max(starts), "both_to": min(ends)}
    return {**bounds, **both, "least": min(starts), "most": max(ends)}


def _one_index_has(shape: Shape, sort: str) -> bool:
    """Whether there is one filter, whose index has the order as well."""
    filters = filters_of(shape)
    return len(filters) == 1 and filters[0].walks(sort)


@lru_cache(maxsize=1024)
def filters_of(shape: Shape, sort: str = "id", *, continues: bool = False) -> tuple[Filter, ...]:
    """The filters, as a page in that order needs them, or a page of it behind a position."""
    counts = dict(shape)
    return tuple(
        each
        for name, count in shape
        if name != "q_indexed"
        for each in (
            map(_tag_filter, range(count))
            if name == "tag"
            else (_filter(name, count, counts, sort, continues),)
        )
    )


def _filter(name: str, count: int, counts: dict[str, int], sort: str, continues: bool) -> Filter:
    if name == "due":
        return _due_filter(sort, continues)
    if name == "q":
        return _search_filter(count, counts["q_indexed"])
    if name == "due_none":
        column, never = _due_column(sort)
        return _plain(column == never, "due", settles="due")
    column = task[name.removesuffix("_none")]
    if name.endswith("_none"):
        return _plain(column.is_(None), *_ALSO_SORTS.get(column.name, ()), empty=column)
    settles = name if name == "priority" else None
    return _plain(column == bindparam(name), *_ALSO_SORTS.get(name, ()), settles=settles)


def _plain(condition: Any, *sorts: str, settles: str | None = None, empty: Any = None) -> Filter:
    """A comparison of one column, whose index goes on with the ids."""
    checked = condition.operator(Unindexed(condition.left), condition.right)
    return Filter(condition, checked, ("id", *sorts), settles, empty)


def _due_column(sort: str) -> tuple[Any, int]:
    """The one of the two whose index an order walks, and where it has what is never due."""
    return (task.due_down, DUE_FIRST) if sort == "-due" else (task.due_up, DUE_LAST)


def _tag_filter(number: int) -> Filter:
    tag = table(TaskTag).alias(f"tag_{number}").c
    borne = (tag.owner_id == bindparam("owner_id"), tag.folded == bindparam(f"tag_{number}"))
    by_this = (*borne, tag.task_id == task.id)
    return Filter(
        and_(*by_this),
        select(1).where(*by_this).exists(),
        ("id",),
        ids=tag.task_id,
        owned=_OWNER_CHECKED,
        counted=select(tag.task_id).where(*borne),
    )


def _due_filter(sort: str, continues: bool) -> Filter:
    """A day is compared as a day, an instant with the beginning of a day in a zone."""
    exact = and_(
        task.due.is_not(None),
        or_(
            and_(
                func.length(task.due) == due.DAY_LENGTH,
                Unindexed(task.due_up) >= bindparam("day_from", type_=Id),
                Unindexed(task.due_up) < bindparam("day_to", type_=Id),
            ),
            and_(
                func.length(task.due) > due.DAY_LENGTH,
                Unindexed(task.due_up) >= bindparam("from", type_=Id),
                Unindexed(task.due_up) < bindparam("to", type_=Id),
            ),
        ),
    )
    column, _ = _due_column(sort)
    either = and_(  # for most no row has to be read, which takes SQLite ten times as long
        Unindexed(column) >= bindparam("both_from", type_=Id),
        Unindexed(column) < bindparam("both_to", type_=Id),
    )
    exact = or_(either, exact)
    coarse = {
        "due": column >= bindparam("least", type_=Id),
        "-due": column < bindparam("most", type_=Id),
    }
    if continues:
        coarse.pop(sort, None)  # where the page before ended is nearer
    counted = select(task.id).where(OWNED, *coarse.values())
    return Filter(and_(*coarse.values(), exact), exact, ("due",), counted=counted)


def _search_filter(count: int, known: int) -> Filter:
    contained = and_(
        true(), *(Contains(task.search_text, f"word_{number}") for number in range(count))
    )
    if not known:
        return Filter(None, contained)
    may_contain = MayContain(task.search_text, [f"known_{number}" for number in range(known)])
    return Filter(
        and_(Among(task.id, "found"), contained),
        contained,
        ("id",),
        owned=_OWNER_CHECKED,
        found=Query(
            select(task.id).where(OWNED, may_contain).limit(_ONE_MORE),
            on_sqlite=matching("match").limit(_ONE_MORE),
        ),
    )


def chosen(columns: Any, filters: tuple[Filter, ...], begin: int | None) -> Any:
    """What the filters leave, beginning with one of them."""
    conditions = [each.checked for each in filters]
    owned: ColumnElement[bool] = OWNED
    if begin is not None and (looked_up := filters[begin].looked_up) is not None:
        conditions[begin], owned = looked_up, filters[begin].owned
    return select(*columns).where(owned, *conditions)


@lru_cache(maxsize=1024)
def few_query(shape: Shape, number: int) -> Query:
    """How many rows a filter leaves, up to one more than `FEW`."""
    each = filters_of(shape)[number]
    ids = chosen((task.id,), (each,), 0) if each.counted is None else each.counted
    found = ids.limit(_ONE_MORE).subquery()
    return Query(select(func.count().label("count")).select_from(found))


@lru_cache
def _first_found(*, descends: bool, continues: bool) -> Query:
    behind = "after_0" if continues else None
    return Query(first_matching("match", "enough", behind, descends=descends))
