"""Ids that are handed out before their rows are there, so that many rows can be made at once.

On PostgreSQL they come from the sequence, and others may get some in between. On SQLite whoever
writes is alone, and the next ids are theirs once the rows are there.
"""

from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, literal, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from taskhold.store.query import Query
from taskhold.store.schema import Id


def next_ids(table: Table) -> Query:
    """The next `count` ids of a table, as `id`."""
    count = bindparam("count", type_=Id)
    first = select(literal(1, Id).label("number")).where(count > 0)
    numbers = first.cte("numbers", recursive=True)
    number = numbers.c.number
    numbers = numbers.union_all(select(number + 1).where(number < count))
    return Query(select(_NextId(table, number).label("id")).select_from(numbers).order_by("id"))


def next_id(table: Table) -> ColumnElement[int]:
    """The next id of a table, in a statement of one row."""
    return _NextId(table, literal(1, Id))


def last_id(table: Table) -> Query:
    """The last id that a table has handed out, as `last`; 0 before the first."""
    name = table.name
    highest = f"coalesce((SELECT max(id) FROM {name}), 0)"  # noqa: S608
    given = f"SELECT last_value - (NOT is_called)::int FROM {name}_id_seq"  # noqa: S608
    return Query(
        text(f"SELECT greatest({highest}, ({given})) AS last").columns(last=Id),
        on_sqlite=text(
            f"SELECT max({highest}, coalesce((SELECT seq FROM sqlite_sequence "  # noqa: S608
            f"WHERE name = '{name}'), 0)) AS last"
        ).columns(last=Id),
    )


def keep_for_later(table: Table) -> tuple[Query, ...]:
    """Keep ids up to `last` that `next_ids` has given, though their rows come in a later write.

    Both are run. On PostgreSQL nobody gets them anyway.
    """
    return tuple(
        Query(text("SELECT 1"), on_sqlite=query.on_sqlite) for query in hand_out_behind(table)
    )


def hand_out_behind(table: Table) -> tuple[Query, ...]:
    """Hand out no id up to `last` any more, where fewer were; both are run."""
    name = table.name
    last = bindparam("last", type_=Id)
    counter = text(
        f"INSERT INTO sqlite_sequence SELECT '{name}', 0 WHERE NOT EXISTS "  # noqa: S608
        f"(SELECT 1 FROM sqlite_sequence WHERE name = '{name}')"
    )
    raised = text(f"UPDATE sqlite_sequence SET seq = :last WHERE name = '{name}'")  # noqa: S608
    raised = raised.bindparams(last)
    highest = f"greatest(:last, (SELECT last_value FROM {name}_id_seq))"  # noqa: S608
    set_counter = text(f"SELECT setval('{name}_id_seq', {highest})").bindparams(last)
    return Query(set_counter, on_sqlite=counter), Query(set_counter, on_sqlite=raised)


class _NextId(ColumnElement[int]):
    """The id that a row gets which comes `number` rows after the last."""

    inherit_cache = False
    type = Id

    def __init__(self, table: Table, number: ColumnElement[int]) -> None:
        self.table = table
        self.number = number


@compiles(_NextId, "sqlite")
def _(element: _NextId, compiler: SQLCompiler, **options: Any) -> str:
    name = element.table.name
    return (
        f"max(coalesce((SELECT max(id) FROM {name}), 0), coalesce((SELECT max(seq) "  # noqa: S608
        f"FROM sqlite_sequence WHERE name = '{name}'), 0)) "
        f"+ {compiler.process(element.number, **options)}"
    )


@compiles(_NextId)
def _(element: _NextId, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ARG001
    return f"nextval('{element.table.name}_id_seq')"
