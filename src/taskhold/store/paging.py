"""Pages of rows: in an order, behind a position, and where the next one begins.

The page behind a position is found by comparing rows. SQLite begins that at their first columns
alone and walks through all that are equal there, a million tasks without a priority too; so it is
asked in steps: for what is equal up to the last column, then up to the one before it, and so on.
"""

import operator
from typing import Any, NamedTuple

from sqlalchemy import bindparam, tuple_, union_all

from taskhold.store import Row
from taskhold.store.query import Query
from taskhold.store.schema import Id

Columns = tuple[Any, ...]


class Listed(NamedTuple):
    """A page, and of what state of the account: the one when it was read, or before."""

    state: int | str
    """The `seq` of the newest change, and what else an answer depends on."""
    rows: list[Row] | None
    """None where the caller has them already."""
    next_position: list[Any] | None = None
    """Where the next page begins; None on the last."""


def position_of(keys: Columns) -> Columns:
    """The parameters `after_0`, `after_1` … that say behind which row a page begins."""
    return tuple(bindparam(f"after_{number}", type_=key.type) for number, key in enumerate(keys))


def place(after: list[Any] | None, offset: int, limit: int) -> dict[str, Any]:
    """The parameters of a page; one more row than it shows tells whether there is another."""
    behind = {f"after_{number}": value for number, value in enumerate(after or ())}
    return behind | {"limit": limit + 1, "offset": offset}


def cut(rows: list[Row], limit: int, keys: Columns) -> list[Any] | None:
    """Leave a page of the rows; the position of its last one where there are more."""
    if len(rows) <= limit:
        return None
    del rows[limit:]
    return [rows[-1][key.name] for key in keys]


def first_page(statement: Any, order: Columns, *, descends: bool) -> Query:
    """The page at the beginning, or behind an offset."""
    return Query(_in_order(statement, order, descends))


def page_behind(
    statement: Any,
    keys: Columns,
    position: Columns,
    order: Columns | None = None,
    *,
    descends: bool,
    in_steps: bool = True,
) -> Query:
    """The page of the rows whose `keys` come behind `position`.

    `order` is by what it is ordered, if that isn't `keys`. `in_steps` is for pages that an index
    has in this order.
    """
    further = operator.lt if descends else operator.gt
    behind = statement.where(further(tuple_(*keys), tuple_(*position)))
    whole = _in_order(behind, order or keys, descends)
    if not in_steps or len(keys) == 1:
        return Query(whole)
    steps = union_all(
        *(
            statement.where(
                *map(operator.eq, keys[:number], position), further(keys[number], position[number])
            )
            for number in reversed(range(len(keys)))
        )
    )
    named = tuple(steps.selected_columns[key.name] for key in keys)
    return Query(whole, on_sqlite=_in_order(steps, named, descends))


def _in_order(statement: Any, order: Columns, descends: bool) -> Any:
    return (
        in_order(statement, order, descends=descends)
        .limit(bindparam("limit", type_=Id))
        .offset(bindparam("offset", type_=Id))
    )


def in_order(statement: Any, order: Columns, *, descends: bool) -> Any:
    """All that it finds, in an order."""
    return statement.order_by(*(key.desc() if descends else key.asc() for key in order))
