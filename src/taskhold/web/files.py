"""A file as it is sent to a browser: compressed once, with what may be kept of it."""

import gzip
from typing import NamedTuple

from taskhold.http.answers import Answer, Headers
from taskhold.http.request import Request

TYPES = {
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}
"""By how names end."""
ASK_AGAIN = (b"cache-control", b"no-cache")
FOR_GOOD = (b"cache-control", b"public, max-age=31536000, immutable")
_SHORT = 1024
"""Bytes that are one packet anyway."""


class Asset(NamedTuple):
    """A file as it is sent."""

    content_type: str
    content: bytes
    compressed: bytes | None
    """With gzip, where that is shorter."""


def asset(name: str, content: bytes) -> Asset:
    """A file of this name. What is of no known kind is text."""
    compressed = gzip.compress(content, 9, mtime=0) if len(content) > _SHORT else content
    shorter = compressed if len(compressed) < len(content) else None
    kind = TYPES.get(name.rpartition(".")[2], "text/plain; charset=utf-8")
    return Asset(kind, content, shorter)


def answer(request: Request, asset: Asset, headers: Headers) -> Answer:
    """The file, compressed for who takes it so."""
    sent = [(b"content-type", asset.content_type.encode()), *headers]
    if asset.compressed is None:
        return Answer(200, asset.content, sent)
    sent.append((b"vary", b"Accept-Encoding"))
    if b"gzip" not in request.fields.get(b"accept-encoding", b""):
        return Answer(200, asset.content, sent)
    return Answer(200, asset.compressed, [*sent, (b"content-encoding", b"gzip")])
