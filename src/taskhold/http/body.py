"""Strict JSON in: what could be meant in two ways is refused, not guessed at."""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from taskhold.errors import FieldError, InvalidJSON, Validation

Model = TypeVar("Model", bound=BaseModel)

Location = tuple[int | str, ...]
MOST_ERRORS = 20
"""That one problem names."""
SET_BY_THE_SERVER = frozenset({"id", "created_at", "updated_at", "completed_at", "version"})


def read_json(model: type[Model], body: bytes) -> Model:
    """The body as `model`: its types exactly, no other names.

    Raises InvalidJSON for what is no JSON (RFC 8259: also bytes that are not UTF-8, NaN, and a
    name twice in one object) and Validation for JSON that can't be meant.
    """
    check_json(body)
    try:
        return model.__pydantic_validator__.validate_json(body, strict=True)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise _problem(error) from None


def check_json(body: bytes) -> None:
    """Raises InvalidJSON unless `body` is JSON with each name once in its object."""
    try:
        _DECODER.decode(body.decode())
    except UnicodeDecodeError:
        raise InvalidJSON("The body is not UTF-8.") from None
    except RecursionError:
        raise InvalidJSON("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise InvalidJSON(
            f"The body is not JSON: {error.msg.removesuffix(' at')} at character {error.pos}."
        ) from None


def _problem(error: ValidationError) -> Validation:
    """What is wrong with a body; of a batch, what is wrong with its first bad operation."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    place = errors[0]["loc"]
    if place[:1] != ("operations",) or len(place) < 2:
        return Validation(field_errors(error, "body"))
    number = place[1]
    problem = Validation(
        [
            _field_error("body", _inside_operation(each["loc"]), each["type"], each["msg"])
            for each in errors
            if each["loc"][1:2] == (number,)
        ][:MOST_ERRORS]
    )
    problem.operation = int(number)
    return problem


def _inside_operation(location: Location) -> Location:
    """`operations.3.create.task.title` is the operation's `title`."""
    inside = location[3:]
    return inside[1:] if inside[:1] in (("task",), ("changes",)) and len(inside) > 1 else inside


def field_errors(error: ValidationError, place: str) -> list[FieldError]:
    """What pydantic found, in our words; never with the value that was sent."""
    return [
        _field_error(place, entry["loc"], entry["type"], entry["msg"])
        for entry in error.errors(include_url=False, include_context=False, include_input=False)[
            :MOST_ERRORS
        ]
    ]


_NO_OBJECT = ("should be an object", "object_type")
_NO_OPERATION = ("should be create, update or delete", "operation")
_IN_OUR_WORDS = {
    "missing": ("is required", "required"),
    # What Python's decoder takes and pydantic's doesn't:
    "json_invalid": ("has a text or a number that no field can hold", "invalid"),
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "dict_type": _NO_OBJECT,
    "union_tag_invalid": _NO_OPERATION,
    "union_tag_not_found": _NO_OPERATION,
}
_PYDANTICS_WORDS = re.compile(r"^(Input|String|List|Value) (?=should)| after validation, not \d+$")


def _field_error(place: str, location: Location, code: str, message: str) -> FieldError:
    names = (part for part in location if isinstance(part, str))  # not its place in an array
    field = ".".join(names)[:100].encode("utf-8", "replace").decode()
    if code == "json_invalid":
        field = ""
    elif code.startswith("union_tag"):
        field = "op"
    elif code == "extra_forbidden":
        if place == "body" and field in SET_BY_THE_SERVER:
            return FieldError(place, field, "is set by the server", "read_only")
        what = "parameter" if place == "query" else "field"
        return FieldError(place, field, f"is not a known {what}", "unknown")
    return FieldError(
        place, field, *_IN_OUR_WORDS.get(code, (_PYDANTICS_WORDS.sub("", message), code))
    )


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise InvalidJSON("A name stands twice in one object.")


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJSON(f"The body is not JSON: {name} is no JSON value.")


_keep_text: Callable[[str], str] = str
_DECODER = json.JSONDecoder(
    object_pairs_hook=_once_each,
    parse_constant=_refuse_constant,
    parse_int=_keep_text,  # never converted: a number of 100,000 digits would take seconds
    parse_float=_keep_text,
)
