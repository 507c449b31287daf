"""What commands print: tables and colours for people, tabs or JSON for programs.

What people wrote can do nothing to a terminal: control characters are shown as pictures, and what
would turn the direction of a line is left out. NO_COLOR (https://no-color.org), FORCE_COLOR and
TERM=dumb are rich's to obey.
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_TURNS_LINES = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode's explicit marks of direction (https://www.unicode.org/reports/tr9/, 2)."""
_LEFT_TO_RIGHT = "\u200e"
_PICTURES: dict[int, str | int | None] = {
    **{code: 0x2400 + code for code in range(32)},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    0x2028: " ",
    0x2029: " ",
    **{ord(mark): None for mark in _TURNS_LINES},
}
_IN_SENTENCES = {**_PICTURES, ord(_LEFT_TO_RIGHT): _LEFT_TO_RIGHT}
_HIDDEN_IN_JSON = re.compile(f"[\x7f-\x9f\u2028\u2029{_TURNS_LINES}]")
"""What JSON need not escape, and a terminal had better not see."""
_LEAST_TITLE = 24
_GAP = 2


class Column(NamedTuple):
    """A column of a table: of a row, what programs get, and what people see."""

    heading: str
    plain: Callable[[Any], Any]
    shown: Callable[[Any], str] | None = None
    """As a text; what `plain` gives, by default."""
    style: Callable[[Any], str] | str = ""
    is_elastic: bool = False
    """Takes the room that the others leave."""
    may_go: int = 0
    """Left out where there is no room: the highest first; never with 0."""
    is_number: bool = False


def is_for_people() -> bool:
    """Whether standard output is a terminal, or shall be treated as one."""
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def safe(text: object) -> str:
    """A line of what people wrote, as a terminal may have it."""
    return str(text).translate(_PICTURES)


def harmless(sentence: str) -> str:
    """A sentence of ours with `quoted` texts in it, and others that were forgotten."""
    return sentence.translate(_IN_SENTENCES)


def say(sentence: str) -> None:
    """Print a sentence."""
    print(harmless(sentence))


def say_styled(*parts: tuple[str, str]) -> None:
    """Print a line of texts, each with its style, which programs don't get."""
    if not is_for_people():
        say("".join(text for text, _ in parts))
        return
    from rich.text import Text

    texts = ((harmless(text), style) for text, style in parts)
    console_of_stdout().print(Text.assemble(*texts), soft_wrap=True)


def quoted(text: str) -> str:
    """“Buy paint”, of which a sentence can go on in its own direction."""
    return f"“{_closed(text)}”"


def print_json(content: Any) -> None:
    """Print JSON."""
    print(json_text(content, indent=2))


def json_text(content: Any, indent: int | None = None) -> str:
    """JSON that a person can read and no terminal stumbles over."""
    text = json.dumps(content, indent=indent, ensure_ascii=False)
    return _HIDDEN_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_rows(rows: Iterable[Any], columns: Sequence[Column]) -> None:
    """A table for people; for programs a line a row, with tabs between."""
    if is_for_people():
        if there := list(rows):
            _print_table(there, columns)
        return
    for row in rows:
        print("\t".join(_as_field(column.plain(row)) for column in columns))


def _as_field(value: Any) -> str:
    return "" if value is None else safe(value)


def _print_table(rows: list[Any], columns: Sequence[Column]) -> None:
    from rich.cells import cell_len
    from rich.table import Table

    console = console_of_stdout()
    cells = {column: [_cell(column, row) for row in rows] for column in columns}
    widths = {
        column: max([cell_len(column.heading), *(cell_len(cell.plain) for cell in of_rows)])
        for column, of_rows in cells.items()
        if any(cell.plain for cell in of_rows)
    }
    shown = _those_with_room(columns, widths, console.width)
    others = sum(widths[column] + _GAP for column in shown if not column.is_elastic)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for column in shown:
        width = widths[column]
        table.add_column(
            column.heading,
            no_wrap=True,
            overflow="ellipsis",
            justify="right" if column.is_number else "left",
            width=min(width, max(1, console.width - others)) if column.is_elastic else width,
        )
    for row in zip(*(cells[column] for column in shown), strict=True):
        table.add_row(*row)
    console.print(table)


def _those_with_room(
    columns: Sequence[Column], widths: Mapping[Column, int], width: int
) -> list[Column]:
    """The columns that leave the elastic one enough room."""
    shown = [column for column in columns if column in widths]
    for may_go in sorted({column.may_go for column in shown} - {0}, reverse=True):
        needed = sum(
            _GAP + (min(widths[column], _LEAST_TITLE) if column.is_elastic else widths[column])
            for column in shown
        )
        if needed <= width:
            break
        shown = [column for column in shown if column.may_go != may_go]
    return shown


def _cell(column: Column, row: Any) -> "Text":
    from rich.text import Text

    style = column.style if isinstance(column.style, str) else column.style(row)
    value = (column.shown or column.plain)(row)
    return Text(_closed("" if value is None else str(value)), style)


def _closed(text: str) -> str:
    """Safe, and what comes behind a text that goes from right to left does not go with it."""
    shown = safe(text)
    if any(unicodedata.bidirectional(character) in {"R", "AL"} for character in shown):
        return shown + _LEFT_TO_RIGHT
    return shown


def console_of_stdout() -> "Console":
    """Rich's console, which takes nothing that people wrote for markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
