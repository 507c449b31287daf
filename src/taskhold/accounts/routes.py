"""Accounts over HTTP: the first one, one's own, and everybody's for admins."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from taskhold.accounts import operations
from taskhold.accounts.access import (
    OPEN_USER,
    Admin,
    CurrentUser,
    DoerDep,
    SignedIn,
    current_user,
    refuse_cross_site,
)
from taskhold.accounts.errors import Forbidden, WrongCredentials
from taskhold.accounts.models import (
    LoggedIn,
    Me,
    MeUpdate,
    Registration,
    Setup,
    SetupState,
    UserCreate,
    UserPublic,
    UserUpdate,
)
from taskhold.accounts.passwords import Passwords, check_password
from taskhold.accounts.removal import remove
from taskhold.audit.operations import Doer
from taskhold.errors import FieldError, Unauthenticated, Validation
from taskhold.http.answers import Answer, json_answer
from taskhold.http.openapi import answers, problems
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.site import SiteDep
from taskhold.http.store import StoreDep
from taskhold.sessions import operations as sessions
from taskhold.sessions import throttle
from taskhold.store import Row, Tx

router = APIRouter(route_class=Route, tags=["accounts"])

UserId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The account's id.", examples=[1])]


def passwords(request: Request) -> Passwords:
    """The app's."""
    found: Passwords = request.app.state.passwords
    return found


PasswordsDep = Annotated[Passwords, Depends(passwords)]


@router.get(
    "/setup",
    response_model=SetupState,
    response_description="What a page has to ask first.",
    responses=problems(public=True),
)
async def get_setup(request: Request, site: SiteDep, store: StoreDep) -> Answer:
    """Read whether the first account is still to be made, and who is asking; for anybody."""
    user = None
    with suppress(Unauthenticated):
        user = await current_user(request, store, site)
    is_open = user is OPEN_USER
    me = None if user is None or is_open else as_me(await store.read(operations.get, user.id))
    state: Row = {"needed": not await store.read(operations.is_set_up), "open_mode": is_open}
    state["registration"] = request.app.state.settings.registration == "open"
    answer = json_answer(state | {"user": me})
    answer.headers.append((b"cache-control", b"no-store"))
    return answer


@router.post(
    "/setup",
    status_code=201,
    response_model=LoggedIn,
    response_description="The new account, which is an admin, and is logged in.",
    responses=answers(201, "Set-Cookie") | problems(400, 403, 409, 413, 415, 507, public=True),
)
async def set_up(
    setup: Setup, request: Request, site: SiteDep, store: StoreDep, hasher: PasswordsDep
) -> Answer:
    """Make the first account, with the code that the server prints. It gets the tasks so far."""
    refuse_cross_site(request, site)
    await store.read(operations.check_setup_code, setup.code)
    by = Doer(setup.username, site.address(request))
    fields = await _with_hash(setup, hasher)
    account = await store.write(operations.ACCOUNTS, operations.set_up, by, fields)
    client = request.fields.get(b"user-agent", b"").decode("latin-1")
    begun = await store.write(
        operations.ACCOUNTS, sessions.begin, by, account | fields, client=client
    )
    answer = json_answer({"user": as_me(account)}, 201)
    answer.headers += [
        site.session_cookie(request, begun.secret),
        site.browser_cookie(request, begun.browser),
    ]
    return answer


@router.post(
    "/register",
    status_code=201,
    response_model=Me,
    response_description="The new account; log in to it.",
    responses=problems(400, 403, 409, 413, 415, 507, public=True),
)
async def register(
    registration: Registration,
    request: Request,
    site: SiteDep,
    store: StoreDep,
    hasher: PasswordsDep,
) -> Answer:
    """Make an account for oneself, where the server lets anybody."""
    refuse_cross_site(request, site)
    if request.app.state.settings.registration != "open":
        raise Forbidden("Accounts are made by an admin here.")
    if not await store.read(operations.is_set_up):
        raise Unauthenticated("The first account is made with POST /setup.")
    by = Doer(registration.username, site.address(request))
    fields = await _with_hash(registration, hasher)
    account = await store.write(operations.ACCOUNTS, operations.add, by, fields)
    return json_answer(as_me(account), 201)


@router.get(
    "/me",
    response_model=Me,
    response_description="The account.",
    responses=problems(),
)
async def get_me(user: CurrentUser, store: StoreDep) -> Answer:
    """Read who is asking."""
    if user is OPEN_USER:
        raise Unauthenticated("There is no account yet; make one with POST /setup.")
    return json_answer(as_me(await store.read(operations.get, user.id)))


@router.patch(
    "/me",
    response_model=Me,
    response_description="The account as it is now.",
    responses=problems(400, 403, 413, 415, 429, 507),
)
async def update_me(
    *,
    changes: MeUpdate,
    request: Request,
    user: SignedIn,
    by: DoerDep,
    site: SiteDep,
    store: StoreDep,
    hasher: PasswordsDep,
) -> Answer:
    """Change one's display name, or one's password, which ends the other sessions."""
    fields = changes.model_dump(exclude_unset=True)
    _refuse_null(fields)
    current = fields.pop("current_password", None)
    if changes.password is not None:
        check_password(changes.password)
        if current is None:
            error = FieldError("body", "current_password", "is required", "required")
            raise Validation([error])
        browser = site.browser_secret(request)
        attempt = await store.write(
            throttle.LOGINS, throttle.admit, user.name, site.address(request), browser
        )
        account = await store.read(operations.get, user.id)
        if not await hasher.verify(current, account["password"]):
            raise WrongCredentials("The current password is wrong.")
        await store.write(throttle.LOGINS, throttle.take_out, attempt)
        fields["password"] = await hasher.hash(changes.password)
    account = await store.write(operations.ACCOUNTS, _change, by, user.id, fields, user.session_id)
    return json_answer(as_me(account))


@router.get(
    "/users",
    response_model=list[UserPublic],
    response_description="The accounts, in the order in which they were made.",
    responses=problems(403),
)
async def list_users(_: Admin, store: StoreDep) -> Answer:
    """List all accounts. For admins."""
    return json_answer([_as_user(account) for account in await store.read(operations.list_all)])


@router.post(
    "/users",
    status_code=201,
    response_model=UserPublic,
    response_description="The new account.",
    responses=answers(201, "Location") | problems(400, 403, 409, 413, 415, 507),
)
async def create_user(
    user: UserCreate, _: Admin, by: DoerDep, store: StoreDep, hasher: PasswordsDep
) -> Answer:
    """Make an account. For admins."""
    fields = await _with_hash(user, hasher)
    account = await store.write(operations.ACCOUNTS, operations.add, by, fields)
    answer = json_answer(_as_user(account), 201)
    answer.headers.append((b"location", f"/users/{account['id']}".encode()))
    return answer


@router.get(
    "/users/{user_id}",
    response_model=UserPublic,
    response_description="The account.",
    responses=problems(403, 404),
)
async def get_user(user_id: UserId, _: Admin, store: StoreDep) -> Answer:
    """Read an account. For admins; nobody reads another's tasks."""
    return json_answer(_as_user(await store.read(operations.get, user_id)))


@router.patch(
    "/users/{user_id}",
    response_model=UserPublic,
    response_description="The account as it is now.",
    responses=problems(400, 403, 404, 409, 413, 415, 507),
)
async def update_user(
    *,
    user_id: UserId,
    changes: UserUpdate,
    user: Admin,
    by: DoerDep,
    store: StoreDep,
    hasher: PasswordsDep,
) -> Answer:
    """Change an account. A new password ends its sessions. For admins."""
    fields = changes.model_dump(exclude_unset=True)
    _refuse_null(fields)
    if changes.password is not None:
        check_password(changes.password)
        fields["password"] = await hasher.hash(changes.password)
    kept = user.session_id if user_id == user.id else None
    account = await store.write(operations.ACCOUNTS, _change, by, user_id, fields, kept)
    return json_answer(_as_user(account))


@router.delete(
    "/users/{user_id}",
    status_code=204,
    response_model=None,
    response_description="It is gone, with its tasks.",
    responses=problems(403, 404, 409, 507),
)
async def delete_user(user_id: UserId, _: Admin, by: DoerDep, store: StoreDep) -> Answer:
    """Remove an account with everything that is its own. For admins."""
    disabled = {"disabled": True}
    account = await store.write(operations.ACCOUNTS, operations.change, by, user_id, disabled)
    await store.write(user_id, remove, by, user_id, account["username"])
    return Answer(204)


async def _change(tx: Tx, by: Doer, account_id: int, fields: Row, kept: int | None) -> Row:
    account = await operations.change(tx, by, account_id, fields)
    if "password" in fields:
        await sessions.end_others(tx, account_id, kept or 0)
    return account


async def _with_hash(data: Registration, hasher: Passwords) -> dict[str, Any]:
    check_password(data.password)
    fields = data.model_dump(exclude={"code"})
    return fields | {"password": await hasher.hash(data.password)}


def _refuse_null(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if value is None:
            raise Validation([FieldError("body", name, "should not be null", "null")])


def as_me(account: Row) -> Row:
    """An account as its owner sees it."""
    return {name: account[name] for name in Me.model_fields}


def _as_user(account: Row) -> Row:
    return {name: account[name] for name in UserPublic.model_fields}
