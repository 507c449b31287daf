"""What the shapes of the API share."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic import Field as PydanticField
from pydantic_core import PydanticCustomError
from sqlmodel import Field
from sqlmodel._compat import SQLModelConfig

STRICT = SQLModelConfig(extra="forbid", strict=True)
"""For what comes in. Said here: SQLModel's constructor would validate laxly once more."""

LARGEST_ID = 2**63 - 1
ObjectId = Annotated[int, PydanticField(ge=1, le=LARGEST_ID)]
"""The id of a task or a list, in a body."""

_DIGITS = re.compile("-?[0-9]{1,20}")


def _whole_number(text: object) -> object:
    if isinstance(text, str) and not _DIGITS.fullmatch(text):
        raise PydanticCustomError("int_parsing", "should be a whole number")
    return text


Number = Annotated[int, BeforeValidator(_whole_number)]
"""A whole number in ASCII digits, in a query; pydantic alone takes `1_0` and `5.0` as well."""


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def unless_sent(description: str | None = None) -> Any:
    """A field of a PATCH. Its default is its absence, which JSON has no value for."""
    return Field(
        default=None,
        description=description,
        schema_extra={"json_schema_extra": _without_default},
    )
