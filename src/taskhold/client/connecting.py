"""What both clients tell httpx2."""

import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx2

from taskhold import __version__
from taskhold.client.calls import Answer, Call

TIMEOUT_SECONDS = 30.0
PATIENCE_SECONDS = 30.0
_CONNECT_SECONDS = 5.0
QUIET_SECONDS = 40.0
"""How long a stream may be silent; the server gives a sign of life every 15 s."""


def options(
    url: str, token: str | None, timeout: float, tls: ssl.SSLContext | None
) -> dict[str, Any]:
    """For `httpx2.Client`. Raises ValueError for a URL or a token that can't be one."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The URL of a server begins with http:// or https:// and names a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("The URL of a server holds no user, password, query or fragment")
    headers = {"user-agent": f"taskhold-client/{__version__}", "accept": "application/json"}
    if token is not None:
        if not (token.isascii() and token.isprintable() and token.strip() == token and token):
            raise ValueError("This is no token")
        headers["authorization"] = f"Bearer {token}"
    if tls is None and parts.scheme == "http":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused, and made at once: trusts nobody
    beside_proxies = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
    return {
        "mounts": beside_proxies,  # HTTP_PROXY and the like are for other machines
        "base_url": url,
        "headers": headers,
        "timeout": httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
        "verify": True if tls is None else tls,
    }


def arguments(call: Call[Any]) -> dict[str, Any]:
    """For `build_request`."""
    headers = dict(call.headers)
    if call.key is not None:
        headers["idempotency-key"] = call.key
    if call.body is not None:
        headers.setdefault("content-type", "application/json")
    return {
        "method": call.method,
        "url": call.path,
        "params": list(call.query) or None,
        "content": call.body,
        "headers": headers,
    }


def answer_of(response: httpx2.Response) -> Answer:
    """What came back, read to its end."""
    return Answer(response.status_code, response.headers, response.content)
