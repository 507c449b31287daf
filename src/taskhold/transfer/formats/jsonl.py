"""JSON Lines (https://jsonlines.org): everything, each thing as the API shows it.

    {"format":"taskhold","version":1,"exported_at":"…","counts":{"list":1,"task":2,…}}
    {"list":{…}}
    {"task":{…}}
    {"trash":{"task":{…},"deleted_at":"…","operation":1,"seq":1}}
    {"change":{…}}

Lists come first, then tasks in the order of their ids; the trash in the order in which it was
filled, and the journal. Whoever writes such a file may leave out what a `TaskCreate` may, the
`id` where nothing refers to it, and what the server sets.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from taskhold.errors import StartupError
from taskhold.journal.rendering import change_as_json
from taskhold.store import Row
from taskhold.transfer import keys
from taskhold.transfer.items import Item, Report, sentence, shown
from taskhold.transfer.lines import Lines
from taskhold.transfer.models import (
    ChangeInFile,
    Header,
    ListInFile,
    ListInJournal,
    TaskInFile,
    TrashInFile,
)

VERSION = 1
_MODELS: dict[str, type[BaseModel]] = {
    "list": ListInFile,
    "task": TaskInFile,
    "trash": TrashInFile,
    "change": ChangeInFile,
}
_BODIES: dict[str, type[BaseModel]] = {"task": TaskInFile, "list": ListInJournal}


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Bad(ValueError):
    """Why a line is none of ours."""


def read(lines: Lines, report: Report) -> Iterator[Item]:
    """The items of a file. Raises StartupError for a file of another kind."""
    raw = lines.raw()
    header = _header(next(raw, b""))
    counted = dict.fromkeys(_MODELS, 0)
    for line in raw:
        if not line.strip():
            continue
        try:
            item = _item(lines.number, line)
        except Bad as bad:
            report.bad(lines.number, str(bad))
        else:
            counted[item.kind] += 1
            yield item
    for kind, count in header.counts.items():
        if counted.get(kind, count) < count:
            text = f"the file ends early: it should have {count:,} of “{kind}” and has "
            report.bad(lines.number, text + f"{counted[kind]:,}")


def _header(line: bytes) -> Header:
    try:
        header = Header.model_validate_json(line, strict=True)
    except ValidationError:
        raise StartupError(
            'The file should begin with the line {"format":"taskhold","version":1,…} of an export'
        ) from None
    if header.version != VERSION:
        raise StartupError("The file was made by a newer Taskhold; import it with that version")
    return header


def _item(number: int, line: bytes) -> Item:
    kind, body = _kind_and_body(line)
    try:
        model = _MODELS[kind].__pydantic_validator__.validate_python(body, strict=True)
    except ValidationError as error:
        raise Bad(sentence(error)) from None
    if isinstance(model, TrashInFile):
        fields = shown(model.task) | {"deleted_at": model.deleted_at}
        return _task(number, "trash", fields | {"operation": model.operation, "seq": model.seq})
    fields = shown(model)
    if isinstance(model, ChangeInFile):
        for side in ("before", "after"):
            _check_body(side, model.kind, fields[side])
        return Item(number, "change", fields, f"change {model.seq}")
    if kind == "list":
        key, ref = _identity("list", fields)
        return Item(number, "list", fields, key, "" if key else to_json(fields).decode(), ref)
    return _task(number, "task", fields)


def _task(number: int, kind: Any, fields: Row) -> Item:
    key, ref = _identity("task", fields)
    alike = "" if key else to_json(fields).decode()
    parent, inside = fields.pop("parent_id"), fields.pop("list_id")
    if not fields["done"] and fields["completed_at"] is not None:
        raise Bad("completed_at: should be null while the task is not done")
    return Item(
        number,
        kind,
        fields,
        key,
        alike,
        ref,
        None if parent is None else f"task {parent}",
        None if inside is None else f"list {inside}",
    )


def _identity(kind: str, fields: Row) -> tuple[str | None, str | None]:
    object_id, created_at = fields["id"], fields["created_at"]
    if object_id is None:
        return None, None
    key = keys.ours(kind, object_id, created_at) if created_at else None
    return key, f"{kind} {object_id}"


def _check_body(side: str, kind: str, body: Any) -> None:
    if body is None:
        return
    try:
        _BODIES[kind].__pydantic_validator__.validate_python(body, strict=True)
    except ValidationError as error:
        raise Bad(f"{side}.{sentence(error)}") from None


def _kind_and_body(line: bytes) -> tuple[str, Any]:
    try:
        document = _DECODER.decode(line.decode())
        if _SURROGATE.search(line):
            from_json(line)  # refuses half of one, which Python lets pass
    except UnicodeError:
        raise Bad("is not UTF-8") from None
    except RecursionError:
        raise Bad("is nested too deeply") from None
    except Bad:
        raise
    except json.JSONDecodeError as error:
        raise Bad(f"is not JSON: {error.msg.removesuffix(' at')}") from None
    except ValueError:
        raise Bad("has half of a character, \\ud800 to \\udfff") from None
    if not isinstance(document, dict) or len(document) != 1:
        raise Bad("should be an object with one name: list, task, trash or change")
    ((kind, body),) = document.items()
    if kind not in _MODELS:
        raise Bad("should be an object with one name: list, task, trash or change")
    return kind, body


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Bad("has a name twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise Bad(f"is not JSON: {name} is no JSON value")


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float("inf")  # which no field takes


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once_each, parse_constant=_refuse_constant, parse_int=_whole_number
)


def header(exported_at: str, counts: dict[str, int]) -> bytes:
    """The first line."""
    document = {"format": "taskhold", "version": VERSION, "exported_at": exported_at}
    return to_json(document | {"counts": counts}) + b"\n"


def line(kind: str, fields: Row) -> bytes:
    """A list, a task, or a task in the trash."""
    return to_json({kind: fields}) + b"\n"


def change_line(change: Row) -> bytes:
    """A change; its objects are kept as JSON and go out as they are kept."""
    return b'{"change":%s}\n' % change_as_json(change)
