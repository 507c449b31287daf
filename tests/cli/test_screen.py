"""What people wrote does nothing to a terminal, and takes the room that it takes."""

import io
import json
import re
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from taskhold.cli.screen import Column, json_text, print_rows, quoted, safe

COLUMNS = (
    Column("id", lambda row: row[0], is_number=True),
    Column("tags", lambda row: row[2], may_go=2),
    Column("list", lambda row: row[3], may_go=1),
    Column("title", lambda row: row[1], is_elastic=True),
)
TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def printed(rows: list[tuple[object, ...]]) -> list[str]:
    with redirect_stdout(io.StringIO()) as stdout:
        print_rows(rows, COLUMNS)
    return stdout.getvalue().splitlines()


@given(st.text())
def test_a_safe_line_has_no_control_and_no_turn(text: str) -> None:
    shown = safe(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in TURNS for c in shown)
    assert not set(shown) & set("\u2028\u2029")


@given(st.text())
def test_json_is_harmless_and_the_same(text: str) -> None:
    shown = json_text({"title": text})
    assert json.loads(shown) == {"title": text}
    assert not any(127 <= ord(c) < 160 or ord(c) < 32 or c in TURNS for c in shown)


def test_a_text_from_right_to_left_takes_nothing_along() -> None:
    assert quoted("שלום\u202e") == "“שלום\u200e”"
    assert quoted("abc") == "“abc”"
    assert safe("\x1b[2J\x9b\r\n\t\x7f") == "␛[2J\ufffd␍␊␉␡"


def test_programs_get_tabs_and_empty_fields() -> None:
    rows: list[tuple[object, ...]] = [(1, "a b", "", None), (22, "日本", "x", "Home")]
    assert printed(rows) == ["1\t\t\ta b", "22\tx\tHome\t日本"]


@pytest.mark.parametrize("width", [30, 60, 200])
def test_a_table_fits_into_any_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", str(width)), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    titles = [
        "写" * 60,
        "e\u0301" * 90,
        "👩‍👩‍👧‍👦 family",
        "שלום עולם " * 9,
        "plain",
        "\x1b]0;evil\x07" * 9,
    ]
    rows: list[tuple[object, ...]] = [
        (number, title, "#some #tags", "A list") for number, title in enumerate(titles)
    ]
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in printed(rows)]
    assert len(lines) == len(titles) + 1
    for line in lines:
        assert "\x1b" not in line
        assert cell_len(line) <= width, line
    assert ("#some" in lines[1], "A list" in lines[1]) == (width >= 60, width >= 60)
    assert "写" in lines[1]
    assert ("…" in lines[1]) == (width < 200)
    assert lines[0].split() == ["id", *(["tags", "list"] if width >= 60 else []), "title"]
