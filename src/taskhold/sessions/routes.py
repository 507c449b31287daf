"""Logging in and out over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from taskhold.accounts import operations as accounts
from taskhold.accounts.access import DoerDep, SignedIn, refuse_cross_site
from taskhold.accounts.errors import TooManyAttempts, WrongCredentials
from taskhold.accounts.models import Credentials, LoggedIn, login_name
from taskhold.accounts.routes import PasswordsDep, as_me
from taskhold.audit.operations import Doer, note
from taskhold.http.answers import Answer, json_answer
from taskhold.http.metrics import MetricsDep
from taskhold.http.openapi import answers, problems
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.site import SiteDep
from taskhold.http.store import StoreDep
from taskhold.sessions import operations, throttle
from taskhold.sessions.models import SessionPublic

router = APIRouter(route_class=Route, tags=["sessions"])

SessionId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The session's id.", examples=[1])]


@router.post(
    "/login",
    response_model=LoggedIn,
    response_description="Who is logged in, and the session's cookie.",
    responses=answers(200, "Set-Cookie") | problems(400, 401, 403, 413, 415, 429, 507),
)
async def log_in(
    *,
    credentials: Credentials,
    request: Request,
    site: SiteDep,
    store: StoreDep,
    passwords: PasswordsDep,
    metrics: MetricsDep,
) -> Answer:
    """Log in with a name and a password."""
    logins = metrics.server.logins
    refuse_cross_site(request, site)
    name, browser = login_name(credentials.username), site.browser_secret(request)
    address = site.address(request)
    try:
        attempt = await store.write(throttle.LOGINS, throttle.admit, name, address, browser)
    except TooManyAttempts:
        logins["refused"].add()
        raise
    account = await store.read(accounts.find, name)
    known = account or {"username": None, "password": None, "disabled": True}
    is_right = await passwords.verify(credentials.password, known["password"])
    if account is None or not is_right or account["disabled"]:
        stranger = Doer(None, address)
        await store.write(throttle.LOGINS, note, stranger, "login failed", known["username"])
        logins["failed"].add()
        raise WrongCredentials
    by = Doer(account["username"], address)
    await store.write(throttle.LOGINS, throttle.take_out, attempt)
    begun = await store.write(
        accounts.ACCOUNTS,
        operations.begin,
        by,
        account,
        client=request.fields.get(b"user-agent", b"").decode("latin-1"),
        browser=browser,
        replaces=site.session_secret(request),
    )
    logins["succeeded"].add()
    answer = json_answer({"user": as_me(account)})
    answer.headers += [
        site.session_cookie(request, begun.secret),
        site.browser_cookie(request, begun.browser),
    ]
    return answer


@router.post(
    "/logout",
    status_code=204,
    response_model=None,
    response_description="The session is over, and its cookie is taken away.",
    responses=answers(204, "Set-Cookie") | problems(403, 507),
)
async def log_out(
    request: Request, user: SignedIn, by: DoerDep, site: SiteDep, store: StoreDep
) -> Answer:
    """Log out."""
    assert user.session_id is not None
    await store.write(user.id, operations.end, by, user.id, user.session_id, "logout")
    return Answer(204, headers=[site.session_cookie(request, "")])


@router.get(
    "/sessions",
    response_model=list[SessionPublic],
    response_description="One's sessions, newest first.",
    responses=problems(403),
)
async def list_sessions(user: SignedIn, store: StoreDep) -> Answer:
    """List where one is logged in."""
    found = await store.read(operations.list_own, user.id)
    return json_answer([each | {"current": each["id"] == user.session_id} for each in found])


@router.get(
    "/sessions/{session_id}",
    response_model=SessionPublic,
    response_description="The session.",
    responses=problems(403, 404),
)
async def get_session(session_id: SessionId, user: SignedIn, store: StoreDep) -> Answer:
    """Read one of one's sessions."""
    found = await store.read(operations.get, user.id, session_id)
    return json_answer(found | {"current": session_id == user.session_id})


@router.delete(
    "/sessions",
    status_code=204,
    response_model=None,
    response_description="The others are over.",
    responses=problems(403, 507),
)
async def end_other_sessions(user: SignedIn, by: DoerDep, store: StoreDep) -> Answer:
    """Log out everywhere else."""
    assert user.session_id is not None
    await store.write(user.id, operations.end_others_by, by, user.id, user.session_id)
    return Answer(204)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    response_model=None,
    response_description="It is over.",
    responses=problems(403, 404, 507),
)
async def end_session(
    session_id: SessionId, user: SignedIn, by: DoerDep, store: StoreDep
) -> Answer:
    """Log one of one's sessions out."""
    await store.write(user.id, operations.end, by, user.id, session_id, "session ended")
    return Answer(204)
