"""Strict query strings: a parameter that isn't known, or came twice, is refused."""

import re
from typing import Annotated, Generic, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from taskhold.errors import FieldError, Validation
from taskhold.http.body import field_errors

Model = TypeVar("Model", bound=BaseModel)


def _whole_number(text: object) -> object:
    if isinstance(text, str) and not _DIGITS.fullmatch(text):
        raise PydanticCustomError("int_parsing", "should be a whole number")
    return text


Number = Annotated[int, BeforeValidator(_whole_number)]
"""A whole number in ASCII digits; pydantic alone takes `1_0` and `5.0` as well."""
_DIGITS = re.compile("-?[0-9]{1,20}")
MAX_PARAMETERS = 100


class QueryReader(Generic[Model]):
    """Reads a query string as `model`, whose fields are texts, numbers and booleans."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._empty = model()

    def read(self, query_string: bytes) -> Model:
        """Raises Validation for an unknown, repeated or unfit parameter."""
        if not query_string:
            return self._empty
        parameters = parse(query_string)
        try:
            return self._model.model_validate_strings(parameters)
        except ValidationError as error:
            raise Validation(field_errors(error, "query")) from None


def parse(query_string: bytes) -> dict[str, str]:
    """The parameters by name. Raises Validation for one that came twice or is not UTF-8."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise Validation(
            [FieldError("query", "", "is not UTF-8, or has too many parameters", "invalid")]
        ) from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Validation([FieldError("query", twice[:100], "came more than once", "repeated")])
    return parameters


class NoParameters(BaseModel):
    """For routes that take no query parameter."""

    model_config = {"extra": "forbid"}
