"""Around every request: its id, its route, its problems, its line in the log."""

import itertools
import re
import secrets
import time

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhold.errors import InternalError, Problem
from taskhold.http.answers import Answer, problem_answer, problem_for_status
from taskhold.http.dispatch import Dispatch
from taskhold.http.request import Request
from taskhold.logs import request_id_var

log = structlog.get_logger("taskhold.requests")

_CLIENTS_OWN_ID = re.compile(rb"[0-9A-Za-z._-]{1,100}")


class Frame:
    """The outermost application. What is not ours (docs assets, redirects) goes to `others`."""

    def __init__(self, dispatch: Dispatch, others: ASGIApp, *, log_requests: bool) -> None:
        self._dispatch = dispatch
        self._others = others
        self._log_requests = log_requests
        self._process = secrets.token_hex(4)
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope, receive, send)
        request_id = self._name(request)
        request_id_var.set(request_id.decode())
        header = (b"x-request-id", request_id)
        status = 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        try:
            answer = await self._answer(request, send_framed)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if status:  # it has begun to answer: all that can be done is to break it off
                raise
            detail = f"This is a mistake in Taskhold; the log has it under {request_id.decode()}."
            answer = problem_answer(InternalError(detail))
        if answer is not None:
            status = answer.status
            await answer.send(scope, send, header)
        if self._log_requests or status >= 500:
            took = round((time.perf_counter() - began) * 1000, 1)
            tell = log.error if status >= 500 else log.info
            tell("request", method=scope["method"], path=scope["path"], status=status, ms=took)

    async def _answer(self, request: Request, send_framed: Send) -> Answer | None:
        """What to answer; None where `others` has answered already."""
        scope = request.scope
        try:
            found = self._dispatch.find(scope["method"], _path_below_root(scope))
            if found is not None:
                route, scope["path_params"] = found
                return await route.handle_request(request)
            await self._others(scope, request.receive, send_framed)
            return None
        except Problem as problem:
            return problem_answer(problem)
        except HTTPException as refusal:
            allow = (refusal.headers or {}).get("Allow")
            return problem_answer(problem_for_status(refusal.status_code, allow))

    def _name(self, request: Request) -> bytes:
        own = request.fields.get(b"x-request-id")
        if own is not None and _CLIENTS_OWN_ID.fullmatch(own):
            return own
        return f"{self._process}-{next(self._count)}".encode()


def _path_below_root(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root) else path
