"""Days and times of other programs, as Taskhold has them."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from taskhold.store.query import stamp

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,9})?"
    r"( ?[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_WITH_YEAR = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%b %d, %Y", "%B %d, %Y")
_CLOCK = re.compile(
    r"(?:@ ?|at )?([0-9]{1,2})(?::([0-9]{2}))?(?::[0-9]{2})? ?([ap]m)?", re.IGNORECASE
)


class NoDue(ValueError):
    """It is neither a day nor a time that can be read."""


def day_from(text: str) -> str:
    """`2026-12-01`. Raises NoDue."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise NoDue(text)


def due_from(text: str, zone: str) -> tuple[str, bool]:
    """A day or an instant, and whether it had no zone of its own and got `zone`. Raises NoDue."""
    if _DAY.fullmatch(text):
        return day_from(text), False
    matched = _MOMENT.fullmatch(text)
    if matched is None:
        raise NoDue(text)
    day, minutes, seconds, decimals, offset = matched.groups()
    local = f"{day_from(day)}T{minutes}{seconds or ':00'}"
    try:
        moment = datetime.fromisoformat(local)
    except ValueError:
        raise NoDue(text) from None
    if offset is None:
        return instant(moment.replace(tzinfo=ZoneInfo(zone))), True
    offset = offset.strip().upper()
    if offset != "Z" and ":" not in offset:
        offset = f"{offset[:3]}:{offset[3:]}"
    return f"{local}{decimals or ''}{offset}", False


def english_due_from(text: str, zone: str) -> tuple[str, bool]:
    """The same, also for `1 Dec 2026` and `Dec 1 2026 18:00`. Raises NoDue."""
    try:
        return due_from(text, zone)
    except NoDue:
        pass
    words = text.replace(",", " ").split()
    for number in range(len(words), 2, -1):
        day = _english_day(" ".join(words[:number]))
        rest = " ".join(words[number:])
        if day is None:
            continue
        if not rest:
            return day.isoformat(), False
        matched = _CLOCK.fullmatch(rest)
        if matched is None or (matched[2] is None and matched[3] is None):
            raise NoDue(text)
        hour = int(matched[1])
        if matched[3]:
            hour = hour % 12 + (12 if matched[3].lower() == "pm" else 0)
        try:
            moment = datetime(
                day.year, day.month, day.day, hour, int(matched[2] or 0), tzinfo=ZoneInfo(zone)
            )
        except ValueError:
            raise NoDue(text) from None
        return instant(moment), True
    raise NoDue(text)


def _english_day(text: str) -> date | None:
    for form in _WITH_YEAR:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def instant(moment: datetime) -> str:
    """A time with its offset, as a task keeps it."""
    offset = moment.utcoffset()
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    if moment.microsecond:
        text += f".{moment.microsecond:06}".rstrip("0")
    if not offset:
        return text + "Z"
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{text}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def stamp_of(text: str, zone: str) -> str | None:
    """A time as the server's own ones; None where it is none. A day begins in UTC."""
    try:
        moment = datetime.fromisoformat(due_from(text, zone)[0])
        return stamp(moment)
    except (ValueError, OverflowError):
        return None
