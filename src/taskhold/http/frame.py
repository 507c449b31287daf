"""Around every request: its id, its route, its problems, its line in the log."""

import itertools
import re
import secrets
import time
from http import HTTPStatus
from operator import itemgetter
from urllib.parse import unquote, urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhold.errors import InternalError, Problem
from taskhold.http.answers import Answer, Headers, problem_answer, problem_for_status
from taskhold.http.cors import Cors
from taskhold.http.dispatch import Dispatch
from taskhold.http.request import Request
from taskhold.logs import request_id_var
from taskhold.metrics import Requests

log = structlog.get_logger("taskhold.requests")

_CLIENTS_OWN_ID = re.compile(rb"[0-9A-Za-z._-]{1,100}")
_PEOPLES_WORDS = re.compile("(?<=/tags/).+", re.DOTALL)
"""What a path may hold that people keep here; the log doesn't."""


_PROTECTING = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
"""For browsers, with every answer (OWASP's HTTP Headers Cheat Sheet)."""
_PROTECTING_FILES = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
"""What of it means something for the page's files, of which the first view takes dozens."""
_ONLY_HTTPS = (b"strict-transport-security", b"max-age=31536000")
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""What is no page loads nothing, should a browser take it for one."""


_name_of = itemgetter(0)


def _policy(headers: Headers) -> Headers:
    """A page has its own."""
    has_one = _POLICY[0] in map(_name_of, headers)
    return [] if has_one else [_POLICY]


class _Framed:
    """Sends what others answer, with our headers."""

    __slots__ = ("_headers", "_scope", "_send", "status")

    def __init__(self, scope: Scope, send: Send, headers: Headers) -> None:
        self._scope = scope
        self._send = send
        self._headers = headers
        self.status = 0
        """0 until they begin to answer."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            if self.status == HTTPStatus.OK and _is_file(self._scope):
                more = [self._headers[0], *_PROTECTING_FILES]  # with its id
            else:
                more = [*self._headers, *_policy(given)]
            message = {**message, "headers": [*given, *more]}
        await self._send(message)


class Frame:
    """The outermost application. What is not ours (docs assets, redirects) goes to `others`."""

    def __init__(
        self,
        dispatch: Dispatch,
        others: ASGIApp,
        *,
        cors: Cors,
        counting_others: Requests,
        log_requests: bool,
        public_url: str | None,
    ) -> None:
        public = urlsplit(public_url or "")
        self._dispatch = dispatch
        self._counting_others = counting_others
        self._others = others
        self._cors = cors
        self._log_requests = log_requests
        self._headers = [*_PROTECTING, *([_ONLY_HTTPS] if public.scheme == "https" else [])]
        self._path = public.path.rstrip("/").encode()
        """What a proxy takes away from the paths that it passes on."""
        self._process = secrets.token_hex(4)
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope, receive, send)
        request.counting = self._counting_others
        request_id = self._name(request)
        request_id_var.set(request_id.decode())
        headers = [(b"x-request-id", request_id), *self._headers, *self._cors.headers(request)]
        framed = _Framed(scope, send, headers)
        try:
            answer = self._cors.preflight(request) or await self._answer(request, framed)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("request failed", method=scope["method"], path=_to_log(scope))
            if framed.status:  # it has begun to answer: all that can be done is to break it off
                raise
            detail = f"This is a mistake in Taskhold; the log has it under {request_id.decode()}."
            answer = problem_answer(InternalError(detail))
        status = framed.status if answer is None else answer.status
        request.counting.count(status, time.perf_counter() - began)
        if answer is not None:
            answer.headers = self._below(answer.headers)
            await answer.send(scope, send, *headers, *_policy(answer.headers))
        if self._log_requests or status >= 500:
            _log(scope, status, time.perf_counter() - began)

    async def _answer(self, request: Request, send_framed: Send) -> Answer | None:
        """What to answer; None where `others` has answered already."""
        scope = request.scope
        try:
            path = _path_below_root(scope)
            found = self._dispatch.find(scope["method"], path, _parts(scope, path))
            if found is not None:
                route, scope["path_params"] = found
                request.counting = route.counting[scope["method"]]
                return await route.handle_request(request)
            await self._others(scope, request.receive, send_framed)
            return None
        except Problem as problem:
            return problem_answer(problem)
        except HTTPException as refusal:
            allow = (refusal.headers or {}).get("Allow")
            return problem_answer(problem_for_status(refusal.status_code, allow))

    def _below(self, headers: Headers) -> Headers:
        """The headers, as somebody beyond the proxy needs them."""
        return [_below(self._path, *header) for header in headers] if self._path else headers

    def _name(self, request: Request) -> bytes:
        own = request.fields.get(b"x-request-id")
        if own is not None and _CLIENTS_OWN_ID.fullmatch(own):
            return own
        return f"{self._process}-{next(self._count)}".encode()


def _below(path: bytes, name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header whose paths begin where those outside of the proxy do."""
    if name == b"location":
        return name, path + value
    if name == b"link":
        return name, value.replace(b"</", b"<" + path + b"/", 1)
    return name, value


def _is_file(scope: Scope) -> bool:
    return "/static/" in scope["path"]


def _log(scope: Scope, status: int, seconds: float) -> None:
    tell = log.error if status >= 500 else log.info
    took = round(seconds * 1000, 1)
    tell("request", method=scope["method"], path=_to_log(scope), status=status, ms=took)


def _to_log(scope: Scope) -> str:
    return _PEOPLES_WORDS.sub("…", scope["path"])


def _path_below_root(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root) else path


def _parts(scope: Scope, path: str) -> list[str]:
    """The parts of the path below the root; `%2F` is no end of one (RFC 3986, section 2.2)."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%2" not in raw:
        return path.split("/")
    parts = raw.decode("latin-1").split("/")
    above = scope["path"].count("/") - path.count("/")
    return ["", *map(unquote, parts[above + 1 :])]
