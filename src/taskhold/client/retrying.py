"""When a call is sent again, and after how long."""

import logging
import random
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from taskhold.client.calls import Answer, Call
from taskhold.client.errors import Unreachable

log = logging.getLogger("taskhold.client")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
_PASSING = frozenset({429, 502, 503, 504})
"""Statuses that mean: not now."""
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_HOPELESS = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.ProxyError)


def wait_seconds(failures: int) -> float:
    """How long to wait after so many failures: twice as long each time, and never all at once."""
    longest = min(FIRST_WAIT_SECONDS * 2.0**failures, LONGEST_WAIT_SECONDS)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  nothing secret


class Attempts:
    """How often and how long one call is tried."""

    def __init__(self, call: Call[Any], patience: float, where: str) -> None:
        self._call = call
        self._patience = patience
        self._where = where
        self._until: float | None = None
        self._failures = 0
        self._may_be_done = False

    def wait_after_failure(self, error: httpx2.RequestError) -> float:
        """How long to wait for the next attempt. Raises Unreachable where there shall be none."""
        was_sent = not isinstance(error, (*_NOT_SENT, *_HOPELESS))
        self._may_be_done |= was_sent and self._call.method not in {"GET", "HEAD"}
        is_final = isinstance(error, _HOPELESS) or _distrust(error) is not None
        if is_final or (was_sent and not self._call.is_repeatable):
            raise self._unreachable(error) from error
        wait = self._next_wait(0.0)
        if wait is None:
            raise self._unreachable(error) from error
        return wait

    def wait_after_answer(self, answer: Answer) -> float | None:
        """How long to wait for the next attempt; None where the answer stands."""
        if answer.status not in _PASSING or not self._call.is_repeatable:
            return None
        return self._next_wait(_asked_to_wait(answer))

    def _next_wait(self, at_least: float) -> float | None:
        """None where patience is over. It begins with the first failure."""
        now = time.monotonic()
        if self._until is None:
            self._until = now + self._patience
        wait = max(wait_seconds(self._failures), at_least)
        self._failures += 1
        if now + wait > self._until:
            return None
        log.info("%s %s is sent again in %.1f s", self._call.method, self._call.path, wait)
        return wait

    def _unreachable(self, error: httpx2.RequestError) -> Unreachable:
        sentence = f"No answer from {self._where}: {reason(error)}"
        unreachable = Unreachable(sentence, may_be_done=self._may_be_done)
        unreachable.key = self._call.key
        return unreachable


def reason(error: httpx2.RequestError) -> str:
    """Why there is no answer, in a few words."""
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long"
    if distrust := _distrust(error):
        return f"its certificate is not trusted ({distrust.verify_message})"
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror[:1].lower() + cause.strerror[1:]
    return str(error) or "the connection broke"


def _distrust(error: BaseException) -> ssl.SSLCertVerificationError | None:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _asked_to_wait(answer: Answer) -> float:
    """What Retry-After says, RFC 9110 section 10.2.3; 0 where it says nothing."""
    text = answer.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
