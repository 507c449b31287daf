"""What can be done with sessions. Rules and statements; nothing of HTTP."""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from taskhold.accounts.errors import WrongCredentials
from taskhold.accounts.models import Account
from taskhold.accounts.secrets import fingerprint, new_secret
from taskhold.audit.operations import Doer, note
from taskhold.errors import NotFound
from taskhold.sessions.models import Browser, Session
from taskhold.store import Row, Tx
from taskhold.store.query import Query, stamp_before
from taskhold.store.schema import table

IDLE_HOURS = 14 * 24
"""A session ends when it has not been used for so long."""
LONGEST_HOURS = 90 * 24
"""And at the latest so long after the login."""
BROWSER_HOURS = 365 * 24
"""How long a browser is known after its last login."""
CLIENT_LENGTH = 200

_session = table(Session).c
_account = table(Account).c
_browser = table(Browser).c
_OWNED = _session.account_id == bindparam("account_id")
_LIVES = (
    _session.expires_at > bindparam("now"),
    _session.last_used_at > bindparam("idle_since"),
)

BEGIN = Query(
    insert(Session)
    .values(
        {
            name: bindparam(name)
            for name in (
                "account_id",
                "fingerprint",
                "created_at",
                "last_used_at",
                "expires_at",
                "client",
            )
        }
    )
    .returning(_session.id)
)
_SHOWN = tuple(
    _session[name] for name in ("id", "created_at", "last_used_at", "expires_at", "client")
)
FIND = Query(
    select(
        _session.id,
        _session.account_id,
        _session.last_used_at,
        _account.username,
        _account.admin,
    )
    .join_from(Session, Account, _session.account_id == _account.id)
    .where(_session.fingerprint == bindparam("fingerprint"), ~_account.disabled, *_LIVES)
)
LIST = Query(select(*_SHOWN).where(_OWNED, *_LIVES).order_by(_session.id.desc()))
GET = Query(select(*_SHOWN).where(_OWNED, _session.id == bindparam("id"), *_LIVES))
TOUCH = Query(
    update(Session)
    .where(_OWNED, _session.id == bindparam("id"))
    .values(last_used_at=bindparam("at"))
)
END = Query(delete(Session).where(_OWNED, _session.id == bindparam("id")))
REPLACE = Query(delete(Session).where(_OWNED, _session.fingerprint == bindparam("fingerprint")))
END_ALL_BUT = Query(delete(Session).where(_OWNED, _session.id != bindparam("kept")))
DROP_DEAD = Query(
    delete(Session).where(
        _OWNED,
        (_session.expires_at <= bindparam("now"))
        | (_session.last_used_at <= bindparam("idle_since")),
    )
)
KNOWS_BROWSER = Query(
    select(_browser.account_id)
    .join_from(Browser, Account, _browser.account_id == _account.id)
    .where(
        _account.username_folded == bindparam("folded"),
        _browser.fingerprint == bindparam("fingerprint"),
        _browser.last_used_at > bindparam("since"),
    )
)
_OWN_BROWSER = (
    _browser.account_id == bindparam("account_id"),
    _browser.fingerprint == bindparam("fingerprint"),
)
FORGET_BROWSER = Query(delete(Browser).where(*_OWN_BROWSER))
FORGET_OLD_BROWSERS = Query(
    delete(Browser).where(
        _browser.account_id == bindparam("account_id"), _browser.last_used_at <= bindparam("since")
    )
)
KNOW_BROWSER = Query(
    insert(Browser).values(
        {name: bindparam(name) for name in ("account_id", "fingerprint", "last_used_at")}
    )
)


IS_STILL = Query(
    select(_account.id).where(
        _account.id == bindparam("account_id"),
        _account.password == bindparam("password"),
        ~_account.disabled,
    )
)


class Begun(NamedTuple):
    """A new session: what the browser is to send back."""

    secret: str
    browser: str


async def begin(
    tx: Tx,
    doer: Doer,
    account: Row,
    *,
    client: str,
    browser: str | None = None,
    replaces: str | None = None,
) -> Begun:
    """Log in. `browser` is what it sent as its own, `replaces` the session that it came with.

    Raises WrongCredentials where the password that was looked at is no longer the account's. To be
    written under `ACCOUNTS`, as passwords are: no session outlives its password.
    """
    account_id = account["id"]
    if await tx.one(IS_STILL, account_id=account_id, password=account["password"]) is None:
        raise WrongCredentials
    begun = Begun(new_secret(), browser or new_secret())
    since = stamp_before(tx.now, hours=BROWSER_HOURS)
    known = {"account_id": account_id, "fingerprint": fingerprint(begun.browser)}
    await tx.run(DROP_DEAD, account_id=account_id, **_limits(tx))
    await tx.run(FORGET_OLD_BROWSERS, account_id=account_id, since=since)
    await tx.run(FORGET_BROWSER, **known)
    await tx.run(KNOW_BROWSER, **known, last_used_at=tx.now)
    await tx.run(REPLACE, account_id=account_id, fingerprint=fingerprint(replaces or ""))
    await tx.one(
        BEGIN,
        account_id=account_id,
        fingerprint=fingerprint(begun.secret),
        created_at=tx.now,
        last_used_at=tx.now,
        expires_at=stamp_before(tx.now, hours=-LONGEST_HOURS),
        client=client[:CLIENT_LENGTH],
    )
    await note(tx, doer, "login", doer.name)
    return begun


async def find(tx: Tx, secret: str) -> Row | None:
    """The session of a cookie, with its account, if it lives and may be used."""
    return await tx.one(FIND, fingerprint=fingerprint(secret), **_limits(tx))


async def list_own(tx: Tx, account_id: int) -> list[Row]:
    """The sessions of an account, newest first."""
    return await tx.all(LIST, account_id=account_id, **_limits(tx))


async def get(tx: Tx, account_id: int, session_id: int) -> Row:
    """A session of an account. Raises NotFound."""
    session = await tx.one(GET, account_id=account_id, id=session_id, **_limits(tx))
    if session is None:
        raise NotFound("Session")
    return session


async def touch(tx: Tx, account_id: int, session_id: int) -> None:
    """Write down that it is used."""
    await tx.run(TOUCH, account_id=account_id, id=session_id, at=tx.now)


async def end(tx: Tx, doer: Doer, account_id: int, session_id: int, action: str) -> None:
    """Log it out. Raises NotFound."""
    if not await tx.run(END, account_id=account_id, id=session_id):
        raise NotFound("Session")
    await note(tx, doer, action, doer.name)


async def end_others(tx: Tx, account_id: int, kept: int = 0) -> None:
    """End all sessions of an account but one."""
    await tx.run(END_ALL_BUT, account_id=account_id, kept=kept)


async def end_others_by(tx: Tx, doer: Doer, account_id: int, kept: int) -> None:
    """`end_others`, because somebody wants it."""
    await end_others(tx, account_id, kept)
    await note(tx, doer, "other sessions ended", doer.name)


def _limits(tx: Tx) -> dict[str, Any]:
    return {"now": tx.now, "idle_since": stamp_before(tx.now, hours=IDLE_HOURS)}
