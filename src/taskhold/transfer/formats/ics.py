"""iCalendar's VTODO (RFC 5545).

What is hard about it, time zones, durations and parameters, is done by the library `icalendar`;
lines are put together and taken apart here, since whole components take it a quarter of a
millisecond each (`docs/decisions/0030-transfer.md`).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Timezone
from icalendar.prop import vDuration
from icalendar.timezone import tzp

from taskhold.store import Row
from taskhold.store.query import stamp
from taskhold.transfer import keys
from taskhold.transfer.formats.content_lines import (
    Property,
    property_of,
    read_time,
    unescaped,
    unfolded,
)
from taskhold.transfer.formats.ics_writing import LIST
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
from taskhold.transfer.moments import instant
from taskhold.transfer.tagging import tags_from

_UTC = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_PARTS = re.compile(r"(?:[^\\,]|\\.)+", re.DOTALL)
_BEGIN, _END = "BEGIN:", "END:"
MOST_LINES = 200_000
"""Of one component; a longer one is bad."""
_CANNOT = {
    "RRULE": "that it repeats",
    "RDATE": "that it repeats",
    "LOCATION": "its location",
    "GEO": "its place on the map",
    "URL": "its address on the web",
    "ATTACH": "what is attached",
    "ATTENDEE": "who takes part",
    "ORGANIZER": "who organises it",
    "RESOURCES": "its resources",
    "COMMENT": "its comment",
    "CONTACT": "its contact",
}
_PARENT = "PARENT"


def read(lines: Lines, report: Report, *, zone: str) -> Iterator[Item]:
    """The items of a file, which may hold several calendars."""
    reader = _Reader(report, zone)
    for number, line in unfolded(lines, report):
        yield from reader.items(number, line)
    reader.finish(lines.number)


class _Reader:
    """Where in a file it is."""

    def __init__(self, report: Report, zone: str) -> None:
        self._report = report
        self._zone = zone
        self._inside: list[str] = []
        self._calendar: str | None = None
        """The name of the calendar."""
        self._first_line = 0
        self._properties: list[Property] = []
        self._zone_lines: list[str] = []
        self._left_out: set[str] = set()

    def items(self, number: int, line: str) -> Iterator[Item]:
        """What a line completes."""
        upper = line[:40].upper()
        if upper.startswith(_BEGIN):
            self._begin(number, upper.removeprefix(_BEGIN).strip(), line)
        elif upper.startswith(_END):
            yield from self._end(number, upper.removeprefix(_END).strip(), line)
        elif self._zone_lines:
            self._zone_lines.append(line)
        elif self._inside[-1:] == ["VTODO"] and line:
            self._add(number, line)
        elif self._inside == ["VCALENDAR"] and upper.startswith(("X-WR-CALNAME", "NAME")):
            name = one_line(unescaped(line.partition(":")[2]))
            self._calendar = self._calendar or name[:500] or None

    def finish(self, number: int) -> None:
        """Say so where the file ends in the middle."""
        if self._inside:
            self._report.bad(number, f"the file ends inside of a {self._inside[-1]}")

    def _begin(self, number: int, name: str, line: str) -> None:
        self._inside.append(name)
        if name == "VCALENDAR":
            self._calendar = None
        elif name == "VTODO":
            self._first_line, self._properties = number, []
        elif name == "VTIMEZONE":
            self._zone_lines = [line]
        elif self._zone_lines:
            self._zone_lines.append(line)
        elif name == "VALARM" and "VTODO" in self._inside:
            self._report.note(number, "a reminder can't be carried")
        elif name not in self._left_out and self._inside[:-1] == ["VCALENDAR"]:
            self._left_out.add(name)
            self._report.note(number, f"{name} is no task: all of these are left out")

    def _end(self, number: int, name: str, line: str) -> Iterator[Item]:
        if self._inside[-1:] != [name]:
            self._report.bad(number, f"END:{name[:30]} ends nothing")
            return
        self._inside.pop()
        if self._zone_lines:
            self._zone_lines.append(line)
            if name == "VTIMEZONE":
                self._learn_zone()
        elif name == "VTODO":
            todo = _Todo(self._first_line, self._properties, self._report, self._zone)
            yield from todo.items(self._calendar)

    def _add(self, number: int, line: str) -> None:
        if len(self._properties) >= MOST_LINES:
            return
        found = property_of(line)
        if found is None:
            self._report.note(number, "is no line of iCalendar: left out")
        else:
            self._properties.append(found)

    def _learn_zone(self) -> None:
        """A zone of the file's own; those with a name of IANA's or Windows' are known."""
        text, self._zone_lines = "\r\n".join(self._zone_lines), []
        try:
            tzp.cache_timezone_component(Timezone.from_ical(text))
        except Exception:  # whatever the library finds in it
            self._report.note(self._first_line, "a time zone of the file can't be read")


class _Todo:
    """One VTODO."""

    def __init__(self, number: int, properties: list[Property], report: Report, zone: str) -> None:
        self._number = number
        self._report = report
        self._zone = zone
        self._all = properties
        self._first: dict[str, Property] = {}
        for each in properties:
            self._first.setdefault(each.name, each)

    def items(self, calendar: str | None) -> Iterator[Item]:
        """The task, and before it the list that it is in."""
        fields: Row = {"title": self._title(), "notes": self._text("DESCRIPTION")}
        fields |= {"priority": self._priority(), "due": self._due()}
        fields |= self._state()
        categories = [
            unescaped(part)
            for each in self._all
            if each.name == "CATEGORIES"
            for part in _PARTS.findall(each.value)
        ]
        fields["tags"] = tags_from(self._number, categories, self._report)
        self._say_what_is_lost()
        fit(self._number, fields, self._report)
        task = checked_task(fields)
        if isinstance(task, str):
            self._report.bad(self._number, task)
            return
        name = one_line(self._text(LIST))[:500] or calendar
        if name:
            yield list_named(self._number, name)
        uid, again = self._text("UID").strip(), self._text("RECURRENCE-ID").strip()
        key = keys.of_uid(one_line(uid), one_line(again)) if uid else None
        alike = "\n".join(f"{each.name}:{each.value}" for each in self._all)
        inside = ref_of_list(name) if name else None
        yield Item(self._number, "task", task, key, alike, key, self._parent(), inside)

    def _title(self) -> str:
        title = one_line(self._text("SUMMARY"))
        if not title:
            lines = self._text("DESCRIPTION").strip().splitlines()
            title = one_line(lines[0]) if lines else ""
            self._report.note(self._number, "it has no SUMMARY: its title is made up")
        return title or "Without a title"

    def _text(self, name: str) -> str:
        found = self._first.get(name)
        return unescaped(found.value) if found else ""

    def _priority(self) -> str:
        """1 to 4 are high, 5 is medium, 6 to 9 are low (section 3.8.1.9)."""
        text = self._text("PRIORITY").strip()
        if text in ("", "0"):
            return "none"
        if not re.fullmatch("[1-9]", text):
            self._report.note(self._number, "its PRIORITY can't be read")
            return "none"
        number = int(text)
        return "high" if number < 5 else "medium" if number == 5 else "low"

    def _state(self) -> Row:
        status = self._text("STATUS").strip().upper()
        completed = self._moment("COMPLETED")
        percent = self._text("PERCENT-COMPLETE").strip()
        done = status in ("COMPLETED", "CANCELLED") or (
            not status and ("COMPLETED" in self._first or percent == "100")
        )
        if status == "CANCELLED":
            self._report.note(self._number, "it was cancelled: it is carried as done")
        elif status == "IN-PROCESS":
            self._report.note(self._number, "that it is in process can't be carried")
        if not done and percent not in ("", "0"):
            self._report.note(self._number, f"how far it is, {percent[:10]} %, can't be carried")
        return {
            "done": done,
            "completed_at": completed if done else None,
            "created_at": self._moment("CREATED"),
            "updated_at": self._moment("LAST-MODIFIED"),
        }

    def _moment(self, name: str) -> str | None:
        found = self._first.get(name)
        if found is None:
            return None
        if matched := _UTC.fullmatch(found.value):
            year, month, day, hour, minute, second = matched.groups()
            text = f"{year}-{month}-{day}T{hour}:{minute}:{second}.000000Z"
            try:
                datetime.fromisoformat(text)
            except ValueError:
                pass
            else:
                return text
        moment = self._read_time(found)
        if isinstance(moment, datetime):
            return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        return None

    def _due(self) -> str | None:
        found = self._first.get("DUE")
        moment = self._read_time(found) if found else None
        if found is None and "DTSTART" in self._first:
            start, duration = self._read_time(self._first["DTSTART"]), self._first.get("DURATION")
            if duration is None:
                self._report.note(self._number, "when it begins can't be carried")
                return None
            try:
                length: timedelta = vDuration.from_ical(duration.value)  # type: ignore[no-untyped-call]
                moment = start + length if start is not None else None
            except (ValueError, TypeError, OverflowError):
                self._report.note(self._number, "its DURATION can't be read")
        elif "DTSTART" in self._first:
            self._report.note(self._number, "when it begins can't be carried")
        if moment is None:
            return None
        if not isinstance(moment, datetime):
            return str(moment)
        if moment.tzinfo is None:
            self._report.note(self._number, f"its due time has no zone: {self._zone} is taken")
            moment = moment.replace(tzinfo=ZoneInfo(self._zone))
        return instant(moment)

    def _read_time(self, found: Property) -> Any:
        zone = found.parameters.get("TZID") if found.parameters else None
        moment = read_time(found.value.strip(), zone)
        if moment is None:
            self._report.note(self._number, f"its {found.name} can't be read")
        elif zone and isinstance(moment, datetime) and moment.tzinfo is None:
            self._report.note(self._number, f"the time zone “{one_line(zone)[:50]}” is not known")
        return moment

    def _parent(self) -> str | None:
        parent = None
        for each in self._all:
            if each.name == "RELATED-TO" and each.value:
                kind = (each.parameters or {}).get("RELTYPE", _PARENT).upper()
                if kind == _PARENT and parent is None:
                    parent = keys.of_uid(one_line(unescaped(each.value).strip()))
                else:
                    self._report.note(self._number, f"its relation {kind[:20]} can't be carried")
        return parent

    def _say_what_is_lost(self) -> None:
        for name, what in _CANNOT.items():
            if name in self._first:
                self._report.note(self._number, f"{what} can't be carried")
        if "RECURRENCE-ID" in self._first:
            self._report.note(self._number, "it is one time of a repeated task: it stands alone")
