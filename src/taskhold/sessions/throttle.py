"""How many logins are looked at: too few to guess by, and nobody is locked out for good.

Each attempt is written down before its password is looked at, in a transaction of its own, so that
a burst can't get ahead of the count; and taken out again if it was right. What counts is who is
meant and where it comes from:

    a name, from browsers that have not logged in to it before   10 in 15 minutes, together
    a name, from one browser that has                            10 in 15 minutes, its own
    an address, whoever is meant                                 50 in 15 minutes
"""

import hashlib
import ipaddress
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select

from taskhold.accounts.errors import TooManyAttempts
from taskhold.accounts.models import fold_username
from taskhold.accounts.secrets import fingerprint
from taskhold.sessions.models import LoginAttempt
from taskhold.sessions.operations import BROWSER_HOURS, KNOWS_BROWSER
from taskhold.store import Tx
from taskhold.store.query import Query, stamp_before
from taskhold.store.schema import table

LOGINS = -2
"""What is held while attempts are counted; no account has this id."""
MINUTES = 15
MOST_FOR_A_NAME = 10
MOST_FROM_AN_ADDRESS = 50

_attempt = table(LoginAttempt).c

_SINCE = _attempt.at > bindparam("since")
OF_NAME = Query(
    select(func.count().label("count"), func.min(_attempt.at).label("oldest")).where(
        _attempt.who == bindparam("who"), _SINCE
    )
)
OF_ADDRESS = Query(
    select(func.count().label("count"), func.min(_attempt.at).label("oldest")).where(
        _attempt.address == bindparam("address"), _SINCE
    )
)
WRITE_DOWN = Query(
    insert(LoginAttempt)
    .values({name: bindparam(name) for name in ("at", "who", "address")})
    .returning(_attempt.id)
)
TAKE_OUT = Query(delete(LoginAttempt).where(_attempt.id == bindparam("id")))
DROP_OLD = Query(delete(LoginAttempt).where(_attempt.at <= bindparam("since")))


class Attempt(NamedTuple):
    """One that may be looked at."""

    id: int


async def admit(tx: Tx, username: str, address: str, browser: str | None) -> Attempt:
    """Count an attempt before it is looked at. Raises TooManyAttempts."""
    since = stamp_before(tx.now, hours=MINUTES / 60)
    address = _network(address)
    who = await _counted_as(tx, username, browser)
    for query, most, key in (
        (OF_NAME, MOST_FOR_A_NAME, {"who": who}),
        (OF_ADDRESS, MOST_FROM_AN_ADDRESS, {"address": address}),
    ):
        found = await tx.one(query, since=since, **key)
        assert found is not None
        if found["count"] >= most:
            oldest = datetime.fromisoformat(found["oldest"]) - datetime.fromisoformat(since)
            raise TooManyAttempts(max(1, int(oldest.total_seconds()) + 1))
    await tx.run(DROP_OLD, since=since)
    written = await tx.one(WRITE_DOWN, at=tx.now, who=who, address=address)
    assert written is not None
    return Attempt(written["id"])


async def take_out(tx: Tx, attempt: Attempt) -> None:
    """Forget an attempt that was right."""
    await tx.run(TAKE_OUT, id=attempt.id)


async def _counted_as(tx: Tx, username: str, browser: str | None) -> str:
    folded = fold_username(username)
    name = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()
    mark = fingerprint(browser or "")
    since = stamp_before(tx.now, hours=BROWSER_HOURS)
    known = await tx.one(KNOWS_BROWSER, folded=folded, fingerprint=mark, since=since)
    return f"{name} {mark}" if known else name


def _network(address: str) -> str:
    """The address, of an IPv6 one the network that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
