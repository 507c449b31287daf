"""Finding texts: the same rows on both databases, each by its own index.

PostgreSQL keeps its index (`pg_trgm`) itself. SQLite's (FTS5) is brought up to date now and then,
in `sqlite.indexing`; what it doesn't know yet is in `search_pending`, written by triggers in the
transaction of the change, and is looked at as well.
"""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, bindparam, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from taskhold.store.schema import Id

_FOUND = (
    "SELECT rowid AS id FROM task_search WHERE task_search MATCH {match} "
    "UNION ALL SELECT task_id FROM search_pending"
)


class Condition(ColumnElement[bool]):
    """What stands in a WHERE as it is written, of the two kinds below.

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
    """Whether a text of the row may contain all words: found by an index, to be checked.

    `words` are the parameters with each word, for PostgreSQL; `match` is the one with all of them
    as `match_of` writes them, for SQLite.
    """

    def __init__(
        self, column: ColumnElement[str], row_id: ColumnElement[int], words: list[str], match: str
    ) -> None:
        self.column = column
        self.row_id = row_id
        self.words: list[Any] = [bindparam(word, type_=column.type) for word in words]
        self.match: Any = bindparam(match, type_=column.type)


def match_of(words: list[str]) -> str:
    """All of the words, as FTS5 takes them (https://sqlite.org/fts5.html)."""
    return " ".join(f'"{word}"' for word in words)


def found_by(match: str) -> Any:
    """The ids that SQLite finds for a parameter with what `match_of` writes, in any account."""
    found = text(_FOUND.format(match=f":{match}")).columns(id=Id).subquery()
    return select(found.c.id)


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


@compiles(MayContain, "sqlite")
def _(element: MayContain, compiler: SQLCompiler, **options: Any) -> str:
    row_id = compiler.process(element.row_id, **options)
    match = compiler.process(element.match, **options)
    return f"{row_id} IN ({_FOUND.format(match=match)})"


@compiles(MayContain)
def _(element: MayContain, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return " AND ".join(
        f"{column} LIKE '%' || {compiler.process(word, **options)} || '%'" for word in element.words
    )


@compiles(Unindexed, "sqlite")
def _(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.column, **options)}"


@compiles(Unindexed)
def _(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.column, **options)
