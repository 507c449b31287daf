"""The documentation below `/help`: what `tools/help_site.py` has made of `docs/`.

Nothing in it asks another host, and it works without a login, as the API's documents do.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from taskhold.errors import NothingHere
from taskhold.http.answers import Answer
from taskhold.http.request import Request
from taskhold.web.files import ASK_AGAIN, FOR_GOOD, Asset, answer, asset

_POLICY = (
    b"content-security-policy",
    (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
)
"""The search is a form, and reads the pages that it has found."""


def routes() -> list[BaseRoute]:
    """`/help/…`, and the way there."""
    return [Route("/help", _ShowTheWay(), methods=["GET"]), Mount("/help", _ShowHelp())]


class _Page(NamedTuple):
    asset: Asset
    etag: bytes


class _ShowTheWay:
    """ASGI, as the next: instances, for Starlette takes a function as one of its own kind."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await Answer(307, headers=[(b"location", b"help/")]).send(scope, send)


class _ShowHelp:
    """ASGI. Raises NothingHere for all but the pages and files that there are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            raise NothingHere
        page = _page(scope["path"].removeprefix(f"{scope['root_path']}/") or "index.html")
        headers = [_POLICY, (b"etag", page.etag), _how_long(scope)]
        if page.etag in request.fields.get(b"if-none-match", b""):
            await Answer(304, headers=headers).send(scope, send)
            return
        await answer(request, page.asset, headers).send(scope, send)


def _how_long(scope: Scope) -> tuple[bytes, bytes]:
    """Sphinx names scripts and styles with a sum of their content: `?v=5d5f0a40`."""
    named = scope["query_string"].startswith(b"v=") and "/_static/" in scope["path"]
    return FOR_GOOD if named else ASK_AGAIN


@cache
def _page(path: str) -> _Page:
    """Read and compressed when it is first asked for; only the names that there are get so far."""
    if path not in _paths():
        raise NothingHere
    content = resources.files("taskhold").joinpath("help_assets", path).read_bytes()
    return _Page(asset(path, content), f'"{hashlib.sha256(content).hexdigest()[:16]}"'.encode())


@cache
def _paths() -> frozenset[str]:
    return frozenset(_below(resources.files("taskhold").joinpath("help_assets"), ""))


def _below(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name
