"""A SQLAlchemy statement, compiled once: SQL text, and what turns values in and rows out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from taskhold.store.schema import UTCDateTime

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Codec:
    """How a database's driver takes and gives the values of one type."""

    encode: Convert | None = None
    decode: Convert | None = None


Codecs = Mapping[type[TypeEngine[Any]], Codec]


def stamp(moment: datetime) -> str:
    """The API's form of a time: UTC, six decimals, `Z`. A naive one is taken for UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def now() -> str:
    """The present time in the API's form."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def stamp_before(moment: str, *, hours: int) -> str:
    """The time `hours` before `moment`, both in the API's form."""
    return stamp(datetime.fromisoformat(moment) - timedelta(hours=hours))


def stamp_from_text(text: str | None) -> str | None:
    """`2026-12-01 09:30:00.000000`, as SQLite keeps it, to the API's form.

    Other programs may have written the file: what is no time at all becomes 1970.
    """
    if text is None:
        return None
    if len(text) == 26:
        return text.replace(" ", "T", 1) + "Z"
    try:
        return stamp(datetime.fromisoformat(text))
    except ValueError:
        return "1970-01-01T00:00:00.000000Z"


def text_from_stamp(moment: str | None) -> str | None:
    """The API's form of a time to what SQLite keeps."""
    return moment and f"{moment[:10]} {moment[11:26]}"


SQLITE_CODECS: Codecs = {
    Boolean: Codec(decode=bool),
    UTCDateTime: Codec(encode=text_from_stamp, decode=stamp_from_text),
}


class Query:
    """A statement that is written once and run often; what differs is a `bindparam`."""

    __slots__ = ("statement",)

    def __init__(self, statement: Executable) -> None:
        self.statement = statement


class Compiled:
    """A query for one dialect and driver.

    Raises TypeError for what can't be compiled once: an expanding IN, a literal that is
    rendered at execution, a column default that Python would have to fill in.
    """

    __slots__ = ("_constants", "_encoders", "decode", "sql")

    def __init__(self, query: Query, dialect: Dialect, codecs: Codecs) -> None:
        compiled = query.statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        if (
            compiled.post_compile_params
            or compiled.literal_execute_params
            or compiled.insert_prefetch
            or compiled.update_prefetch
        ):
            raise TypeError(f"this statement can't be compiled once: {compiled}")
        self.sql = str(compiled)
        self._encoders = [
            (name, encode)
            for name, bind in compiled.binds.items()
            if (encode := codecs.get(type(bind.type), Codec()).encode)
        ]
        self._constants = {
            name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required
        }
        self.decode = _row_decoder(
            {
                column.key: codecs.get(type(column.type), Codec()).decode
                for column in getattr(query.statement, "exported_columns", ())
            }
        )

    def encode(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for name, convert in self._encoders:
            parameters[name] = convert(parameters[name])
        if self._constants:
            return self._constants | parameters
        return parameters


def _row_decoder(columns: dict[str, Convert | None]) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    """A function from a row's values to a dict.

    Written out and evaluated once for each query, as `dataclasses` does it: a loop over the
    columns of each row takes several times as long.
    """
    converters = {f"convert_{i}": convert for i, convert in enumerate(columns.values()) if convert}
    items = ", ".join(
        f"{name!r}: {f'convert_{i}(row[{i}])' if convert else f'row[{i}]'}"
        for i, (name, convert) in enumerate(columns.items())
    )
    decode: Callable[[tuple[Any, ...]], dict[str, Any]] = eval(  # noqa: S307, our own column names
        f"lambda row: {{{items}}}", converters
    )
    return decode
