"""What pages of other origins may read: the Fetch standard's CORS protocol, without credentials.

A page of such an origin sends a token; cookies are never for it. (https://fetch.spec.whatwg.org/)
"""

from taskhold.http.answers import Answer, Headers
from taskhold.http.request import Request

_VARY = (b"vary", b"Origin")
_EXPOSED = (
    b"access-control-expose-headers",
    b"ETag, Link, Location, Retry-After, X-Request-ID, Idempotent-Replayed",
)
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        (
            b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
            b"Last-Event-ID, X-Request-ID"
        ),
    ),
    (b"access-control-max-age", b"600"),
)


class Cors:
    """Answers browsers that ask for a page of one of these origins; does nothing without any."""

    def __init__(self, origins: frozenset[bytes]) -> None:
        self._origins = origins

    def headers(self, request: Request) -> Headers:
        """What every answer to this request says."""
        if not self._origins:
            return []
        origin = request.fields.get(b"origin")
        if origin is None or origin.lower() not in self._origins:
            return [_VARY]
        return [_VARY, (b"access-control-allow-origin", origin), _EXPOSED]

    def preflight(self, request: Request) -> Answer | None:
        """The answer to a browser that asks what a page of another origin may send."""
        fields = request.fields
        if (
            request.scope["method"] != "OPTIONS"
            or b"access-control-request-method" not in fields
            or fields.get(b"origin", b"").lower() not in self._origins
        ):
            return None
        return Answer(204, headers=list(_PREFLIGHT))
