"""Todoist's CSV: one project a file, open tasks alone.

https://www.todoist.com/help/articles/format-a-csv-file-to-import-into-todoist-UVUXaiSs

The project is the name of the file, and each of its sections is a list of its own beside it.
A `note` row is a comment on the task before it. Dates that repeat, or that depend on the day when
they are read, can't be carried.
"""

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from taskhold.errors import StartupError
from taskhold.transfer.formats.table import Table, names_in, unharmed
from taskhold.transfer.items import (
    Item,
    Report,
    checked_task,
    fit,
    list_named,
    one_line,
    ref_of_list,
)
from taskhold.transfer.lines import Lines
from taskhold.transfer.moments import NoDue, english_due_from
from taskhold.transfer.tagging import tags_from

_PRIORITIES = {"1": "high", "2": "medium", "3": "low", "4": "none", "": "none"}
_LABEL = re.compile(r"@(\S+)")
_BACKUP_ID = re.compile(r"\s*\[[0-9A-Za-z]+\]$")
"""Behind the name of a project in Todoist's backups."""
_NAME_LENGTH = 500


def is_todoist(first: str) -> bool:
    """Whether a first line is that of Todoist's table."""
    return {"type", "content"} <= names_in(first)


def project_of(stem: str) -> str:
    """The project that a file without its ending is named after."""
    return _BACKUP_ID.sub("", one_line(stem))


def read(lines: Lines, report: Report, *, zone: str, project: str) -> Iterator[Item]:
    """The items of a file."""
    table = Table(lines, report)
    if not {"TYPE", "CONTENT"} <= {name.upper() for name in table.names}:
        raise StartupError("The first row should name the columns TYPE and CONTENT, as Todoist's")
    reader = _Reader(report, zone, project)
    for number, cells in table:
        row = {name.upper(): unharmed(cell).strip() for name, cell in cells.items()}
        yield from reader.items(number, row)
    yield from reader.finish()


class _Reader:
    """What has to be known of the rows before."""

    def __init__(self, report: Report, zone: str, project: str) -> None:
        self._report = report
        self._zone = zone
        self._project = project
        self._list = project
        self._above: list[tuple[str, str]] = []
        """The last task on each level: by what it is meant, and what it says."""
        self._task: tuple[int, int, dict[str, Any]] | None = None
        """The one that comments may follow: its line, its level, its fields."""

    def items(self, number: int, row: dict[str, str]) -> Iterator[Item]:
        """What a row completes."""
        kind = row.get("TYPE", "").lower()
        if kind == "note":
            self._comment(number, row)
            return
        yield from self.finish()
        if kind == "section":
            section = one_line(row["CONTENT"])
            self._list = " / ".join(filter(None, (self._project, section)))[:_NAME_LENGTH]
            self._above = []
        elif kind == "task":
            self._begin(number, row)
        elif kind not in ("", "meta"):
            self._report.note(number, f"a row of the type “{kind[:20]}” is left out")

    def finish(self) -> Iterator[Item]:
        """The task whose comments are all read."""
        if self._task is None:
            return
        (number, level, fields), self._task = self._task, None
        path = [fields.pop("alike")]
        path += [alike for _, alike in reversed(self._above[: level - 1])]
        alike = "\n".join([self._list, *path])
        fit(number, fields, self._report)
        task = checked_task(fields)
        if isinstance(task, str):
            self._report.bad(number, task)
            return
        listed = list_named(number, self._list) if self._list else None
        if listed:
            yield listed
        ref = f"task {number}"
        parent = self._above[level - 2][0] if level > 1 else None
        self._above[level - 1 :] = [(ref, path[0])]
        inside = ref_of_list(self._list) if listed else None
        yield Item(number, "task", task, None, alike, ref, parent, inside)

    def _begin(self, number: int, row: dict[str, str]) -> None:
        level = self._level(number, row.get("INDENT", ""))
        content = row["CONTENT"]
        if content.startswith("* "):
            content = content[2:]
            self._report.note(number, "it can't be ticked off in Todoist; here it can")
        title, labels = _without_labels(content)
        fields: dict[str, Any] = {
            "title": title,
            "done": False,
            "notes": row.get("DESCRIPTION", ""),
        }
        fields["priority"] = self._priority(number, row.get("PRIORITY", ""))
        fields["tags"] = tags_from(number, labels, self._report)
        fields["due"] = self._due(number, row)
        for name, what in (
            ("RESPONSIBLE", "whom it is assigned to"),
            ("DURATION", "how long it takes"),
        ):
            if row.get(name, "") not in ("", "None"):
                self._report.note(number, f"{what} can't be carried")
        fields["alike"] = "\n".join(row.get(name, "") for name in ("CONTENT", "DESCRIPTION"))
        self._task = number, level, fields

    def _level(self, number: int, text: str) -> int:
        level = int(text) if re.fullmatch("[1-9]", text) else 1
        if level > len(self._above) + 1:
            self._report.note(number, "it is indented below nothing: it comes one level deeper")
        return min(level, len(self._above) + 1)

    def _priority(self, number: int, text: str) -> str:
        if text not in _PRIORITIES:
            self._report.note(number, f"its priority “{text[:20]}” can't be carried")
        return _PRIORITIES.get(text, "none")

    def _due(self, number: int, row: dict[str, str]) -> str | None:
        date, deadline = row.get("DATE", ""), row.get("DEADLINE", "")
        if date and deadline:
            self._report.note(
                number, f"its deadline “{deadline[:50]}” can't be carried beside its date"
            )
        text = date or deadline
        if not text:
            return None
        zone = row.get("TIMEZONE", "")
        try:
            ZoneInfo(zone)
        except (ValueError, OSError):
            zone = self._zone
        try:
            due, is_guessed = english_due_from(text, zone)
        except NoDue:
            self._report.note(number, f"its date “{text[:50]}” can't be carried")
            return None
        if is_guessed and zone != row.get("TIMEZONE", ""):
            self._report.note(number, f"its due time has no zone: {zone} is taken")
        return due

    def _comment(self, number: int, row: dict[str, str]) -> None:
        if self._task is None:
            self._report.note(number, "a comment on the project can't be carried")
            return
        notes = self._task[2]["notes"]
        self._task[2]["notes"] = "\n\n".join(filter(None, (notes, row["CONTENT"])))


def _without_labels(content: str) -> tuple[str, list[str]]:
    """The text without the labels at its ends, and all labels."""
    words = content.split(" ")
    labels = [label for word in words if (label := _LABEL.fullmatch(word))]
    while len(words) > 1 and _LABEL.fullmatch(words[-1]):
        words.pop()
    while len(words) > 1 and _LABEL.fullmatch(words[0]):
        words.pop(0)
    return " ".join(words), [label[1] for label in labels]
