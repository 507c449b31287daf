"""Who is asking: the guards of open mode.

Until the first account exists there is no login, for callers on this machine alone. A program on
another machine, a proxy's client, and a page of another site that reaches this machine through
the browser (by DNS rebinding, or by a plain form) must not get in.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Annotated, NamedTuple

from fastapi import Depends

from taskhold.accounts.models import OPEN_ACCOUNT_ID
from taskhold.errors import CrossSite, Unauthenticated
from taskhold.http.request import Request
from taskhold.settings import Settings

ONLY_FROM_HERE = (
    "Taskhold answers without a login only on its own machine, at a loopback address and "
    "without a proxy; call it from there, for example at http://127.0.0.1:8000."
)
SWITCHED_OFF = (
    "Open mode is switched off here by a setting (open_mode, public_url, trusted_proxies or a "
    "host beyond loopback), and this version has no accounts yet."
)

_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]+))(?::\d{1,5})?")
"""The Host header, RFC 9110 section 7.2."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_FROM_A_PROXY = (b"forwarded", b"via", b"x-real-ip")
_SAME_SITE = (b"same-origin", b"none")


class User(NamedTuple):
    """Who a request acts as."""

    id: int
    name: str
    """The actor of their journal rows."""


OPEN_USER = User(OPEN_ACCOUNT_ID, "open")


def current_user(request: Request) -> User:
    """Raises Unauthenticated, and CrossSite for a write that another site's page sends."""
    if not request.app.state.open_mode:
        raise Unauthenticated(SWITCHED_OFF)
    fields = request.fields
    if not (
        _is_loopback_pair(request.client.host if request.client else "", fields.get(b"host", b""))
        and request.scope["http_version"] != "1.0"
        and not any(name in fields for name in _FROM_A_PROXY)
        and not any(name.startswith(b"x-forwarded-") for name in fields)
    ):
        raise Unauthenticated(ONLY_FROM_HERE)
    if request.scope["method"] not in _READS and _is_cross_site(request, fields):
        raise CrossSite("A page of another site sent this write.")
    return OPEN_USER


def open_mode_allowed(settings: Settings) -> bool:
    """Whether these settings leave open mode on."""
    return (
        settings.open_mode
        and not settings.public_url
        and not settings.trusted_proxies
        and is_loopback(settings.host)
    )


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address (an IPv6 one without brackets) means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_loopback_pair(peer: str, host_field: bytes) -> bool:
    """Whether both ends are here: the peer's address, and the name that it asked for."""
    host = _without_port(host_field.decode("latin-1").lower())
    if peer == "testclient":  # Starlette's TestClient, which no network reaches
        return host == "testserver" or is_loopback(host)
    return is_loopback(peer) and is_loopback(host)


def _without_port(host: str) -> str:
    matched = _HOST.fullmatch(host)
    return (matched["v6"] or matched["name"]) if matched else ""


def _is_cross_site(request: Request, fields: dict[bytes, bytes]) -> bool:
    site, origin = fields.get(b"sec-fetch-site"), fields.get(b"origin")
    if site in _SAME_SITE:
        return False
    if origin is None:
        return site is not None
    own: bytes = request.scope["scheme"].encode() + b"://" + fields[b"host"]
    return origin != own


CurrentUser = Annotated[User, Depends(current_user)]
