"""What happened, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from taskhold.cli.days import due_words
from taskhold.cli.screen import quoted
from taskhold.client.shapes import Change

NOT_TOLD = frozenset({"version", "created_at", "updated_at", "completed_at", "open_count"})
ListNames = Mapping[int, str]


def change_words(change: Change, names: ListNames, now: datetime) -> str:
    """`completed 3 “Buy paint”`, in the past tense."""
    what = _object(change)
    undoing = f" (undoing {change['undoes']})" if change["undoes"] else ""
    if change["before"] and change["after"]:
        return _update_words(change, what, names, now) + undoing
    words = {
        "create": f"added {what}",
        "update": f"changed {what}",
        "delete": f"deleted {what}" if change["kind"] == "list" else f"moved {what} to the trash",
        "restore": f"brought back {what}",
        "purge": f"deleted {what} for good",
    }
    return words[change["action"]] + undoing


def task_words(task: Mapping[str, Any], now: datetime) -> str:
    """`3 “Buy paint”, due Fri`."""
    due = f", due {due_words(task['due'], now)}" if task["due"] and not task["done"] else ""
    return f"{task['id']} {quoted(task['title'])}{due}"


def operation_words(changes: Sequence[Change], names: ListNames, now: datetime) -> str:
    """The same of all that was done at once."""
    first = change_words(changes[0], names, now)
    return first if len(changes) == 1 else f"{first} and {len(changes) - 1} more"


def _object(change: Change) -> str:
    shown = change["after"] or change["before"]
    if change["kind"] == "list":
        return f"the list {quoted(shown['name'])}" if shown else f"list {change['id']}"
    return f"{change['id']} {quoted(shown['title'])}" if shown else f"task {change['id']}"


def _update_words(change: Change, what: str, names: ListNames, now: datetime) -> str:
    before, after = change["before"] or {}, change["after"] or {}
    changed = [
        name
        for name in after
        if name not in NOT_TOLD and name in before and before[name] != after[name]
    ]
    told = [words for name in changed if (words := _field_words(name, before, after, names, now))]
    if "done" in changed:
        verb = "completed" if after["done"] else "reopened"
        return f"{verb} {what}" + (f", {', '.join(told)}" if told else "")
    return f"changed {what}" + (f": {', '.join(told)}" if told else "")


def _field_words(
    name: str, before: Mapping[str, Any], after: Mapping[str, Any], names: ListNames, now: datetime
) -> str:
    value = after[name]
    match name:
        case "title" | "name":
            words = f"was {quoted(before[name])}"
        case "due":
            words = f"due {due_words(value, now)}" if value else "no due day"
        case "priority":
            words = "no priority" if value == "none" else f"{value} priority"
        case "tags":
            words = f"tags {', '.join(map(quoted, value))}" if value else "no tags"
        case "list_id":
            words = f"to {list_words(value, names)}"
        case "parent_id":
            words = f"under {value}" if value else "to the top level"
        case "archived":
            words = "archived" if value else "out of the archive"
        case _:
            words = {"notes": "notes", "position": "moved"}.get(name, "")
    return words


def list_words(list_id: int | None, names: ListNames) -> str:
    """A list by its name."""
    if list_id is None:
        return "no list"
    return quoted(names[list_id]) if list_id in names else f"list {list_id}"
