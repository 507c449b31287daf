"""Who is asking, and what they may do.

    Authorization: Bearer thk_…   a token, within its scopes
    a session's cookie            who logged in with a browser
    neither                       open mode, until the first account exists: no login, for callers
                                  on this machine alone

A program on another machine, a proxy's client, and a page of another site that reaches this machine
through the browser (by DNS rebinding, or by a plain form) must not get in.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Annotated, NamedTuple

from fastapi import Depends

from taskhold.accounts import operations as accounts
from taskhold.accounts.errors import Forbidden, InsufficientScope
from taskhold.accounts.models import OPEN_ACCOUNT_ID, OPEN_NAME
from taskhold.accounts.secrets import is_token
from taskhold.accounts.usage import Usage
from taskhold.audit.operations import Doer
from taskhold.errors import CrossSite, Problem, Unauthenticated, Unavailable
from taskhold.http.request import Request
from taskhold.http.site import Site, SiteDep
from taskhold.http.store import StoreDep
from taskhold.sessions import operations as sessions
from taskhold.settings import Settings
from taskhold.store import Store
from taskhold.tokens import operations as tokens

LOG_IN = "Log in, or send a token as `Authorization: Bearer thk_…`."
ANOTHER = "Another account is logged in here by now; load the page again."
INVALID = "This token is not valid: mistyped, expired or revoked."
ONLY_FROM_HERE = (
    "Taskhold answers without a login only on its own machine, at a loopback address and without a "
    "proxy. To be reached from elsewhere, make an account: taskhold user add NAME."
)
SWITCHED_OFF = (
    "There is no account yet, and open mode is switched off by a setting (open_mode, public_url, "
    "trusted_proxies or a host beyond loopback). Make one: taskhold user add NAME."
)

_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]+))(?::\d{1,5})?")
"""The Host header, RFC 9110 section 7.2."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_MEANT = b"taskhold-account"
"""The page names the account that it shows."""
_FROM_A_PROXY = re.compile(rb"forwarded|via|x-real-ip|x-forwarded-.*", re.DOTALL)


class User(NamedTuple):
    """Who a request acts as."""

    id: int
    name: str
    """The actor of their journal rows."""
    admin: bool = False
    session_id: int | None = None
    """None for a token, and in open mode."""


OPEN_USER = User(OPEN_ACCOUNT_ID, OPEN_NAME)


async def current_user(request: Request, store: StoreDep, site: SiteDep) -> User:
    """Raises Unauthenticated, InsufficientScope, and CrossSite for a write of another site."""
    authorization = request.fields.get(b"authorization")
    usage: Usage = request.app.state.usage
    if authorization is not None:
        return await _by_token(request, store, usage, authorization)
    secret = site.session_secret(request)
    if (
        secret is not None
        and (session := await store.read_shared(sessions.find, secret)) is not None
    ):
        refuse_cross_site(request, site)
        owner = session["account_id"]
        _refuse_for_another(request, owner)
        await usage.note(store, sessions.touch, owner, session["id"], session["last_used_at"])
        return User(owner, session["username"], session["admin"], session["id"])
    return await _in_open_mode(request, store, site)


CurrentUser = Annotated[User, Depends(current_user)]


async def is_let_in(request: Request, store: Store, site: Site) -> bool:
    """Whether a request whose answer goes on would still be answered."""
    try:
        await current_user(request, store, site)
    except Unavailable:
        raise
    except Problem:
        return False
    return True


def signed_in(user: CurrentUser) -> User:
    """Who is logged in with a password. Raises Forbidden for a token."""
    if user is OPEN_USER:
        raise Unauthenticated("There is no account yet; make one with POST /setup.")
    if user.session_id is None:
        raise Forbidden("A token does not reach this; log in with a password.")
    return user


SignedIn = Annotated[User, Depends(signed_in)]


def administrator(user: SignedIn) -> User:
    """Raises Forbidden for everybody else."""
    if not user.admin:
        raise Forbidden("Only an admin may do this.")
    return user


Admin = Annotated[User, Depends(administrator)]


def doer(request: Request, site: SiteDep, user: SignedIn) -> Doer:
    """Who does something to an account, for the audit trail."""
    return Doer(user.name, site.address(request))


DoerDep = Annotated[Doer, Depends(doer)]


def refuse_cross_site(request: Request, site: SiteDep) -> None:
    """Raises CrossSite for a write that another site's page makes a browser send."""
    if request.scope["method"] not in _READS and site.is_cross_site(request):
        raise CrossSite("A page of another site sent this write.")


def open_mode_allowed(settings: Settings) -> bool:
    """Whether these settings leave open mode on."""
    return (
        settings.open_mode
        and not settings.public_url
        and not settings.trusted_proxies
        and is_loopback(settings.host)
    )


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host name or address (an IPv6 one without brackets) means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _by_token(request: Request, store: Store, usage: Usage, authorization: bytes) -> User:
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not is_token(token):
        raise Unauthenticated(INVALID)
    found = await store.read_shared(tokens.find, token)
    if found is None:
        raise Unauthenticated(INVALID)
    if request.scope["method"] not in _READS and not found["writes"]:
        raise InsufficientScope
    owner = found["account_id"]
    await usage.note(store, tokens.touch, owner, found["id"], found["last_used_at"])
    return User(owner, found["username"], found["admin"])


def _refuse_for_another(request: Request, account_id: int) -> None:
    """Raises Unauthenticated where a window means another account than its browser's cookie does.

    A cookie is the whole browser's: somebody else may have logged in since, in another window.
    """
    meant = request.fields.get(_MEANT)
    if meant is not None and meant != str(account_id).encode():
        raise Unauthenticated(ANOTHER)


async def _in_open_mode(request: Request, store: Store, site: Site) -> User:
    state = request.app.state
    if not state.is_set_up:
        state.is_set_up = await store.read_shared(accounts.is_set_up)
    if state.is_set_up:
        raise Unauthenticated(LOG_IN)
    if not state.open_mode:
        raise Unauthenticated(SWITCHED_OFF)
    fields = request.fields
    if not (
        _is_loopback_pair(request.peer, fields.get(b"host", b""))
        and request.scope["http_version"] != "1.0"
        and not any(map(_FROM_A_PROXY.fullmatch, fields))
    ):
        raise Unauthenticated(ONLY_FROM_HERE)
    refuse_cross_site(request, site)
    return OPEN_USER


@lru_cache(maxsize=256)
def _is_loopback_pair(peer: str, host_field: bytes) -> bool:
    """Whether both ends are here: the peer's address, and the name that it asked for."""
    host = _without_port(host_field.decode("latin-1").lower())
    if peer == "testclient":  # Starlette's TestClient, which no network reaches
        return host == "testserver" or is_loopback(host)
    return is_loopback(peer) and is_loopback(host)


def _without_port(host: str) -> str:
    matched = _HOST.fullmatch(host)
    return (matched["v6"] or matched["name"]) if matched else ""
