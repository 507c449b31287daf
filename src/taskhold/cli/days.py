"""Days, as people write and read them, where they are. The page understands the same.

A due time is a day, "2026-12-01", or an instant with an offset, as the API has it.
"""

import calendar
import os
import re
from datetime import date, datetime, time, timedelta

DAY_LENGTH = len("2026-12-01")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = tuple(name.lower() for name in calendar.month_name if name)
_NUMBERS = {
    word: number
    for number, word in enumerate(("one", "two", "three", "four", "five", "six", "seven"), 1)
} | {"a": 1, "an": 1}
_MOST_AHEAD = 5_000
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE
)
_ORDINAL = re.compile(r"(?:the )?(\d\d?)(?:st|nd|rd|th)")
_DAY_OF_MONTH = re.compile(r"(\d\d?)(?:st|nd|rd|th|\.)?")
_NUMBERED = re.compile(r"(\d\d?)([./])(\d\d?)(?:\2(\d{4}|\d\d)?)?")
_SPAN = re.compile(r"(?:in )?(\w+) (min|minute|hour|day|week|month)s?")
_HOUR = re.compile(r"(at )?(\d\d?)(?:[:.](\d\d))?(am|pm|h)?")


def parse_due(text: str, now: datetime) -> str | None:
    """What "tomorrow", "fri", "24 dec", "in 3 days", "mon 9:30", "5pm", "2026-12-24" mean at `now`.

    A weekday is the next one, never today; a date without a year is the next such. None for what
    is no due time.
    """
    if _INSTANT.fullmatch(text.strip()):
        return text.strip()
    words = re.sub(r"^(on|by|due) ", "", text.lower().strip()).replace(",", " ").split()
    today = now.date()
    try:
        day = _date(words, today)
        if day is not None:
            return day.isoformat()
        return _span(words, now) or _with_hour(words, now)
    except (ValueError, OverflowError):  # there is no such day
        return None


def _with_hour(words: list[str], now: datetime) -> str | None:
    """A day with an hour at one end of it; an hour alone is the next such."""
    today = now.date()
    for count in range(1, min(3, len(words)) + 1):
        for hour_words, others in (
            (words[-count:], words[:-count]),
            (words[:count], words[count:]),
        ):
            hour = _hour(" ".join(hour_words))
            if hour is None:
                continue
            if not others:
                is_over = hour <= now.time()
                return _instant(today + timedelta(days=is_over), hour)
            day = _date(others[1:] if others[0] == "on" else others, today)
            if day is not None:
                return _instant(day, hour)
    return None


def _instant(day: date, hour: time) -> str:
    """An hour of a day where this machine is, with the offset that it has then."""
    return datetime.combine(day, hour).astimezone().isoformat(timespec="seconds")


def _date(words: list[str], today: date) -> date | None:
    text = " ".join(words)
    weekday = today.weekday()
    monday = today - timedelta(days=weekday)
    named = {
        **dict.fromkeys(("today", "tod"), today),
        **dict.fromkeys(("tomorrow", "tmr", "tmrw", "tom"), today + timedelta(days=1)),
        "yesterday": today - timedelta(days=1),
        "next week": monday + timedelta(days=7),
        **dict.fromkeys(("weekend", "this weekend"), max(today, monday + timedelta(days=5))),
        "next weekend": monday + timedelta(days=12),
        "next month": _month_start(today, 1),
        **dict.fromkeys(
            ("eom", "end of month", "end of the month"),
            _month_start(today, 1) - timedelta(days=1),
        ),
    }
    if text in named:
        return named[text]
    return _weekday(words, monday, weekday) or _numbers(text, today) or _month_day(words, today)


def _weekday(words: list[str], monday: date, weekday: int) -> date | None:
    which = words[0] if words[:1] in (["this"], ["next"]) else ""
    rest = words[1:] if which else words
    index = _index(_WEEKDAYS, rest[0]) if len(rest) == 1 else None
    if index is None:
        return None
    if which == "next":
        return monday + timedelta(days=7 + index)
    return monday + timedelta(days=weekday + (index - weekday - 1) % 7 + 1)


def _numbers(text: str, today: date) -> date | None:
    """2026-12-24, 24.12., 24/12/2026, 12/24 where people write the month first; the 24th."""
    if matched := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", text):
        return date(*(int(part) for part in matched.groups()))
    if matched := _NUMBERED.fullmatch(text):
        one, two = int(matched[1]), int(matched[3])
        is_day_first = matched[2] == "." or one > 12 or (two <= 12 and not _month_comes_first())
        day, month = (one, two) if is_day_first else (two, one)
        return _next(month, day, matched[4], today)
    if matched := _ORDINAL.fullmatch(text):
        for ahead in range(12):
            first = _month_start(today, ahead)
            if int(matched[1]) <= calendar.monthrange(first.year, first.month)[1]:
                found = first.replace(day=int(matched[1]))
                if found >= today:
                    return found
    return None


def _month_day(words: list[str], today: date) -> date | None:
    """24 dec, december 24th, 24 dec 2026."""
    if len(words) not in (2, 3) or (len(words) == 3 and not re.fullmatch(r"\d{4}", words[2])):
        return None
    for day, month in ((words[0], words[1]), (words[1], words[0])):
        index = _index(_MONTHS, month.removesuffix("."))
        number = _DAY_OF_MONTH.fullmatch(day)
        if index is not None and number:
            return _next(index + 1, int(number[1]), words[2] if len(words) == 3 else None, today)
    return None


def _span(words: list[str], now: datetime) -> str | None:
    """In 3 days, 2 weeks, in an hour."""
    matched = _SPAN.fullmatch(" ".join(words))
    if matched is None:
        return None
    number = matched[1]
    count = _NUMBERS.get(number) or (int(number) if number.isdecimal() else None)
    if count is None or count > _MOST_AHEAD:
        return None
    unit = matched[2]
    if unit in ("min", "minute", "hour"):
        ahead = timedelta(hours=count) if unit == "hour" else timedelta(minutes=count)
        return (now + ahead).astimezone().replace(second=0).isoformat(timespec="seconds")
    today = now.date()
    if unit == "month":
        first = _month_start(today, count)
        return first.replace(
            day=min(today.day, calendar.monthrange(first.year, first.month)[1])
        ).isoformat()
    return (today + timedelta(days=count * (7 if unit == "week" else 1))).isoformat()


def _hour(text: str) -> time | None:
    """5pm, 17:30, at 9, noon."""
    if text in ("noon", "at noon"):
        return time(12)
    matched = _HOUR.fullmatch(re.sub(r" (am|pm)$", r"\1", text))
    if matched is None or not (matched[1] or matched[3] or matched[4]):
        return None
    hours, minutes = int(matched[2]), int(matched[3] or 0)
    if matched[4] in ("am", "pm"):
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if matched[4] == "pm" else 0)
    return time(hours, minutes) if hours < 24 and minutes < 60 else None


def _index(names: tuple[str, ...], word: str) -> int | None:
    """Which name a word of three letters at least begins."""
    word = "sep" if word == "sept" else word
    if len(word) < 3:
        return None
    return next((number for number, name in enumerate(names) if name.startswith(word)), None)


def _month_start(day: date, ahead: int) -> date:
    months = day.year * 12 + day.month - 1 + ahead
    return date(months // 12, months % 12 + 1, 1)


def _next(month: int, day: int, year: str | None, today: date) -> date | None:
    if year:
        return date(int(year if len(year) == 4 else f"20{year}"), month, day)
    for ahead in range(9):  # the next 29 February
        try:
            found = date(today.year + ahead, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None


def _month_comes_first() -> bool:
    """Whether 12/1 is the first of December: where the person's language is American English."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_TIME", "LANG"))
    return next((name for name in names if name), "").startswith("en_US")


def is_day(due: str) -> bool:
    """Whether it is a day and not an instant."""
    return len(due) == DAY_LENGTH


def day_of(due: str) -> date:
    """The day on which it is due, where this machine is. Raises OverflowError beyond year 9999."""
    if is_day(due):
        return date.fromisoformat(due)
    return datetime.fromisoformat(due).astimezone().date()


def is_past(due: str, now: datetime) -> bool:
    """Whether it should have been done."""
    try:
        return day_of(due) < now.date() if is_day(due) else datetime.fromisoformat(due) < now
    except (ValueError, OverflowError):
        return due < now.isoformat()


def due_words(due: str, now: datetime) -> str:
    """In few words: today, Fri, 24 Dec, 24 Dec 2027; with its hour."""
    try:
        day = day_of(due)
    except (ValueError, OverflowError):
        return due
    words = near_words(day, now.date())
    return words if is_day(due) else f"{words} {datetime.fromisoformat(due).astimezone():%H:%M}"


def near_words(day: date, today: date) -> str:
    """A day in the fewest words."""
    ahead = (day - today).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    if ahead in near:
        return near[ahead]
    if 1 < ahead < 7:
        return calendar.day_abbr[day.weekday()]
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day.day} {calendar.month_abbr[day.month]}{year}"


def moment_words(at: str, now: datetime) -> str:
    """When something was, where this machine is: 14:05 of today, else with its day."""
    local = datetime.fromisoformat(at).astimezone()
    clock = f"{local:%H:%M}"
    if local.date() == now.date():
        return clock
    return f"{near_words(local.date(), now.date())} {clock}"
