"""What the server is to its callers: where they come from, and by which address they know it."""

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends

from taskhold.http.request import Request
from taskhold.settings import Settings

_NAME = "taskhold"
_BROWSER = "-browser"
_BROWSER_SECONDS = 365 * 24 * 3600
_SESSION_SECONDS = 90 * 24 * 3600


class Site:
    """How these settings have the server seen."""

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.public_url or "")
        self._path = public.path.rstrip("/")
        self._origin = f"{public.scheme}://{public.netloc}".lower().encode()
        self._is_https = public.scheme == "https"
        self._proxies = settings.proxies
        self._other_origins = settings.other_origins

    def address(self, request: Request) -> str:
        """Where a request comes from: the nearest address that is none of our proxies'."""
        address = request.peer
        if self._proxies and self._is_proxy(address):
            for hop in reversed(_forwarded_for(request)):
                address = hop
                if not self._is_proxy(hop):
                    break
        return address[:100]

    def is_https(self, request: Request) -> bool:
        """Whether the browser speaks TLS, to us or to a proxy of ours."""
        if self._is_https or request.scope["scheme"] == "https":
            return True
        forwarded = request.fields.get(b"x-forwarded-proto")
        return forwarded == b"https" and self._is_proxy(request.peer)

    def is_cross_site(self, request: Request) -> bool:
        """Whether a page of another site makes the browser send this."""
        fields = request.fields
        site, origin = fields.get(b"sec-fetch-site"), fields.get(b"origin")
        if site in (b"same-origin", b"none"):
            return False
        if origin is None:
            return site is not None
        scheme = b"https" if self.is_https(request) else b"http"
        own = scheme + b"://" + fields.get(b"host", b"").lower()
        return origin.lower() not in (own, self._origin, *self._other_origins)

    def session_secret(self, request: Request) -> str | None:
        """What the session's cookie says."""
        if b"cookie" not in request.fields:
            return None
        return _cookie(request, self._cookie_name(request))

    def browser_secret(self, request: Request) -> str | None:
        """What the cookie says by which a browser is known."""
        return _cookie(request, self._cookie_name(request) + _BROWSER)

    def session_cookie(self, request: Request, secret: str) -> tuple[bytes, bytes]:
        """The header that sets it; an empty secret takes it away."""
        return self._set(request, "", secret, _SESSION_SECONDS)

    def browser_cookie(self, request: Request, secret: str) -> tuple[bytes, bytes]:
        """The header that sets it."""
        return self._set(request, _BROWSER, secret, _BROWSER_SECONDS)

    def _cookie_name(self, request: Request) -> str:
        if not self.is_https(request):
            return _NAME
        return f"__Secure-{_NAME}" if self._path else f"__Host-{_NAME}"

    def _set(self, request: Request, suffix: str, secret: str, seconds: int) -> tuple[bytes, bytes]:
        secure = "; Secure" if self.is_https(request) else ""
        name, path = self._cookie_name(request) + suffix, self._path or "/"
        age = seconds if secret else 0
        flags = f"Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
        return b"set-cookie", f"{name}={secret}; {flags}".encode()

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed: Any = ipaddress.ip_address(address)
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(parsed in network for network in self._proxies)


def site(request: Request) -> Site:
    """The app's."""
    found: Site = request.app.state.site
    return found


SiteDep = Annotated[Site, Depends(site)]


def _forwarded_for(request: Request) -> list[str]:
    """The addresses that proxies say, nearest last."""
    hops = request.fields.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    return [hop for each in hops if (hop := each.strip())]


def _cookie(request: Request, name: str) -> str | None:
    header = request.fields.get(b"cookie")
    if header is None or name.encode() not in header:
        return None
    for pair in header.replace(b",", b";").split(b";"):
        key, _, value = pair.strip().partition(b"=")
        if key == name.encode():
            return value.decode("latin-1")
    return None
