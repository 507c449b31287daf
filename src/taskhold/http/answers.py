"""What goes back: a status, headers and bytes, ready to be sent."""

from http import HTTPStatus
from typing import Any

from pydantic_core import to_json
from starlette.types import Scope, Send

from taskhold.encoding import as_json
from taskhold.errors import MethodNotAllowed, NothingHere, Problem

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
PROBLEM_JSON = (b"content-type", b"application/problem+json")


class Answer:
    """A whole answer. Unlike Starlette's Response it takes encoded headers and encodes nothing."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Headers | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers if headers is not None else []

    async def send(self, scope: Scope, send: Send, *more: tuple[bytes, bytes]) -> None:
        """Send it, with `more` headers. HEAD gets the headers alone (RFC 9110 section 9.3.2)."""
        headers = [*self.headers, *more]
        if self.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            headers.append((b"content-length", str(len(self.body)).encode()))
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def json_answer(content: Any, status: int = 200) -> Answer:
    """`content` as JSON."""
    return Answer(status, as_json(content), [JSON])


def problem_answer(problem: Problem) -> Answer:
    """A problem as RFC 9457 has it: `application/problem+json`."""
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    body = to_json(problem.document(), inf_nan_mode="constants")
    return Answer(problem.status, body, [PROBLEM_JSON, *headers])


def problem_for_status(status: int, allow: str | None) -> Problem:
    """What the framework refuses by itself: a path or a method that there isn't."""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed(allow or "")
    return NothingHere()
