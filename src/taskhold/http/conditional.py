"""Conditional requests: ETag, If-None-Match and If-Match (RFC 9110 section 13)."""

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header

from taskhold.accounts.access import CurrentUser
from taskhold.http.answers import JSON, Answer, Headers
from taskhold.http.store import StoreDep
from taskhold.store import Row

REPRESENTATION = 2
"""Count it up when answers gain fields, so that no client keeps an answer without them."""

Version = int | str
"""A version or a `seq`; a text is a version, a point, and what is shown beside what it counts."""

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIST_OF_TAGS = re.compile(rf"\s*{_TAG.pattern}(\s*,\s*{_TAG.pattern})*\s*")
_PRIVATE = [(b"cache-control", b"private, no-cache"), (b"vary", b"Authorization, Cookie")]


def state_of(shown: Row) -> Version:
    """What the ETag of a task or a list tells; a list shows a number that isn't part of it."""
    version: int = shown["version"]
    return f"{version}.{shown['open_count']}" if "open_count" in shown else version


def any_version(_: int) -> bool:
    """No If-Match: whatever the version is."""
    return True


class Tags:
    """The ETags of one account, and what the client has of them already."""

    __slots__ = ("_have", "_prefix")

    def __init__(self, lineage: str, account_id: int, have: str | None = None) -> None:
        self._prefix = f"{lineage}.{REPRESENTATION}.{account_id}."
        self._have = have

    def of(self, version: Version) -> str:
        """The ETag's value, without its quotes, of an object's version or a collection's seq."""
        return f"{self._prefix}{version}"

    def headers(self, version: Version) -> Headers:
        return [(b"etag", f'"{self._prefix}{version}"'.encode()), *_PRIVATE]

    @property
    def known(self) -> Callable[[Version], bool] | None:
        """What says whether the client has a version; None for one that has none."""
        return None if self._have is None else self.client_has

    def client_has(self, version: Version) -> bool:
        """Whether If-None-Match names it, so that 304 is the answer."""
        return self._have is not None and (
            self._have.strip() == "*" or self.of(version) in _values(self._have)
        )

    def answer(self, body: bytes, version: Version) -> Answer:
        """200 with the body, or 304 without."""
        if self.client_has(version):
            return self.not_modified(version)
        return self.shown(body, version)

    def shown(self, body: bytes, version: Version) -> Answer:
        """200 with the body."""
        return Answer(200, body, [JSON, *self.headers(version)])

    def not_modified(self, version: Version) -> Answer:
        """304, without a body."""
        return Answer(304, b"", self.headers(version))


def _values(header: str) -> list[str]:
    """The opaque parts of a list of ETags; none where the list is malformed.

    `W/` in front is ignored: proxies add it when they compress an answer.
    """
    if header.count('"') > 200 or not _LIST_OF_TAGS.fullmatch(header):
        return []
    return _TAG.findall(header)


def tags(
    user: CurrentUser,
    store: StoreDep,
    if_none_match: Annotated[
        str | None,
        Header(description="ETags that the client has; where one still holds, 304 is answered."),
    ] = None,
) -> Tags:
    """The account's ETags, and those that the client has."""
    return Tags(store.lineage, user.id, if_none_match)


def if_match(
    user: CurrentUser,
    store: StoreDep,
    if_match: Annotated[
        str | None,
        Header(
            description="ETags, one of which the present version has to have, or `*`; else 412."
        ),
    ] = None,
) -> Callable[[int], bool]:
    """Whether If-Match allows to change a version; a malformed one allows none."""
    if if_match is None or if_match.strip() == "*":
        return any_version
    mine = Tags(store.lineage, user.id)
    named = _values(if_match)

    def may_change(version: int) -> bool:
        tag = mine.of(version)
        return any(each == tag or each.startswith(f"{tag}.") for each in named)

    return may_change


TagsDep = Annotated[Tags, Depends(tags)]
IfMatch = Annotated[Callable[[int], bool], Depends(if_match)]
"""Says of a version whether the client's If-Match allows to change it."""
