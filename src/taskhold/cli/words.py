"""What happened, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from taskhold.cli.days import due_words
from taskhold.cli.screen import quoted
from taskhold.client.shapes import Change

NOT_TOLD = frozenset({"version", "created_at", "updated_at", "completed_at", "open_count"})
MOST_NAMED = 3
ListNames = Mapping[int, str]


def change_words(change: Change, names: ListNames, now: datetime) -> str:
    """`completed 3 “Buy paint”`, in the past tense."""
    told = ", ".join(_field_words(change, names, now))
    words = _frame(change).format(_object(change))
    if told:
        words += f"{',' if _sets_done(change) else ':'} {told}"
    return words + _undoing(change)


def operation_words(changes: Sequence[Change], names: ListNames, now: datetime) -> str:
    """The same of all that was done at once: `completed 2 tasks: 3 “Buy paint”, 4 “Paint”`."""
    if len(changes) == 1:
        return change_words(changes[0], names, now)
    lists = [change for change in changes if change["kind"] == "list"]
    if lists or len({_frame(change) for change in changes}) > 1:
        lead = (lists or changes)[-1]
        return f"{change_words(lead, names, now)}, and {len(changes) - 1} more"
    objects = [_object(change) for change in sorted(changes, key=itemgetter("id"))]
    more = ", …" if len(objects) > MOST_NAMED else ""
    words = _frame(changes[0]).format(f"{len(changes)} tasks")
    return f"{words}: {', '.join(objects[:MOST_NAMED])}{more}{_undoing(changes[0])}"


def task_words(task: Mapping[str, Any], now: datetime) -> str:
    """`3 “Buy paint”, due Fri`."""
    due = f", due {due_words(task['due'], now)}" if task["due"] and not task["done"] else ""
    return f"{task['id']} {quoted(task['title'])}{due}"


def _frame(change: Change) -> str:
    """The verb, and where the object stands."""
    if _sets_done(change):
        return "completed {}" if (change["after"] or {})["done"] else "reopened {}"
    return {
        "create": "added {}",
        "update": "changed {}",
        "delete": "deleted {}" if change["kind"] == "list" else "moved {} to the trash",
        "restore": "brought back {}",
        "purge": "deleted {} for good",
    }[change["action"]]


def _sets_done(change: Change) -> bool:
    return "done" in _changed_fields(change)


def _changed_fields(change: Change) -> list[str]:
    before, after = change["before"], change["after"]
    if not before or not after:
        return []
    return [
        name
        for name in after
        if name not in NOT_TOLD and name in before and before[name] != after[name]
    ]


def _undoing(change: Change) -> str:
    return f" (undoing {change['undoes']})" if change["undoes"] else ""


def _object(change: Change) -> str:
    shown = change["after"] or change["before"]
    if change["kind"] == "list":
        return f"the list {quoted(shown['name'])}" if shown else f"list {change['id']}"
    return f"{change['id']} {quoted(shown['title'])}" if shown else f"task {change['id']}"


def _field_words(change: Change, names: ListNames, now: datetime) -> list[str]:
    before, after = change["before"] or {}, change["after"] or {}
    told = (_one_field(name, before, after, names, now) for name in _changed_fields(change))
    return [words for words in told if words]


def _one_field(
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
