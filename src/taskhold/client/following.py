"""Following the journal: where one is in it, and what to do when the stream breaks."""

import json
import logging
import time
from typing import Any

import httpx2

from taskhold.client.calls import Answer
from taskhold.client.connecting import QUIET_SECONDS
from taskhold.client.errors import NotTaskhold, Unavailable
from taskhold.client.retrying import LONGEST_WAIT_SECONDS, reason, wait_seconds
from taskhold.client.shapes import Change

log = logging.getLogger("taskhold.client")


class Following:
    """A place in the journal. It outlives the streams."""

    def __init__(self, cursor: int, where: str) -> None:
        self.cursor = cursor
        self._where = where
        self._failures = 0
        self._began: float | None = None

    def arguments(self) -> dict[str, Any]:
        """For httpx2's `sse`: begin behind the last change that came."""
        return {
            "url": "/events",
            "params": {"after": self.cursor},
            "timeout": httpx2.Timeout(QUIET_SECONDS, connect=5.0),
            "max_event_size": None,
        }

    def has_begun(self, response: httpx2.Response) -> bool:
        """Whether this is a stream."""
        self._began = time.monotonic()
        return response.status_code == 200

    def change_in(self, event: httpx2.ServerSentEvent) -> Change | None:
        """The change that an event tells; None for what came before, or is of another kind."""
        if event.event != "change":
            return None
        change: Change = json.loads(event.data)
        if change["seq"] <= self.cursor:
            return None
        self.cursor = change["seq"]
        return change

    def check(self, answer: Answer) -> None:
        """Raises the problem of an answer that is no stream, unless it may pass."""
        if 200 <= answer.status < 300:
            raise NotTaskhold(f"What answers at {self._where} is no Taskhold server.")
        problem = answer.problem()
        if not isinstance(problem, Unavailable):
            raise problem
        self._say(str(problem))

    def note(self, error: httpx2.RequestError) -> None:
        """Note that a stream broke. Raises NotTaskhold where another program answers."""
        if isinstance(error, httpx2.SSEError):
            raise NotTaskhold(f"What answers at {self._where} is no Taskhold server.") from error
        if not isinstance(error, httpx2.ReadTimeout):
            self._say(reason(error))

    def wait_seconds(self) -> float:
        """How long to wait before the next stream; longer after each one that was short."""
        if self._began and time.monotonic() - self._began > LONGEST_WAIT_SECONDS:
            self._failures = 0
        self._began = None
        self._failures += 1
        return wait_seconds(self._failures - 1)

    def _say(self, why: str) -> None:
        if self._failures == 1:  # that it ends once is nothing to tell, nor that it stays so
            log.warning("no changes come from %s (%s); trying again", self._where, why)
