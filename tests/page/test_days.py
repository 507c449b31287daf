"""How the page reads and writes days, reads what is typed into the add field, and folds texts."""

import unicodedata
from typing import Any

import pytest
from playwright.sync_api import Page

from taskhold.folding import fold
from taskhold.tasks.due import microseconds
from tests.page.conftest import Visit
from tests.support.servers import LiveServer

pytestmark = pytest.mark.database("sqlite")

NOW = "new Date(2026, 10, 30, 14, 20)"  # a Monday

MEANT = {
    "today": "2026-11-30",
    "Tomorrow": "2026-12-01",
    "yesterday": "2026-11-29",
    "fri": "2026-12-04",
    "on Friday": "2026-12-04",
    "mon": "2026-12-07",
    "next fri": "2026-12-11",
    "this weekend": "2026-12-05",
    "next week": "2026-12-07",
    "next month": "2026-12-01",
    "24 dec": "2026-12-24",
    "Dec 24th": "2026-12-24",
    "24. december 2027": "2027-12-24",
    "1 nov": "2027-11-01",
    "29 feb": "2028-02-29",
    "24.12.": "2026-12-24",
    "24/12/28": "2028-12-24",
    "2026-12-24": "2026-12-24",
    "the 5th": "2026-12-05",
    "in 3 days": "2026-12-03",
    "in two weeks": "2026-12-14",
    "in 3 months": "2027-02-28",
    "5pm": "2026-11-30T17:00:00+01:00",
    "9am": "2026-12-01T09:00:00+01:00",
    "at 17": "2026-11-30T17:00:00+01:00",
    "17:30": "2026-11-30T17:30:00+01:00",
    "tomorrow 5 pm": "2026-12-01T17:00:00+01:00",
    "9:30 fri": "2026-12-04T09:30:00+01:00",
    "1 july 9am": "2027-07-01T09:00:00+02:00",
    "in 2 hours": "2026-11-30T16:20:00+01:00",
    "2026-12-01T10:00:00Z": "2026-12-01T10:00:00Z",
}
NO_DAYS = (
    *("", "may", "sunscreen", "17", "3", "2026-02-30", "31 feb", "13pm", "25:00", "0am", "99th"),
    *("in 99999 days", "24/13/26", "monday tuesday", "tomorrow tomorrow", "in", "next", "dec"),
)
WORDS = {
    "2026-11-30": "today",
    "2026-12-01": "tomorrow",
    "2026-11-29": "yesterday",
    "2026-12-04": "Fri",
    "2026-12-06": "Sun",
    "2026-12-07": "7 Dec",
    "2026-11-20": "20 Nov",
    "2027-01-02": "2 Jan 2027",
    "2026-11-30T23:30:00+01:00": "today 23:30",
    "2026-11-30T23:30:00Z": "tomorrow 0:30",
}


@pytest.fixture
def berlin(server: LiveServer, visit: Visit) -> Page:
    return visit(server.url, timezone_id="Europe/Berlin")


def run(page: Page, module: str, body: str, given: Any) -> Any:
    """What `body` makes of each of what is given, with the module's exports by their names."""
    return page.evaluate(
        f"""async (given) => {{
          const module = await import("./static/{module}");
          const now = {NOW};
          return given.map((each) => {{ {body} }});
        }}""",
        given,
    )


def test_days_are_read_as_people_write_them(berlin: Page) -> None:
    read = run(berlin, "days.js", "return module.parseDay(each, now);", list(MEANT))
    assert dict(zip(MEANT, read, strict=True)) == MEANT
    for due in read:
        microseconds(due)  # the server takes it
    read = run(berlin, "days.js", "return module.parseDay(each, now);", list(NO_DAYS))
    assert dict(zip(NO_DAYS, read, strict=True)) == dict.fromkeys(NO_DAYS)


def test_days_are_written_in_few_words(berlin: Page) -> None:
    said = run(berlin, "days.js", "return module.dayWords(each, now);", list(WORDS))
    assert dict(zip(WORDS, said, strict=True)) == WORDS
    past = [
        *("2026-11-29", "2026-11-30", "2026-11-30T14:19:00+01:00", "2026-11-30T14:21:00+01:00"),
        *("2026-11-30T13:19:00Z", "0001-01-01", "9999-12-31"),
    ]
    is_past = run(berlin, "days.js", "return module.isPast(each, now);", past)
    assert is_past == [True, False, True, False, True, True, False]


def test_what_is_typed_is_understood(berlin: Page) -> None:
    lists = "[{key: '7', name: 'Reading list', archived: false}]"
    body = f"""
      const {{title, parts}} = module.understand(each, {{now, lists: {lists}}});
      return [title, ...parts.map(({{kind, value}}) => kind + " " + value)];"""
    meant = {
        "Buy milk": ["Buy milk"],
        "Buy milk tomorrow": ["Buy milk", "due 2026-12-01"],
        "Buy #errand milk !high #Home": [
            *("Buy milk", "tag errand", "priority high", "tag Home"),
        ],
        "Read @readinglist !2 24 dec 5pm": [
            *("Read", "list 7", "priority medium", "due 2026-12-24T17:00:00+01:00"),
        ],
        "Read +ReadingList": ["Read", "list 7"],
        "Mail ada@example.org about #1": ["Mail ada@example.org about #1"],
        "Mail @nobody !now": ["Mail @nobody !now"],
        "tomorrow": ["tomorrow"],
        "Plan the weekend": ["Plan the weekend"],
        "Wait 3 days": ["Wait 3 days"],
        "Wait in 3 days": ["Wait", "due 2026-12-03"],
        "Tag #a #A": ["Tag", "tag a"],
        "!high": ["", "priority high"],
        "  two   spaces  stay  ": ["two   spaces  stay"],
    }
    read = run(berlin, "views/quick-add.js", body, list(meant))
    assert dict(zip(meant, read, strict=True)) == meant


def test_texts_are_folded_as_the_server_folds_them(berlin: Page) -> None:
    """Each character that has case or marks, alone and in words."""
    known = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    known = [char for char in known if unicodedata.category(char) not in ("Cn", "Co")]
    # Cherokee folds to its capitals there and to its small letters here: the same are the same.
    folding = {
        char: fold(char)
        for char in known
        if fold(char) != char and "CHEROKEE" not in unicodedata.name(char, "")
    }
    words = ["Straße", "ΣΊΣΥΦΟΣ σίσυφος", "İstanbul", "ﬁn", "Ἀθῆναι", "Việt Nam", "한국어", "हिन्दी"]
    folding |= {word: fold(word) for word in words}
    folding |= {char: char for char in "ıłøđ中あ🙂"}
    assert len(folding) > 5000
    folded = run(berlin, "views/filters.js", "return module.fold(each);", list(folding))
    assert dict(zip(folding, folded, strict=True)) == folding
