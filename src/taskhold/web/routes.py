"""The page over HTTP: itself, its service worker and its files.

Any query is let through here, where the API refuses what it doesn't know: the page reads its own.
"""

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from taskhold.errors import NothingHere
from taskhold.http.answers import Answer
from taskhold.http.request import Request
from taskhold.web.assets import assets
from taskhold.web.files import ASK_AGAIN, FOR_GOOD, answer

_WORKERS_POLICY = (b"content-security-policy", b"default-src 'none'; connect-src 'self'")
"""A service worker fetches under its own policy, not under the page's."""


def routes() -> list[BaseRoute]:
    """`/`, `/service-worker.js` (at the root, for it acts on what is below it) and `/static/…`."""
    return [
        Route("/", _ShowPage(), methods=["GET"]),
        Route("/service-worker.js", _ShowServiceWorker(), methods=["GET"]),
        Mount("/static", _ShowFile()),
    ]


class _ShowPage:
    """ASGI, as the two below: instances, for Starlette takes a function as one of its own kind."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, page = Request(scope, receive, send), assets().page
        headers = [(b"etag", page.etag), ASK_AGAIN, (b"content-security-policy", page.policy)]
        if page.etag in request.fields.get(b"if-none-match", b""):
            await Answer(304, headers=headers).send(scope, send)
            return
        await answer(request, page.asset, headers).send(scope, send)


class _ShowServiceWorker:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        headers = [ASK_AGAIN, _WORKERS_POLICY]
        await answer(request, assets().service_worker, headers).send(scope, send)


class _ShowFile:
    """Raises NothingHere for all but the names that the page has now."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            raise NothingHere
        name = scope["path"].removeprefix(f"{scope['root_path']}/")
        asset = assets().files.get(name)
        if asset is None:
            raise NothingHere
        await answer(request, asset, [FOR_GOOD]).send(scope, send)
