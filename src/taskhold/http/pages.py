"""Pages: `limit`, `offset`, and the cursor that `Link` carries."""

import base64
import binascii
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from taskhold.encoding import as_json
from taskhold.errors import FieldError, Validation
from taskhold.http.answers import Answer
from taskhold.http.conditional import Tags
from taskhold.shapes import Number
from taskhold.store.paging import Listed
from taskhold.store.query import is_stamp

LARGEST_OFFSET = 1_000_000
_PLACE = {"limit", "offset", "after"}


class Page(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Number = Field(default=20, ge=1, le=500, description="How many at the most.")
    offset: Number = Field(
        default=0,
        ge=0,
        le=LARGEST_OFFSET,
        description="How many to skip. The cursor in `Link` costs less and never skips or repeats.",
    )
    after: str | None = Field(
        default=None,
        max_length=4000,
        description="The cursor from a `Link`; not together with `offset`.",
    )

    def shape(self) -> str:
        """The filters and the order, as a query string: what a cursor is good for."""
        if self.model_fields_set <= _PLACE:
            return ""
        chosen = self.model_dump(exclude=_PLACE, exclude_defaults=True)
        return urlencode(
            [
                (name, str(value).lower() if value is True or value is False else value)
                for name, value in chosen.items()
            ],
            doseq=True,
        )


Kind = type | frozenset[str]
"""Of a value in a cursor: its type, or the texts that it can be."""


def read_cursor(path: str, page: Page, kinds: tuple[Kind, ...]) -> list[Any] | None:
    """The position in `page.after`, of the given types; None where there is no cursor.

    Raises Validation for a cursor that is malformed, was made at another path, under other
    filters or in another order, or came with an offset.
    """
    if page.after is None:
        return None
    if "offset" in page.model_fields_set:
        raise _unfit("can't be combined with offset")
    try:
        padded = page.after + "=" * (-len(page.after) % 4)
        shape, position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _unfit("is not a cursor of this server") from None
    if shape != [path, page.shape()]:
        raise _unfit("was made under other filters or another order")
    if not _fits(position, kinds):
        raise _unfit("is not a cursor of this server")
    return list(position)


def page_answer(tags: Tags, path: str, page: Page, listed: Listed) -> Answer:
    """A page as a bare array with the `Link` to the next one, or 304."""
    if listed.rows is None:
        return tags.not_modified(listed.state)
    answer = tags.shown(as_json(listed.rows), listed.state)
    if listed.next_position is not None:
        answer.headers.append(link_to_next(path, page, listed.next_position))
    return answer


def link_to_next(path: str, page: Page, position: list[Any]) -> tuple[bytes, bytes]:
    """The `Link` header to the page behind `position` (RFC 8288)."""
    shape = page.shape()
    cursor = _encode([[path, shape], position])
    query = f"{shape}&limit={page.limit}" if shape else f"limit={page.limit}"
    return b"link", f'<{path}?{query}&after={cursor}>; rel="next"'.encode()


def _encode(content: list[Any]) -> str:
    return base64.urlsafe_b64encode(as_json(content)).rstrip(b"=").decode()


def _fits(position: object, kinds: tuple[Kind, ...]) -> bool:
    return (
        isinstance(position, list)
        and len(position) == len(kinds)
        and all(_is_a(kind, value) for value, kind in zip(position, kinds, strict=True))
    )


def _is_a(kind: Kind, value: object) -> bool:
    if isinstance(kind, frozenset):
        return isinstance(value, str) and value in kind
    if kind is datetime:
        return isinstance(value, str) and is_stamp(value)
    if kind is str:
        return isinstance(value, str) and _can_be_stored(value)
    return type(value) is kind and (not isinstance(value, int) or abs(value) < 2**63)


def _can_be_stored(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _unfit(message: str) -> Validation:
    return Validation([FieldError("query", "after", message, "cursor")])
