"""Days, as people write them."""

import os
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from taskhold.cli.days import due_words, is_past, moment_words, parse_due

NOW = datetime.fromisoformat("2026-12-02T14:30:00+01:00")
"""A Wednesday."""
WORDS = {
    "today": "2026-12-02",
    "Tomorrow": "2026-12-03",
    "yesterday": "2026-12-01",
    "by friday": "2026-12-04",
    "wed": "2026-12-09",
    "this thu": "2026-12-03",
    "next monday": "2026-12-07",
    "next week": "2026-12-07",
    "weekend": "2026-12-05",
    "next weekend": "2026-12-12",
    "next month": "2027-01-01",
    "eom": "2026-12-31",
    "24 dec": "2026-12-24",
    "Dec 1st": "2027-12-01",
    "1 sept 2028": "2028-09-01",
    "29 feb": "2028-02-29",
    "the 3rd": "2026-12-03",
    "31st": "2026-12-31",
    "24.12.": "2026-12-24",
    "24.12.27": "2027-12-24",
    "3/12": "2026-12-03",
    "12/24": "2026-12-24",
    "2026-1-5": "2026-01-05",
    "in 3 days": "2026-12-05",
    "two weeks": "2026-12-16",
    "in a month": "2027-01-02",
    "in 2 months": "2027-02-02",
    "in an hour": "2026-12-02T15:30:00+01:00",
    "45 min": "2026-12-02T15:15:00+01:00",
    "5pm": "2026-12-02T17:00:00+01:00",
    "at 9": "2026-12-03T09:00:00+01:00",
    "noon": "2026-12-03T12:00:00+01:00",
    "fri 17:30": "2026-12-04T17:30:00+01:00",
    "9.15 on 1 jul": "2027-07-01T09:15:00+02:00",
    "tomorrow, 12 am": "2026-12-03T00:00:00+01:00",
    "2026-12-01T18:00:00-05:00": "2026-12-01T18:00:00-05:00",
}
NO_DAYS = (
    *("", "soon", "fr", "in 3", "30 feb 2027", "2026-13-01", "25:00", "13pm", "5", "32nd"),
    *("in 9999 days", "friday monday", "2026-12-01T18:00:00", "0/0", "99.99.9999"),
)


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    for name in ("LC_ALL", "LC_TIME", "LANG"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    os.environ.pop("TZ", None)
    time.tzset()


@pytest.mark.parametrize("text", WORDS)
def test_a_day_in_a_persons_words(text: str) -> None:
    assert parse_due(text, NOW) == WORDS[text]


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_day_is_not_guessed_at(text: str) -> None:
    assert parse_due(text, NOW) is None


def test_in_american_english_the_month_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    assert parse_due("3/12", NOW) == "2027-03-12"
    assert parse_due("24/12", NOW) == "2026-12-24"
    assert parse_due("3.12.", NOW) == "2026-12-03"


def test_days_are_told_in_few_words() -> None:
    told = {
        "2026-12-01": "yesterday",
        "2026-12-02": "today",
        "2026-12-02T12:00:00Z": "today 13:00",
        "2026-12-02T23:30:00Z": "tomorrow 00:30",
        "2026-12-08": "Tue",
        "2026-12-09": "9 Dec",
        "2027-01-09": "9 Jan 2027",
        "0001-01-01T00:00:00+14:00": "0001-01-01T00:00:00+14:00",
    }
    assert {due: due_words(due, NOW) for due in told} == told
    past = ["2026-12-01", "2026-12-02T13:29:59Z", "0001-01-01T00:00:00+14:00"]
    assert [
        due for due in ("2026-12-02", "9999-12-31T23:59:59-12:00", *past) if is_past(due, NOW)
    ] == past
    assert moment_words("2026-12-02T08:05:00.000000Z", NOW) == "09:05"
    assert moment_words("2026-11-30T08:05:00.000000Z", NOW) == "30 Nov 09:05"
