"""Which format a file has: said, or told by its ending, or by how it begins."""

from pathlib import PurePath

from taskhold.errors import StartupError
from taskhold.transfer.formats import Format, Source, table, todoist

_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "todotxt",
    ".ics": "ics",
    ".ical": "ics",
}
_UNKNOWN = "{} doesn't say which format it has; say it with --format"


def format_to_write(path: str) -> Format:
    """By the ending; JSON Lines on standard output. Raises StartupError."""
    if path == "-":
        return Format.jsonl
    ending = PurePath(path).suffix.lower()
    if ending not in _ENDINGS:
        raise StartupError(_UNKNOWN.format(path), exit_code=2)
    return Format(_ENDINGS[ending])


def format_to_read(path: str, beginning: bytes) -> Source:
    """By the ending, or by the beginning of what the file has. Raises StartupError."""
    first = _first_line(beginning)
    found = _ENDINGS.get(PurePath(path).suffix.lower()) if path != "-" else None
    if found is None:
        if first.startswith("{"):
            found = "jsonl"
        elif first.upper().startswith("BEGIN:VCALENDAR"):
            found = "ics"
        elif table.is_table(first) or todoist.is_todoist(first):
            found = "csv"
        else:
            name = "Standard input" if path == "-" else path
            raise StartupError(_UNKNOWN.format(name), exit_code=2)
    if found == "csv" and todoist.is_todoist(first):
        found = "todoist"
    return Source(found)


def _first_line(beginning: bytes) -> str:
    encoding = "utf-16" if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = beginning[: len(beginning) // 2 * 2].decode(encoding, errors="replace")
    return text.lstrip("\r\n").partition("\n")[0].strip("\r")
