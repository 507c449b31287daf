"""A SQLite table made anew: some columns other than they were, all else as somebody declared it.

SQLite can't add AUTOINCREMENT, or a column with a computed default, to a table that there is
(https://sqlite.org/lang_altertable.html#otheralter). So the table is declared again in its own
words with those columns replaced or added, and its rows, indexes and triggers move over.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

_PIECE = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\] | --[^\n]* | /\*.*?\*/ | .""",
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"""\s*(?:"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|'((?:[^']|'')*)'|(\w+))""")
_CONSTRAINT = re.compile(r"\s*(CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)\b", re.IGNORECASE)
_PRIMARY_KEY = re.compile(r"\s*(CONSTRAINT\s+\S+\s+)?PRIMARY\s+KEY\b", re.IGNORECASE)

Execute = Callable[[str], Any]


def rebuild(execute: Execute, table: str, columns: dict[str, str], key: str) -> None:
    """Give `table` these columns, by name and declaration; `key` is the one that is its key.

    A column that was there keeps its values where they aren't null. Needs foreign keys off and
    `legacy_alter_table` on, in a transaction.
    """
    (declaration,) = execute(_objects(table, "type = 'table'")).fetchone()
    dependents = [sql for (sql,) in execute(_objects(table, "type IN ('index', 'trigger')"))]
    present = [
        row[1] for row in execute(f"PRAGMA table_xinfo({quote(table)})") if row[6] == 0
    ]  # neither generated nor hidden
    parts = [part for part in split(declaration) if not _PRIMARY_KEY.match(part)]
    kept = {name_of(part).lower(): part for part in parts if not _CONSTRAINT.match(part)}
    constraints = [part for part in parts if _CONSTRAINT.match(part)]
    declared = {name: f"{quote(name)} {text}" for name, text in columns.items()}
    new = ", ".join([*(kept | declared).values(), *constraints])

    execute(f"CREATE TABLE taskhold_rebuilt ({new})")
    names = ", ".join(map(quote, present))
    values = ", ".join(_value(name, columns.get(name.lower(), "")) for name in present)
    execute(
        f"INSERT INTO taskhold_rebuilt ({names}) SELECT {values} FROM {quote(table)} ORDER BY {key}"
    )
    execute(f"DROP TABLE {quote(table)}")
    execute(f"ALTER TABLE taskhold_rebuilt RENAME TO {quote(table)}")
    for sql in dependents:
        execute(sql)


def split(declaration: str) -> Iterator[str]:
    """The columns and constraints of a CREATE TABLE, without its comments."""
    depth, part = 0, ""
    for piece in _PIECE.findall(declaration):
        if piece == ")" and depth == 1:
            yield part
            return
        if piece == "," and depth == 1:
            yield part
            part = ""
        elif depth and not piece.startswith(("--", "/*")):
            part += piece
        depth += (piece == "(") - (piece == ")")


def name_of(part: str) -> str:
    """The name of the column that `part` declares."""
    matched = _NAME.match(part)
    assert matched is not None
    return next(group for group in matched.groups() if group is not None)


def quote(name: str) -> str:
    """`name` as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _value(name: str, declaration: str) -> str:
    """What moves over; the default instead of a null that the new column can't hold."""
    default = re.search(r"DEFAULT (.+) NOT NULL", declaration)
    return f"coalesce({quote(name)}, {default[1]})" if default else quote(name)


def _objects(table: str, which: str) -> str:
    return (
        f"SELECT sql FROM sqlite_master WHERE {which} AND lower(tbl_name) = '{table}' "
        "AND sql IS NOT NULL"
    )
