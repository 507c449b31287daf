"""A SQLAlchemy statement, compiled once: SQL text, and what turns values in and rows out."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Dialect, Executable, Insert, UpdateBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from taskhold.store.schema import Codec, Convert, IdList, TextArray, UTCDateTime

Codecs = Mapping[type[TypeEngine[Any]], Codec]
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")

_NUMBER = re.compile(r"\$([0-9]+)")
"""A parameter of PostgreSQL's."""

_MINUTES = [f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]


def stamp(moment: datetime) -> str:
    """The API's form of a time: UTC, six decimals, `Z`. A naive one is taken for UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def now() -> str:
    """The present time in the API's form."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def is_stamp(text: str) -> bool:
    """Whether `text` is a time in the API's form."""
    try:
        return _STAMP.fullmatch(text) is not None and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def stamp_before(moment: str, *, hours: float) -> str:
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


def moment_from_stamp(moment: str | None) -> datetime | None:
    """The API's form of a time to what PostgreSQL's driver takes."""
    return None if moment is None else datetime.fromisoformat(moment)


def stamp_from_moment(moment: datetime | None) -> str | None:
    """What PostgreSQL's driver gives, always in UTC, to the API's form."""
    if moment is None:
        return None
    minute = _MINUTES[moment.hour * 60 + moment.minute]
    # From its parts: `isoformat` looks for the time zone of each, which takes twice as long.
    return f"{_day(moment.toordinal())}{minute}{moment.second:02}.{moment.microsecond:06}Z"


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    return f"{date.fromordinal(number).isoformat()}T"


SQLITE_CODECS: Codecs = {
    Boolean: Codec(encode=int, decode=bool),  # the driver looks long for what a bool is to it
    UTCDateTime: Codec(encode=text_from_stamp, decode=stamp_from_text),
    IdList: Codec(encode=json.dumps),
    TextArray: Codec(encode=json.dumps),
}
POSTGRES_CODECS: Codecs = {
    UTCDateTime: Codec(encode=moment_from_stamp, decode=stamp_from_moment),
}


class Query:
    """A statement that is written once and run often; what differs is a `bindparam`.

    `on_sqlite` asks the same where SQLite has to be asked otherwise.
    """

    __slots__ = ("on_sqlite", "statement")

    def __init__(self, statement: Executable, *, on_sqlite: Executable | None = None) -> None:
        self.statement = statement
        self.on_sqlite = statement if on_sqlite is None else on_sqlite


class Compiled:
    """A query for one dialect and driver.

    Raises TypeError for what can't be compiled once: an expanding IN, a literal that is
    rendered at execution, a column default that Python would have to fill in.
    """

    __slots__ = ("columns", "decode", "encode", "sql", "table", "writes")

    def __init__(self, query: Query, dialect: Dialect, codecs: Codecs) -> None:
        statement = query.on_sqlite if dialect.name == "sqlite" else query.statement
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        if (
            compiled.post_compile_params
            or compiled.literal_execute_params
            or compiled.insert_prefetch
            or compiled.update_prefetch
        ):
            raise TypeError(f"this statement can't be compiled once: {compiled}")
        self.sql = str(compiled)
        self.writes = isinstance(statement, UpdateBase)
        self.encode = _encoder(compiled, codecs)
        self.table: str | None = None
        """Of an INSERT that takes its parameters as they are, for PostgreSQL's COPY."""
        self.columns = tuple(compiled.positiontup or ())
        if isinstance(statement, Insert) and _is_plain(statement, compiled):
            self.table = statement.table.name
        self.decode = _row_decoder(
            {
                column.key: _codec(column.type, codecs).decode
                for column in getattr(statement, "exported_columns", ())
            }
        )


def _is_plain(statement: Insert, compiled: SQLCompiler) -> bool:
    names = compiled.positiontup
    return (
        names is not None
        and statement.select is None
        and not statement.exported_columns
        and all(compiled.binds[name].required for name in names)
        and {column.name for column in statement.table.columns}.issuperset(names)
    )


class CompiledQueries(dict[Query, Compiled]):
    """Each query compiled for one database when it is first used."""

    def __init__(self, dialect: Dialect, codecs: Codecs) -> None:
        super().__init__()
        self._dialect = dialect
        self._codecs = codecs
        self._beside: dict[tuple[Query, Query], str] = {}

    def beside(self, first: Query, then: Query) -> str:
        """PostgreSQL's SQL for both at once: the parameters of one, and those of the other.

        https://www.postgresql.org/docs/current/queries-with.html: all parts of a statement see
        the same state, that before it.
        """
        sql = self._beside.get((first, then))
        if sql is None:
            others, own = self[first], self[then]
            before = len(others.columns)
            own_sql = _NUMBER.sub(lambda number: f"${int(number[1]) + before}", own.sql)
            sql = self._beside[first, then] = f"WITH beside AS ({others.sql}) {own_sql}"
        return sql

    def __missing__(self, query: Query) -> Compiled:
        compiled = self[query] = Compiled(query, self._dialect, self._codecs)
        return compiled


def _codec(kind: TypeEngine[Any], codecs: Codecs) -> Codec:
    """That of the database for the type, else that of the type for every database."""
    own: Codec = getattr(kind, "codec", _AS_IT_IS)
    return codecs.get(type(kind), own)


_AS_IT_IS = Codec()


def _encoder(compiled: SQLCompiler, codecs: Codecs) -> Callable[[dict[str, Any]], Any]:
    """A function from the parameters by name to what the driver takes: a tuple.

    Written out and evaluated once, as `_row_decoder` is.
    """
    names: dict[str, Any] = {}
    values = []
    for number, name in enumerate(compiled.positiontup or ()):
        bind = compiled.binds[name]
        convert = _codec(bind.type, codecs).encode
        value = f"given[{name!r}]"
        if not bind.required:
            value = f"constant_{number}"
            names[value] = bind.effective_value
        if convert:
            names[f"convert_{number}"] = convert
            value = f"convert_{number}({value})"
        values.append(f"{value}, ")
    made = f"lambda given: ({''.join(values)})"
    encode: Callable[[dict[str, Any]], Any] = eval(made, names)  # noqa: S307, our own parameters
    return encode


def _row_decoder(columns: dict[str, Convert | None]) -> Callable[[Any], dict[str, Any]]:
    """A function from a row's values to a dict.

    Written out and evaluated once for each query, as `dataclasses` does it: a loop over the
    columns of each row takes several times as long.
    """
    converters = {f"convert_{i}": convert for i, convert in enumerate(columns.values()) if convert}
    items = ", ".join(
        f"{name!r}: {f'convert_{i}(row[{i}])' if convert else f'row[{i}]'}"
        for i, (name, convert) in enumerate(columns.items())
    )
    decode: Callable[[Any], dict[str, Any]] = eval(  # noqa: S307, our own column names
        f"lambda row: {{{items}}}", converters
    )
    return decode
