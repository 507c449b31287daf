"""When a task is due: a day, wherever you are, or an instant."""

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

DAY_LENGTH = len("2026-12-01")
_SECOND = 1_000_000
_DAY_SECONDS = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
    r"(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
"""RFC 3339, section 5.6, without leap seconds and with a bound on the decimals."""


def is_day(due: str) -> bool:
    """Whether it is a day and not an instant."""
    return len(due) == DAY_LENGTH


def microseconds(due: str) -> int:
    """Where it stands in the order of due times: since 1970 in UTC, a day at its 00:00.

    An integer, since `0001-01-01T00:00:00+14:00` has no year in UTC. Raises ValueError for what is
    neither a day nor an instant.
    """
    if is_day(due):
        return _midnight(due) * _SECOND
    matched = _INSTANT.fullmatch(due)
    if matched is None:
        raise ValueError(due)
    day, hours, minutes, seconds, decimals, sign, ahead_hours, ahead_minutes = matched.groups()
    at = _midnight(day) + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    if sign:
        ahead = int(ahead_hours) * 3600 + int(ahead_minutes) * 60
        at += ahead if sign == "-" else -ahead
    return at * _SECOND + int((decimals or "").ljust(6, "0")[:6])


def start_of_day(due: str, zone: str) -> int:
    """When the day of `due` begins in `zone`, in microseconds since 1970 in UTC."""
    midnight = datetime.combine(date.fromisoformat(due), datetime.min.time(), ZoneInfo(zone))
    offset = midnight.utcoffset()
    assert offset is not None
    return _midnight(due) * _SECOND - offset // timedelta(microseconds=1)


def first_day_after(due: str, zone: str) -> int:
    """The first day that begins in `zone` at the instant or later, as `microseconds` has it."""
    at = microseconds(due)
    day = at // (_DAY_SECONDS * _SECOND) - 1  # in no zone is it more than a day and a bit earlier
    while day + _EPOCH < 1 or (
        day + _EPOCH <= date.max.toordinal()
        and start_of_day(date.fromordinal(day + _EPOCH).isoformat(), zone) < at
    ):
        day += 1
    return day * _DAY_SECONDS * _SECOND


def _midnight(day: str) -> int:
    if not _DAY.fullmatch(day):
        raise ValueError(day)
    return (date.fromisoformat(day).toordinal() - _EPOCH) * _DAY_SECONDS


def _checked(due: str) -> str:
    try:
        microseconds(due)
    except ValueError:
        raise PydanticCustomError(
            "due",
            "should be a day, as 2026-12-01, or a date-time with an offset, as "
            "2026-12-01T18:00:00+01:00",
        ) from None
    return due


Due = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ],
            "description": "A day, wherever you are, or an instant; kept as it was sent.",
            "examples": ["2026-12-01", "2026-12-01T18:00:00+01:00"],
        }
    ),
]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime"}  # whatever that machine is set to


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise PydanticCustomError("time_zone", "should be a time zone, as Europe/Berlin")
    return name


Zone = Annotated[
    str,
    AfterValidator(_known_zone),
    WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/Berlin"]}),
]
"""The name of a time zone (https://www.iana.org/time-zones)."""
