"""What a file says is there, whatever its format; and what has to be said about the file."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ValidationError

from taskhold.errors import StartupError
from taskhold.store import Row
from taskhold.tasks.models import NOTES_LENGTH, TITLE_LENGTH
from taskhold.texts import WHITE_SPACE
from taskhold.transfer.models import TaskInFile

Kind = Literal["list", "task", "trash", "change"]
MOST_KEPT = 10_000
"""Sentences about lines that are kept; of more there is only their number."""


class Item(NamedTuple):
    """One thing that a file says is there."""

    line: int
    kind: Kind
    fields: Row
    """As the API has them, without `list_id` and `parent_id`."""
    key: str | None = None
    """By which it is known again; None: by what it says, in `alike`."""
    alike: str = ""
    ref: str | None = None
    """By which others in the file mean it."""
    parent: str | None = None
    list: str | None = None


class Sentence(NamedTuple):
    """Something about a line."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line:,}: {self.text}" if self.line else self.text


class Report:
    """What can't be carried, and which lines are bad."""

    def __init__(self, *, skip_bad: bool) -> None:
        self.skip_bad = skip_bad
        self.notes: list[Sentence] = []
        self.note_count = 0
        self.skipped: list[Sentence] = []
        self.skipped_count = 0

    def note(self, line: int, text: str) -> None:
        """Say what can't be carried."""
        self.note_count += 1
        if len(self.notes) < MOST_KEPT:
            self.notes.append(Sentence(line, text))

    def bad(self, line: int, text: str) -> None:
        """Raises StartupError, unless bad lines are skipped."""
        bad = Sentence(line, text)
        if not self.skip_bad:
            raise StartupError(f"{bad}; nothing was imported")
        self.skipped_count += 1
        if len(self.skipped) < MOST_KEPT:
            self.skipped.append(bad)


class Reader(Protocol):
    """Reads one format."""

    def __call__(self) -> Iterator[Item]: ...


def list_named(line: int, name: str, alias: str | None = None) -> Item:
    """The list of that name: the one that is there, or a new one."""
    fields: Row = {"name": name, "alias": alias or name}
    return Item(line, "list", fields, key="", ref=ref_of_list(name))


def ref_of_list(name: str) -> str:
    """By which the list of that name is meant."""
    return f"list named {name}"


def checked(model: type[BaseModel], fields: Row) -> Row | str:
    """The fields as the API takes them, or why it doesn't."""
    try:
        return shown(model.__pydantic_validator__.validate_python(fields, strict=True))
    except ValidationError as error:
        return sentence(error)


def checked_task(fields: Row) -> Row | str:
    """The same for a task."""
    return checked(TaskInFile, fields)


def shown(found: BaseModel) -> Row:
    """The fields of a model."""
    return dict(found.__dict__)


def sentence(error: ValidationError) -> str:
    """The first thing that is wrong, without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"] if isinstance(part, str))[:100]
    kind = first["type"]
    if kind == "extra_forbidden":
        return f"{field}: is not a known field"
    if kind == "missing":
        return f"{field}: is required"
    message = first["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("List ")
    return f"{field}: {message}" if field else message


def one_line(text: str) -> str:
    """The text on one line, without control characters."""
    if text.isprintable():
        return text.strip(WHITE_SPACE)
    cleaned = "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in text)
    return cleaned.strip(WHITE_SPACE)


def fit(item_line: int, fields: dict[str, Any], report: Report) -> None:
    """Make title and notes of another program fit, and say what that takes."""
    title, notes = one_line(fields["title"]), fields.get("notes", "").replace("\0", "")
    if len(title) > TITLE_LENGTH:
        report.note(item_line, f"its title is cut to {TITLE_LENGTH} characters; the notes have all")
        notes = f"{title}\n\n{notes}".rstrip("\n")
        title = title[: TITLE_LENGTH - 1].rstrip(WHITE_SPACE) + "…"
    if len(notes) > NOTES_LENGTH:
        report.note(item_line, f"its notes are cut to {NOTES_LENGTH:,} characters")
        notes = notes[:NOTES_LENGTH]
    fields["title"], fields["notes"] = title, notes
