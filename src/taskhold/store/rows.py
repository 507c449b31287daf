"""The rows of a table, between a database's own values and the API's."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Dialect, String, Table, select

from taskhold.errors import StartupError
from taskhold.store.query import Codecs
from taskhold.store.schema import Codec, Convert

CHUNK = 1_000
"""Rows that are in memory at a time."""

Rows = list[tuple[Any, ...]]
"""Values in the order of the table's columns."""


class TableRows:
    """All rows of one table in one kind of database."""

    def __init__(self, table: Table, dialect: Dialect, codecs: Codecs, bytewise: str) -> None:
        """`bytewise` is the collation that compares texts by their bytes."""
        self.name = table.name
        self.columns = list(table.columns)
        key = (
            column.collate(bytewise) if isinstance(column.type, String) else column
            for column in table.primary_key
        )
        self.in_key_order = str(select(table).order_by(*key).compile(dialect=dialect))
        used = [codecs.get(type(column.type), Codec()) for column in self.columns]
        self._decoders = self._by_number(codec.decode for codec in used)
        self._encoders = self._by_number(codec.encode for codec in used)

    def decode(self, rows: Iterable[Iterable[Any]]) -> Rows:
        """From the database's values to the API's."""
        return _convert(rows, self._decoders)

    def encode(self, rows: Rows) -> Rows:
        """From the API's values to the database's. ValueError for a time that can't be read."""
        return _convert(rows, self._encoders)

    def misfit(
        self, rows: Iterable[Sequence[Any]], is_bad: Callable[[Column[Any], Any], bool], what: str
    ) -> StartupError:
        """The sentence about the first value that is bad."""
        row, column = next(
            (row, column)
            for row in rows
            for column, value in zip(self.columns, row, strict=True)
            if is_bad(column, value)
        )
        key = [
            str(value) for part, value in zip(self.columns, row, strict=True) if part.primary_key
        ]
        return StartupError(
            f"Row {', '.join(key)} of the table “{self.name}” has {what} in its column "
            f"“{column.name}”; nothing was copied"
        )

    def _by_number(self, converters: Iterable[Convert | None]) -> dict[int, Convert]:
        return {
            number: _unless_null(convert) if column.nullable else convert
            for number, (column, convert) in enumerate(zip(self.columns, converters, strict=True))
            if convert
        }


def _convert(rows: Iterable[Iterable[Any]], converters: dict[int, Convert]) -> Rows:
    """A column at a time, which is quicker than a row at a time."""
    columns = list(zip(*rows, strict=True))
    for number, convert in converters.items():
        columns[number] = tuple(map(convert, columns[number]))
    return list(zip(*columns, strict=True))


def _unless_null(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)
