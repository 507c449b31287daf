"""CSV (RFC 4180), for spreadsheets.

A spreadsheet takes a cell for a formula that begins with `=`, `+`, `-` or `@`, white space in front
or not, whoever wrote the task. Such a cell gets an apostrophe in front, and so does one
that has one there already; reading takes it away again
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator

from pydantic_core import to_json

from taskhold.errors import StartupError
from taskhold.store import Row
from taskhold.tasks.models import PRIORITIES
from taskhold.transfer import keys
from taskhold.transfer.items import (
    Item,
    Report,
    checked_task,
    list_named,
    one_line,
    ref_of_list,
)
from taskhold.transfer.lines import Lines
from taskhold.transfer.moments import NoDue, due_from, stamp_of

COLUMNS = (
    *("id", "title", "done", "due", "priority", "tags", "list", "parent_id", "notes"),
    *("completed_at", "created_at", "updated_at", "version"),
)
BYTE_ORDER_MARK = "\ufeff".encode()
_BEGINNING = "(\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])"
_FORMULA = re.compile(f"'*{_BEGINNING}")
_MADE_HARMLESS = re.compile(f"'+{_BEGINNING}")
_OTHER_NAMES = {
    **dict.fromkeys(("task", "name", "summary", "subject", "content"), "title"),
    **dict.fromkeys(("completed", "complete", "finished", "status", "is done"), "done"),
    **dict.fromkeys(("due date", "due_date", "deadline", "date"), "due"),
    **dict.fromkeys(("labels", "label", "tag", "categories", "category"), "tags"),
    **dict.fromkeys(("project", "list name", "folder"), "list"),
    **dict.fromkeys(("note", "description", "details", "comment", "comments"), "notes"),
    **dict.fromkeys(("parent", "parent id"), "parent_id"),
    **dict.fromkeys(("created", "creation date", "created at"), "created_at"),
    **dict.fromkeys(("completion date", "completed at", "completed date"), "completed_at"),
}
_YES = frozenset(("true", "yes", "y", "1", "x", "done", "completed", "complete", "finished", "✓"))
_NO = frozenset(
    ("", "false", "no", "n", "0", "open", "todo", "to do", "pending", "needs-action", "not started")
)
_PRIORITIES = {name: name for name in PRIORITIES}
_PRIORITIES |= {"": "none", "0": "none", "normal": "none", "urgent": "high", "med": "medium"}
MOST_CELL = 2**21
"""Characters of a cell; Python's own limit has no room for long notes."""


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unharmed(text: str) -> str:
    """What `harmless` was given."""
    return text[1:] if _MADE_HARMLESS.match(text) else text


def header(*, with_mark: bool) -> bytes:
    """The first row, behind the mark by which spreadsheets know UTF-8."""
    return (BYTE_ORDER_MARK if with_mark else b"") + rows(
        [dict(zip(COLUMNS, COLUMNS, strict=True))]
    )


def rows(tasks: Iterable[Row]) -> bytes:
    """Rows, each with the name of its list as `list`."""
    written = io.StringIO(newline="")
    table = csv.writer(written, lineterminator="\r\n")
    for task in tasks:
        cells = (task[name] for name in COLUMNS)
        table.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return written.getvalue().encode()


def row_of(task: Row, list_name: str) -> Row:
    """A task as the table has it."""
    return task | {
        "done": "true" if task["done"] else "false",
        "tags": ",".join(task["tags"]),
        "list": list_name,
    }


class Table:
    """The rows of a file, by the names in its first row."""

    def __init__(self, lines: Lines, report: Report) -> None:
        texts = lines.texts()
        first = next(texts, "")
        csv.field_size_limit(MOST_CELL)
        self._lines = lines
        self._report = report
        self._rows = csv.reader(_and(first, texts), delimiter=delimiter_of(first))
        self.names = [each.strip() for each in next(self._rows, [])]

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row with the number of its first line; none of the empty ones."""
        while True:
            number = self._lines.number + 1
            try:
                cells = next(self._rows, None)
            except csv.Error as error:
                self._report.bad(number, f"is no row of a table: {error}")
                continue
            if cells is None:
                return
            if any(map(str.strip, cells[len(self.names) :])):
                text = f"has {len(cells)} cells, and the first row {len(self.names)}"
                self._report.bad(number, text)
            elif any(map(str.strip, cells)):
                yield number, dict(zip(self.names, cells, strict=False))


def delimiter_of(first: str) -> str:
    """What stands between the names."""
    return max(",;\t", key=first.count)


def names_in(first: str) -> set[str]:
    """The names in the first row, in small letters."""
    row = next(csv.reader([first], delimiter=delimiter_of(first)), [])
    return {each.strip().lower() for each in row}


def is_table(first: str) -> bool:
    """Whether a first line has a name that tasks have."""
    return "title" in {_OTHER_NAMES.get(name, name) for name in names_in(first)}


def read(lines: Lines, report: Report, *, zone: str) -> Iterator[Item]:
    """The items of a file. Raises StartupError where no column is the title."""
    table = Table(lines, report)
    meanings: dict[str, str] = {}
    for name in table.names:
        meaning = _OTHER_NAMES.get(name.lower(), name.lower())
        if meaning in COLUMNS and meaning not in meanings.values():
            meanings[name] = meaning
        elif name:
            report.note(1, f"the column “{one_line(name)[:50]}” is left out")
    if "title" not in meanings.values():
        raise StartupError("The first row should name a column “title”")
    for number, cells in table:
        row = {meanings[name]: unharmed(cell) for name, cell in cells.items() if name in meanings}
        task = _task(number, row, report, zone)
        if isinstance(task, str):
            report.bad(number, task)
            continue
        name = one_line(row.get("list", ""))
        if name:
            yield list_named(number, name)
        own, parent = row.get("id", "").strip(), row.get("parent_id", "").strip()
        key = None
        if task["id"] and task["created_at"]:
            key = keys.ours("task", task["id"], task["created_at"])
        yield Item(
            number,
            "task",
            task | {"id": None},
            key,
            to_json(row).decode(),
            f"task {own}" if own else None,
            f"task {parent}" if parent else None,
            ref_of_list(name) if name else None,
        )


def _and(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


class _Bad(ValueError):
    """Why a row can't be a task."""


def _task(number: int, row: dict[str, str], report: Report, zone: str) -> Row | str:
    """What a row says, or why it can't be a task."""
    fields: Row = {"title": row.get("title", ""), "notes": row.get("notes", "")}
    try:
        fields["done"] = _done(row)
        fields["priority"] = _priority(row)
        fields["due"] = _due(number, row, report, zone)
        fields |= _times(row, zone, done=fields["done"])
    except _Bad as bad:
        return str(bad)
    fields["tags"] = [tag for each in row.get("tags", "").split(",") if (tag := one_line(each))]
    for name in ("id", "version"):
        text = row.get(name, "").strip()
        if re.fullmatch("[1-9][0-9]{0,18}", text):
            fields[name] = int(text)
    return checked_task(fields)


def _done(row: dict[str, str]) -> bool:
    done = row.get("done", "").strip().lower()
    if done not in _YES | _NO:
        raise _Bad("done: should be true or false")
    return done in _YES


def _priority(row: dict[str, str]) -> str:
    priority = row.get("priority", "").strip().lower()
    if priority not in _PRIORITIES:
        raise _Bad("priority: should be none, low, medium or high")
    return _PRIORITIES[priority]


def _due(number: int, row: dict[str, str], report: Report, zone: str) -> str | None:
    text = row.get("due", "").strip()
    if not text:
        return None
    try:
        due, is_guessed = due_from(text, zone)
    except NoDue:
        raise _Bad(
            "due: should be a day, as 2026-12-01, or a time, as 2026-12-01T18:00:00+01:00"
        ) from None
    if is_guessed:
        report.note(number, f"its due time has no zone: {zone} is taken")
    return due


def _times(row: dict[str, str], zone: str, *, done: bool) -> Row:
    times: Row = {}
    for name in ("completed_at", "created_at", "updated_at"):
        text = row.get(name, "").strip()
        if text and (done or name != "completed_at"):
            times[name] = stamp_of(text, zone)
            if times[name] is None:
                raise _Bad(f"{name}: should be a time, as 2026-12-01T09:30:00.000000Z")
    return times
