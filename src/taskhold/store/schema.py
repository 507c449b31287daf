"""What every table shares: the metadata, the type of times, and the row about the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import WithJsonSchema
from pydantic_core import from_json
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

from taskhold.encoding import as_json

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; SQLite counts up only an `INTEGER PRIMARY KEY`."""


Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Codec:
    """How a database's driver takes and gives the values of one type."""

    encode: Convert | None = None
    decode: Convert | None = None


class Ranked(SmallInteger):
    """One of some names, kept as its place among them, so that it sorts by rank."""

    cache_ok = True

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        self.codec = Codec(encode=names.index, decode=names.__getitem__)


class TextList(Text):
    """A list of texts, kept as JSON."""

    codec = Codec(
        encode=lambda texts: as_json(texts).decode(),
        decode=lambda text: [] if text == "[]" else from_json(text),
    )


class IdList(TypeEngine[list[int]]):
    """Ids in one parameter: an array on PostgreSQL, JSON on SQLite."""


class TextArray(TypeEngine[list[str]]):
    """Texts in one parameter, in the same way."""


def in_byte_order(kind: type[String]) -> String:
    """A text that is compared by its bytes; PostgreSQL would go by its database's language."""
    return kind().with_variant(kind(collation="C"), "postgresql")


class Stored(SQLModel):
    """The base of everything with a table here, in a metadata of its own."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)


def table(model: type[Stored]) -> Table:
    """The table of a model, for statements."""
    found = model.__table__  # type: ignore[attr-defined]
    assert isinstance(found, Table)
    return found


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. SQLite keeps it as SQLAlchemy's `DATETIME` text in UTC, as the lesson's app does.

    SQLite drops offsets, so a naive value is taken for UTC and an aware one comes back.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        utc = aware.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        if value is None or value.tzinfo:
            return value
        return value.replace(tzinfo=UTC)


Stamp = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
            "description": "UTC, with six decimals.",
        }
    ),
]
"""A time as the API shows it."""


class Database(Stored, table=True):
    """The one row about the database as a whole."""

    __tablename__ = "database"

    id: int = Field(primary_key=True)
    lineage: str = Field(sa_column=Column(Text, nullable=False))
    settled: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Counts the writes that a store makes only to settle a commit that failed."""
