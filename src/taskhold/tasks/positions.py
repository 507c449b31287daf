"""Where a task stands among others: keys that sort as texts, so that one can move alone.

By default `a0`, `a1` … `az`, `b00` …: the first letter says how many digits follow, so a million
tasks come out with five characters. A client may take any other key between two.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In the order of their bytes."""
LONGEST = 100
FIRST = "a0"

_POSITION = re.compile(f"[0-9A-Za-z]{{1,{LONGEST}}}")


def _checked(position: str) -> str:
    if not _POSITION.fullmatch(position):
        raise PydanticCustomError(
            "position", f"should be 1 to {LONGEST} of the letters A to Z, a to z and digits"
        )
    return position


Position = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_POSITION.pattern}$", "examples": ["a0", "a0V"]}
    ),
]


def after(last: str | None) -> str:
    """A position behind `last`, or the first. Behind the last of all there is only that itself."""
    if last is None:
        return FIRST
    kept = last.rstrip("z")
    if _counts(last):
        if len(kept) > 1:
            return _next_digit(kept).ljust(len(last), "0")
        letter = chr(ord(last[0]) + 1)
        return letter + "0" * (len(last)) if letter <= "z" else last
    if kept:
        return _next_digit(kept)
    return last + "1" if len(last) < LONGEST else last


def _counts(position: str) -> bool:
    """Whether its first letter says how many digits follow."""
    return "a" <= position[0] <= "z" and len(position) == ord(position[0]) - ord("a") + 2


def _next_digit(position: str) -> str:
    return position[:-1] + DIGITS[DIGITS.index(position[-1]) + 1]
