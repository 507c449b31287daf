"""The tasks on a server."""

from taskhold.client.errors import Unauthenticated
from taskhold.client.sync import Client

PATIENCE_SECONDS = 5.0
"""Long enough for a server that is started again."""


class Remote(Client):
    """A client for somebody who waits for it."""

    def __init__(self, url: str, token: str | None) -> None:
        super().__init__(url, token, patience=PATIENCE_SECONDS)
        self._has_token = token is not None

    def actor(self) -> str:
        """Who one is in the journal."""
        try:
            return self.me()["username"]
        except Unauthenticated:
            if self._has_token:
                raise
            return "open"  # before there is an account
