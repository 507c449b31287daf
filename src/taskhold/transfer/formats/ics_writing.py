"""Writing iCalendar's VTODO (RFC 5545)."""

from collections.abc import Iterable
from datetime import datetime

from taskhold import __version__
from taskhold.store import Row
from taskhold.store.query import stamp
from taskhold.tasks import due as dues
from taskhold.transfer.formats.content_lines import escaped, folded

LIST = "X-TASKHOLD-LIST"
"""The name of the list that a task is in."""
_PRIORITIES = {"high": 1, "medium": 5, "low": 9}


def header() -> bytes:
    """What stands before the first task."""
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//Taskhold//Taskhold {__version__}//EN")
    return _lines(lines)


FOOTER = b"END:VCALENDAR\r\n"


def todo(task: Row, list_name: str, uid: str, parent_uid: str | None, exported_at: str) -> bytes:
    """A task. Its due time comes in UTC; the text in which it was sent has no place here."""
    lines = [
        "BEGIN:VTODO",
        f"UID:{escaped(uid)}",
        f"DTSTAMP:{_moment(exported_at)}",
        f"CREATED:{_moment(task['created_at'])}",
        f"LAST-MODIFIED:{_moment(task['updated_at'])}",
        f"SEQUENCE:{task['version'] - 1}",
        f"SUMMARY:{escaped(task['title'])}",
    ]
    if task["notes"]:
        lines.append(f"DESCRIPTION:{escaped(task['notes'])}")
    if (due := due_property(task["due"])) is not None:
        lines.append(due)
    if task["priority"] in _PRIORITIES:
        lines.append(f"PRIORITY:{_PRIORITIES[task['priority']]}")
    if task["tags"]:
        lines.append("CATEGORIES:" + ",".join(map(escaped, task["tags"])))
    if task["done"]:
        completed = _moment(task["completed_at"] or task["updated_at"])
        lines += ["STATUS:COMPLETED", "PERCENT-COMPLETE:100", f"COMPLETED:{completed}"]
    else:
        lines.append("STATUS:NEEDS-ACTION")
    if parent_uid:
        lines.append(f"RELATED-TO:{escaped(parent_uid)}")
    if list_name:
        lines.append(f"{LIST}:{escaped(list_name)}")
    return _lines([*lines, "END:VTODO"])


def due_property(due: str | None) -> str | None:
    """The line; None for what is never due, and for a time that has no year in UTC."""
    if due is None:
        return None
    if dues.is_day(due):
        return f"DUE;VALUE=DATE:{due.replace('-', '')}"
    try:
        return f"DUE:{_moment(stamp(datetime.fromisoformat(due)))}"
    except (ValueError, OverflowError):
        return None


def _moment(moment: str) -> str:
    """A time of the API's as a DATE-TIME in UTC."""
    return f"{moment[:19].replace('-', '').replace(':', '')}Z"


def _lines(lines: Iterable[str]) -> bytes:
    return b"".join(folded(line.encode()) for line in lines)
