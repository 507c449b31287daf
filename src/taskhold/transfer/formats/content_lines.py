"""The lines of iCalendar (RFC 5545, section 3.1): folded and not, with their parts and texts."""

import re
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from icalendar.parser import Contentline
from icalendar.prop import vDDDTypes

from taskhold.errors import StartupError
from taskhold.transfer.items import Report
from taskhold.transfer.lines import LONGEST_LINE, Lines

LINE_BYTES = 75
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Property(NamedTuple):
    """A line of a component."""

    name: str
    parameters: Any
    """None for a line that has none."""
    value: str


def unfolded(lines: Lines, report: Report) -> Iterator[tuple[int, str]]:
    """Whole content lines, each with the number of its first one (section 3.1).

    A fold may stand inside of a character, so the bytes are joined before they are read.
    """
    number, parts, size = 0, [b""], 0
    for line in lines.raw():
        text = line.rstrip(b"\r\n")
        if text[:1] in (b" ", b"\t"):
            size += len(text)
            if size > LONGEST_LINE:
                raise StartupError(f"line {number:,}: is too long; nothing was imported")
            parts.append(text[1:])
            continue
        yield number, _decoded(number, b"".join(parts), report)
        number, parts, size = lines.number, [text], 0
    yield number, _decoded(number, b"".join(parts), report)


def _decoded(number: int, line: bytes, report: Report) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        report.note(number, "is not UTF-8: what can't be read is replaced by �")
        return line.decode(errors="replace")


def property_of(line: str) -> Property | None:
    """The parts of a content line; None for what is none."""
    name, colon, value = line.partition(":")
    if colon and ";" not in name:
        return Property(name.strip().upper(), None, value)
    try:
        name, parameters, value = Contentline(line).raw_parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    return Property(name.upper(), parameters, value)


def unescaped(text: str) -> str:
    """A TEXT as it is meant (section 3.3.11)."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


@lru_cache(maxsize=4_096)
def read_time(value: str, zone: str | None) -> Any:
    """A day, or a time, with its zone where that is known; None for what is neither."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a zone is guessed by the end of its name
            moment = vDDDTypes.from_ical(value, zone)  # type: ignore[no-untyped-call]
            if isinstance(moment, datetime):
                moment.utcoffset()
            return moment if isinstance(moment, date) else None
    except Exception:  # whatever the library makes of a text that is no time
        return None


def escaped(text: str) -> str:
    """A TEXT; line ends become those of iCalendar, and control characters have no place in it."""
    safe = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    safe = safe.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")
    if safe.isprintable():
        return safe
    return "".join(c for c in safe if c == "\t" or not (ord(c) < 32 or ord(c) == 127))


def folded(line: bytes) -> bytes:
    """A content line with its end, in lines of up to 75 bytes, cut between characters."""
    if len(line) <= LINE_BYTES:
        return line + b"\r\n"
    parts = []
    start, room = 0, LINE_BYTES
    while len(line) - start > room:
        end = start + room
        while line[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(line[start:end])
        start, room = end, LINE_BYTES - 1
    parts.append(line[start:])
    return b"\r\n ".join(parts) + b"\r\n"
