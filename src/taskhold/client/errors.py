"""What can go wrong when one talks to a server.

    TaskholdError
    ├── Unreachable         no answer; with what to send a write again under
    ├── NotTaskhold         an answer, but none of a Taskhold server
    └── Problem             the server refuses, and says why (RFC 9457)
        ├── Unauthenticated 401
        ├── Forbidden       403
        ├── NotFound        404
        ├── Conflict        409
        ├── Gone            410
        ├── VersionConflict 412
        ├── Invalid         422
        ├── TooMany         429
        └── Unavailable     503, 507, and 502 and 504 of a proxy

`str()` of each is one sentence for a person.
"""

from collections.abc import Mapping
from typing import Any


class TaskholdError(Exception):
    """Whatever this package raises."""

    key: str | None = None
    """Of a write: its Idempotency-Key. The same call under it is done once, however often sent."""


class Unreachable(TaskholdError):
    """No answer came, for as long as the client was patient."""

    def __init__(self, sentence: str, *, may_be_done: bool = False) -> None:
        super().__init__(sentence)
        self.may_be_done = may_be_done
        """Whether a write may have reached the server."""


class NotTaskhold(TaskholdError):
    """Something answers at this address, but not as a Taskhold server does."""


class Problem(TaskholdError):
    """The server refuses."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.document = document
        """All that the server says of it."""
        self.detail = str(
            document.get("detail") or f"The server answered {status}, and not as Taskhold does."
        )
        self.name = str(document.get("type") or "").rpartition("/")[2]
        """What kind it is: `validation`, `version-conflict` … (`/problems/{name}` explains it)."""
        self.operation: int | None = document.get("operation")
        """In a batch: which of its operations it was."""
        super().__init__(self.detail)


class Unauthenticated(Problem):
    """No token, or one that is not let in."""


class Forbidden(Problem):
    """The token may not do this."""


class NotFound(Problem):
    """There is no such thing, or it is another's."""


class Conflict(Problem):
    """It can't be done as things are; `document` may say what is in the way."""


class Gone(Problem):
    """Purged, or a cursor that can't be continued: start over without one."""


class VersionConflict(Problem):
    """It has changed since."""

    @property
    def current(self) -> Any:
        """The present state."""
        return self.document.get("current")


class Invalid(Problem):
    """What was sent can't be meant."""

    @property
    def errors(self) -> list[dict[str, str]]:
        """What is wrong: `in`, `field`, `message` and `code` of each."""
        return list(self.document.get("errors", ()))


class TooMany(Problem):
    """Too many attempts."""


class Unavailable(Problem):
    """The server can't do it now."""


_BY_STATUS: dict[int, type[Problem]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: VersionConflict,
    422: Invalid,
    429: TooMany,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
    507: Unavailable,
}


def problem_of(status: int, document: Mapping[str, Any]) -> Problem:
    """The exception for an answer that is not 2xx."""
    return _BY_STATUS.get(status, Problem)(status, document)
