"""A task as a text in an editor, and what it has become."""

import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from taskhold.cli.days import parse_due
from taskhold.cli.fields import NONE, PRIORITIES, list_id_of
from taskhold.cli.tables import list_names
from taskhold.cli.tasks import Tasks, warn
from taskhold.client.calls import update
from taskhold.client.errors import Invalid, VersionConflict
from taskhold.client.shapes import Task
from taskhold.errors import StartupError

_HINT = "# Save and close. An empty value takes a thing away; a day may be “friday” or “24 dec”.\n"
_NOTES = "--- notes, all below this line ---"
_FIELDS = ("title", "due", "priority", "tags", "list", "done")


class _NotUnderstood(Exception):
    """What is wrong with a text, in a sentence."""


def edit_in_editor(tasks: Tasks, task: Task) -> Task | None:
    """Open a task in $VISUAL or $EDITOR; None where nothing was changed.

    What was written is never lost: where it can't be used it stays in a file.
    """
    names = list_names(tasks, [task])
    before = _as_fields(task, "" if task["list_id"] is None else names.get(task["list_id"], ""))
    text = _as_text(before)
    while True:
        edited = click.edit(text, extension=".txt", require_save=True)
        if edited is None or edited == text == _as_text(before):
            return None
        text = edited
        try:
            changes = _changes(tasks, before, _parse(text))
            return _save(tasks, task, changes) if changes else None
        except (_NotUnderstood, Invalid, StartupError, click.ClickException) as error:
            warn(str(error) if not isinstance(error, click.ClickException) else error.message)
            if not click.confirm("Edit it again?", default=True, err=True):
                raise _kept(text, "Nothing was changed") from None
        except VersionConflict as conflict:
            changed = ", ".join(_changed_meanwhile(task, conflict.current))
            raise _kept(text, f"It has changed meanwhile ({changed})") from None


def _as_fields(task: Task, list_name: str) -> dict[str, str]:
    return {
        "title": task["title"],
        "due": task["due"] or "",
        "priority": task["priority"],
        "tags": ", ".join(task["tags"]),
        "list": list_name,
        "done": "yes" if task["done"] else "no",
        "notes": task["notes"].replace("\r\n", "\n").replace("\r", "\n"),
    }


def _as_text(fields: dict[str, str]) -> str:
    lines = "".join(f"{name}: {fields[name]}".rstrip() + "\n" for name in _FIELDS)
    return f"{_HINT}{lines}{_NOTES}\n{fields['notes']}\n"


def _parse(text: str) -> dict[str, str]:
    """The fields. A line that is gone is a field that stays as it is."""
    head, found, notes = text.partition(f"{_NOTES}\n")
    if not found:
        raise _NotUnderstood(f"The line “{_NOTES}” has to stay")
    fields = {"notes": notes.removesuffix("\n")}
    for line in head.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or name not in _FIELDS or name in fields:
            raise _NotUnderstood(
                f"“{line}” is not understood; lines begin with one of "
                f"{', '.join(_FIELDS)}, each once"
            )
        fields[name] = value.strip()
    return fields


def _changes(tasks: Tasks, before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, value in after.items():
        if value == before[name]:
            continue
        if name == "list":
            changes["list_id"] = list_id_of(tasks, value) if value else None
        elif name == "tags":
            changes["tags"] = [tag for each in value.split(",") if (tag := each.strip())]
        else:
            changes[name] = _VALUES[name](value)
    return changes


def _due(value: str) -> str | None:
    if value.lower() in ("", NONE):
        return None
    due = parse_due(value, datetime.now().astimezone())
    if due is None:
        raise _NotUnderstood(f"“{value}” is no day that is understood here")
    return due


def _priority(value: str) -> str:
    if (value.lower() or NONE) not in PRIORITIES:
        raise _NotUnderstood(f"A priority is one of {', '.join(PRIORITIES)}")
    return value.lower() or NONE


def _done(value: str) -> bool:
    if value.lower() not in ("yes", "no"):
        raise _NotUnderstood("done is yes or no")
    return value.lower() == "yes"


_VALUES: dict[str, Callable[[str], Any]] = {
    "title": str,
    "notes": str,
    "due": _due,
    "priority": _priority,
    "done": _done,
}


def _save(tasks: Tasks, task: Task, changes: dict[str, Any]) -> Task:
    """Change these fields, also where somebody has changed others meanwhile."""
    version = task["version"]
    while True:
        try:
            (saved,) = tasks.batch([update(task["id"], changes, version)])
        except VersionConflict as conflict:
            if set(_changed_meanwhile(task, conflict.current)) & set(changes):
                raise
            version = conflict.current["version"]
        else:
            assert saved is not None
            return saved


def _changed_meanwhile(task: Any, current: Any) -> list[str]:
    counted = {"version", "updated_at", "completed_at"}
    return [name for name in task if name not in counted and task[name] != current[name]]


def _kept(text: str, why: str) -> StartupError:
    number, name = tempfile.mkstemp(prefix="taskhold-", suffix=".txt")  # of mode 0600
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
    return StartupError(f"{why}; what you wrote is in {name}")
