"""Finding texts: the same rows on both databases, each by its own index.

PostgreSQL keeps its index (`pg_trgm`) itself. SQLite's (FTS5) is brought up to date now and then,
in `sqlite.indexing`; what it doesn't know yet is in `search_pending`, written by triggers in the
transaction of the change, and is looked at as well.
"""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, bindparam, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from taskhold.store.schema import Id, IdList, TextArray


class Condition(ColumnElement[bool]):
    """What stands in a WHERE as it is written, of the kinds below.

    For SQLite, which has no booleans, SQLAlchemy would write ` = 1` behind it, and no index serves
    `id IN (…) = 1`.
    """

    inherit_cache = False
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002, it is always AND
        return self


class Contains(Condition):
    """Whether a text contains another one, byte for byte. Found by reading every text."""

    def __init__(self, column: ColumnElement[str], parameter: str) -> None:
        self.column = column
        self.part: Any = bindparam(parameter, type_=column.type)


class MayContain(Condition):
    """Whether a text of the row contains all of these parameters, as PostgreSQL's index finds it.

    They are letters and digits alone.
    """

    def __init__(self, column: ColumnElement[str], parts: list[str]) -> None:
        self.column = column
        self.parts: list[Any] = [bindparam(part, type_=column.type) for part in parts]


class Among(Condition):
    """Whether a row is among those of some ids."""

    def __init__(self, row_id: ColumnElement[int], parameter: str) -> None:
        self.row_id = row_id
        self.ids: Any = bindparam(parameter, type_=IdList())


class AmongMany(Condition):
    """Whether a column is one of many ids or texts, each of which is looked up.

    `= ANY` of a parameter may be checked against each row of the table, one after the other: the
    plan is made once, perhaps while the table is small.
    """

    def __init__(self, column: ColumnElement[Any], parameter: str) -> None:
        self.column = column
        self.has_texts = isinstance(column.type, String)
        self.values: Any = bindparam(parameter, type_=TextArray() if self.has_texts else IdList())


def match_of(parts: list[str]) -> str:
    """All of these letters, as FTS5 takes them (https://sqlite.org/fts5.html)."""
    return " ".join(f'"{part}"' for part in parts)


def matching(match: str) -> Any:
    """The ids that SQLite finds for a parameter with what `match_of` writes, in any account."""
    found = text(
        f"SELECT rowid AS id FROM task_search WHERE task_search MATCH :{match} "
        "UNION ALL SELECT task_id FROM search_pending"
    )
    ids = found.columns(id=Id).subquery().c.id
    return select(ids)


def first_matching(match: str, enough: str, after: str | None, *, descends: bool) -> Any:
    """Those of `matching` that come first in the order of ids, behind `after`, and none between.

    `known` is how many the index gave; if that is less than `enough`, there are no others.
    """
    order, end, up_to, behind = (
        ("DESC", "min", ">=", "<") if descends else ("ASC", "max", "<=", ">")
    )
    begin = f"AND rowid {behind} :{after} " if after else ""
    found = text(
        "WITH known AS MATERIALIZED (SELECT rowid AS id FROM task_search "
        f"WHERE task_search MATCH :{match} {begin}ORDER BY rowid {order} LIMIT :{enough}), "
        f"counted AS MATERIALIZED (SELECT count(*) AS count, {end}(id) AS last FROM known) "
        "SELECT id, count AS known FROM known, counted "
        "UNION ALL SELECT task_id, count FROM search_pending, counted "
        f"WHERE count < :{enough} OR task_id {up_to} last"
    )
    return select(*found.columns(id=Id, known=Id).subquery().c)


def owns_few(owner_id: str) -> Any:
    """Whether all tasks of an account are read sooner than SQLite's index is asked.

    The index has those of all accounts: it takes some nanoseconds for each of them, reading one a
    microsecond.
    """
    return text(
        "WITH share AS MATERIALIZED "
        "(SELECT min(1000, coalesce(max(id), 0) / 200) AS most FROM task) "
        "SELECT count(*) <= (SELECT most FROM share) AS owns_few FROM (SELECT 1 FROM task "
        f"WHERE owner_id = :{owner_id} LIMIT (SELECT most FROM share) + 1)"
    ).columns(owns_few=Boolean)


class Unindexed(ColumnElement[Any]):
    """A column that SQLite shall not look up, but check in the rows that it finds otherwise.

    It has no statistics to choose by; PostgreSQL has, and chooses
    (https://sqlite.org/optoverview.html, section 9.1).
    """

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type

    @property
    def _from_objects(self) -> Any:
        return self.column._from_objects  # noqa: SLF001  its table is one of those asked


@compiles(Contains, "sqlite")
def _(element: Contains, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"instr({column}, {compiler.process(element.part, **options)}) > 0"


@compiles(Contains)
def _(element: Contains, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"strpos({column}, {compiler.process(element.part, **options)}) > 0"


@compiles(MayContain)
def _(element: MayContain, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return " AND ".join(
        f"{column} LIKE '%' || {compiler.process(part, **options)} || '%'" for part in element.parts
    )


@compiles(Among, "sqlite")
def _(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    row_id = compiler.process(element.row_id, **options)
    return f"{row_id} IN (SELECT value FROM json_each({compiler.process(element.ids, **options)}))"


@compiles(Among)
def _(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    row_id = compiler.process(element.row_id, **options)
    return f"{row_id} = ANY (CAST({compiler.process(element.ids, **options)} AS BIGINT[]))"


@compiles(AmongMany, "sqlite")
def _(element: AmongMany, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(AmongMany)
def _(element: AmongMany, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    kind = "TEXT" if element.has_texts else "BIGINT"
    return f"{column} IN (SELECT unnest(CAST({values} AS {kind}[])))"


@compiles(Unindexed, "sqlite")
def _(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.column, **options)}"


@compiles(Unindexed)
def _(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.column, **options)
