"""The tasks on a server."""

import logging
import sys

from taskhold.client.errors import Unauthenticated
from taskhold.client.sync import Client


class Remote(Client):
    """A client for somebody who waits for it, and hears why."""

    def __init__(self, url: str, token: str | None, patience: float) -> None:
        super().__init__(url, token, patience=patience)
        self._has_token = token is not None
        log = logging.getLogger("taskhold.client")
        log.handlers, log.propagate = [_Teller()], False
        log.setLevel(logging.INFO)

    def actor(self) -> str:
        """Who one is in the journal."""
        try:
            return self.me()["username"]
        except Unauthenticated:
            if self._has_token:
                raise
            return "open"  # before there is an account


class _Teller(logging.Handler):
    """Says on standard error where a stream breaks and, to people, once that a call is repeated."""

    def __init__(self) -> None:
        super().__init__(logging.INFO if sys.stderr.isatty() else logging.WARNING)
        self._has_said_so = False

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            if self._has_said_so:
                return
            self._has_said_so = True
        print(f"taskhold: {record.getMessage()}", file=sys.stderr)
