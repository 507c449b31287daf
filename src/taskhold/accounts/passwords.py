"""Passwords: which ones are taken, and what is kept of them."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import Any

from pwdlib.hashers.argon2 import Argon2Hasher

from taskhold.accounts.errors import Overloaded
from taskhold.errors import FieldError, Validation

SHORTEST = 12
LONGEST = 1_000
"""Code points; a limit only so that nobody sends a megabyte to be hashed."""
AT_ONCE = 2
"""Hashes that are made at a time: each takes 19 MB and a core."""
MOST_WAITING = 32
"""Requests that wait for one; about a second's work."""

_hasher = Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id as OWASP's Password Storage Cheat Sheet has it."""
_OF_NOBODY = _hasher.hash("nobody has this password")
"""Compared with where there is no account, so that its absence takes as long."""


def check_password(password: str, field: str = "password") -> None:
    """Raises Validation for a password that is too short, too long or among the usual ones."""
    if len(password) < SHORTEST:
        message, code = f"should have at least {SHORTEST} characters", "too_short"
    elif len(password) > LONGEST:
        message, code = f"should have at most {LONGEST:,} characters", "too_long"
    elif _normal(password).casefold() in _usual_ones():
        message, code = "is one of those that are guessed first; choose another", "common"
    else:
        return
    raise Validation([FieldError("body", field, message, code)])


def hash_password(password: str) -> str:
    """What is kept of it. Takes about 30 ms."""
    return _hasher.hash(_normal(password))


def verify_password(password: str, hashed: str | None) -> bool:
    """Whether it is the one that was hashed; without a hash the same work, and False."""
    if len(password) > LONGEST:
        password = ""  # the same work for what can't be right
    return _hasher.verify(_normal(password), hashed or _OF_NOBODY) and hashed is not None


class Passwords:
    """Hashes and compares beside the event loop, a few at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """`hash_password`. Raises Overloaded."""
        hashed: str = await self._run(hash_password, password)
        return hashed

    async def verify(self, password: str, hashed: str | None) -> bool:
        """`verify_password`. Raises Overloaded."""
        is_right: bool = await self._run(verify_password, password, hashed)
        return is_right

    async def _run(self, work: Any, *args: Any) -> Any:
        if self._waiting >= MOST_WAITING + AT_ONCE:
            raise Overloaded("Many are logging in at this moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """The same characters, however a keyboard composes them (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


@cache
def _usual_ones() -> frozenset[str]:
    return frozenset(files(__package__).joinpath("common_passwords.txt").read_text().splitlines())
