"""A request as our dependencies read it."""

from functools import cached_property

from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest

from taskhold.errors import BodyTooLarge, UnsupportedMediaType
from taskhold.http.body import read_json
from taskhold.metrics import Requests

MIB = 1024 * 1024
_MERGE_PATCH = b"application/merge-patch+json"


class _NoInput(BaseModel):
    model_config = {"extra": "forbid"}


class Request(StarletteRequest):
    """Starlette's request with its headers in one mapping and its body read once, in bounds."""

    counting: Requests
    """Where it is counted once it is answered."""
    content: bytes = b""
    """The body, once `read` has read it."""

    @cached_property
    def fields(self) -> dict[bytes, bytes]:
        """The headers by lower-case name; one that came twice is joined, RFC 9110 section 5.2."""
        fields: dict[bytes, bytes] = {}
        for name, value in self.scope["headers"]:
            fields[name] = fields[name] + b", " + value if name in fields else value
        return fields

    @property
    def peer(self) -> str:
        """The address at the other end of the connection."""
        client = self.scope.get("client")
        return client[0] if client else ""

    async def read(self, limit: int = MIB) -> bytes:
        """The body of a JSON request. Raises UnsupportedMediaType, BodyTooLarge, ClientDisconnect.

        A body that says it is larger than `limit` bytes is refused before it is read.
        """
        self._check_media_type()
        length = self.fields.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > limit:
            raise _too_large(limit)
        message = await self.receive()
        chunks: bytes = b""
        while True:
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks += message.get("body", b"")
            if len(chunks) > limit:
                raise _too_large(limit)
            if not message.get("more_body", False):
                break
            message = await self.receive()
        self.content = chunks
        return chunks

    async def read_nothing(self) -> None:
        """The body of a POST that takes no input: none, or `{}`. Raises as `read_json` does."""
        length = self.fields.get(b"content-length", b"0")
        if length.strip(b"0") or b"transfer-encoding" in self.fields:
            body = await self.read()
            if body.strip():
                read_json(_NoInput, body)

    def _check_media_type(self) -> None:
        media_type = self.fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
        is_patch = self.scope["method"] == "PATCH"
        if media_type == b"application/json" or (is_patch and media_type == _MERGE_PATCH):
            return
        accepted = "application/json" + (", application/merge-patch+json" if is_patch else "")
        raise UnsupportedMediaType(
            f"The body has to be sent as {accepted}.",
            {"Accept-Patch" if is_patch else "Accept": accepted},
        )


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"A body may hold {limit // MIB} MiB here.")
