"""The tasks on a server."""

from taskhold.client.errors import Unauthenticated
from taskhold.client.sync import Client


class Remote(Client):
    """A client for somebody who waits for it."""

    def __init__(self, url: str, token: str | None, patience: float) -> None:
        super().__init__(url, token, patience=patience)
        self._has_token = token is not None

    def actor(self) -> str:
        """Who one is in the journal."""
        try:
            return self.me()["username"]
        except Unauthenticated:
            if self._has_token:
                raise
            return "open"  # before there is an account
