"""Strict query strings: a parameter that isn't known, or came twice, is refused."""

from functools import lru_cache
from typing import Any, Generic, TypeVar, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from taskhold.errors import FieldError, Validation
from taskhold.http.body import field_errors

Model = TypeVar("Model", bound=BaseModel)


MAX_PARAMETERS = 100
KEPT = 1_000
"""Query strings whose meaning is kept: a program asks for the same few again and again."""
LONGEST_KEPT = 256


class QueryReader(Generic[Model]):
    """Reads a query string as `model`, whose fields are texts, numbers and booleans.

    The same string gives the same object, which is frozen.
    """

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._repeatable = frozenset(
            name
            for name, field in model.model_fields.items()
            if get_origin(field.annotation) is list
        )
        self._empty = model()
        self._known = lru_cache(maxsize=KEPT)(self._validated)

    def read(self, query_string: bytes) -> Model:
        """Raises Validation for an unknown, repeated or unfit parameter."""
        if not query_string:
            return self._empty
        if len(query_string) > LONGEST_KEPT:
            return self._validated(query_string)
        return self._known(query_string)

    def _validated(self, query_string: bytes) -> Model:
        parameters = parse(query_string, self._repeatable)
        try:
            return self._model.model_validate(parameters)
        except ValidationError as error:
            raise Validation(field_errors(error, "query")) from None


def parse(query_string: bytes, repeatable: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The parameters by name, each a text, or a list of texts where it may be repeated.

    Raises Validation for another one that came twice, and for what is not UTF-8.
    """
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
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        if name in repeatable:
            parameters.setdefault(name, []).append(value)
        elif name in parameters:
            raise Validation([FieldError("query", name[:100], "came more than once", "repeated")])
        else:
            parameters[name] = value
    return parameters


class NoParameters(BaseModel):
    """For routes that take no query parameter."""

    model_config = {"extra": "forbid"}
