"""What can be done with accounts. Rules and statements; nothing of HTTP.

Whatever makes, changes or removes accounts is written under `ACCOUNTS`, one at a time, so that two
admins can't each remove the other.
"""

from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from taskhold.accounts.errors import AlreadySetUp, LastAdmin, UsernameTaken, WrongSetupCode
from taskhold.accounts.models import (
    OPEN_ACCOUNT_ID,
    Account,
    SetupCode,
    UserPublic,
    fold_username,
)
from taskhold.accounts.secrets import fingerprint
from taskhold.audit.operations import Doer, note
from taskhold.errors import NotFound
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id, table

ACCOUNTS = 0
"""What is held while accounts are written; no account has this id."""
_CODES_KEPT = 64

_account = table(Account).c
_code = table(SetupCode).c
_IS_SOMEBODY = _account.username.is_not(None)
_THIS = _account.id == bindparam("id")
_SHOWN = tuple(_account[name] for name in UserPublic.model_fields)
_WRITTEN = ("username", "username_folded", "display_name", "password", "admin", "disabled")

IS_SET_UP = Query(select(exists().where(_IS_SOMEBODY).label("is_set_up")))
FIND = Query(
    select(*_SHOWN, _account.password).where(_account.username_folded == bindparam("folded"))
)
GET = Query(select(*_SHOWN, _account.password).where(_THIS, _IS_SOMEBODY))
IDS = Query(select(_account.id).order_by(_account.id))
LIST = Query(select(*_SHOWN).where(_IS_SOMEBODY).order_by(_account.id))
ADD = Query(
    insert(Account)
    .values({name: bindparam(name) for name in (*_WRITTEN, "created_at")})
    .returning(*_SHOWN)
)
TAKE_OPEN_ACCOUNT = Query(
    update(Account)
    .where(_account.id == OPEN_ACCOUNT_ID, ~_IS_SOMEBODY)
    .values({name: bindparam(name) for name in (*_WRITTEN, "created_at")})
    .returning(*_SHOWN)
)
CHANGE = Query(
    update(Account)
    .where(_THIS)
    .values({name: bindparam(name) for name in _WRITTEN})
    .returning(*_SHOWN)
)
OTHER_ADMINS = Query(
    select(func.count().label("count")).where(
        _account.admin, ~_account.disabled, _account.id != bindparam("id")
    )
)
ADD_CODE = Query(
    insert(SetupCode).values(
        fingerprint=bindparam("fingerprint"), created_at=bindparam("created_at")
    )
)
KNOWS_CODE = Query(select(_code.fingerprint).where(_code.fingerprint == bindparam("fingerprint")))
DROP_OLD_CODES = Query(
    delete(SetupCode).where(
        _code.fingerprint.not_in(
            select(_code.fingerprint)
            .order_by(_code.created_at.desc())
            .limit(bindparam("kept", type_=Id))
        )
    )
)


async def is_set_up(tx: Tx) -> bool:
    """Whether there is an account. Once there is one, there always will be."""
    found = await tx.one(IS_SET_UP)
    assert found is not None
    return bool(found["is_set_up"])


async def find(tx: Tx, username: str) -> Row | None:
    """The account of that name, with its password's hash."""
    return await tx.one(FIND, folded=fold_username(username))


async def get(tx: Tx, account_id: int) -> Row:
    """An account, with its password's hash. Raises NotFound."""
    account = await tx.one(GET, id=account_id)
    if account is None:
        raise NotFound("User")
    return account


async def list_all(tx: Tx) -> list[Row]:
    """All accounts, in the order in which they were made."""
    return await tx.all(LIST)


async def add_setup_code(tx: Tx, code: str) -> None:
    """Let the first account be made with this code."""
    await tx.run(ADD_CODE, fingerprint=fingerprint(code), created_at=tx.now)
    await tx.run(DROP_OLD_CODES, kept=_CODES_KEPT)


async def check_setup_code(tx: Tx, code: str) -> None:
    """Raises AlreadySetUp and WrongSetupCode."""
    if await is_set_up(tx):
        raise AlreadySetUp
    if await tx.one(KNOWS_CODE, fingerprint=fingerprint(code.strip().lower())) is None:
        raise WrongSetupCode("This is not a code that the server has printed.")


async def set_up(tx: Tx, doer: Doer, fields: Row) -> Row:
    """The first account, an admin, which owns what was made in open mode. Raises AlreadySetUp."""
    account = await tx.one(TAKE_OPEN_ACCOUNT, **_to_write(fields | {"admin": True}, at=tx.now))
    if account is None:
        raise AlreadySetUp
    await tx.run(DROP_OLD_CODES, kept=0)
    await note(tx, doer, "setup", account["username"])
    return account


async def add(tx: Tx, doer: Doer, fields: Row) -> Row:
    """A new account; the first one as `set_up` makes it. Raises UsernameTaken."""
    if not await is_set_up(tx):
        return await set_up(tx, doer, fields)
    if await find(tx, fields["username"]) is not None:
        raise UsernameTaken
    account = await tx.one(ADD, **_to_write(fields, at=tx.now))
    assert account is not None
    await note(tx, doer, "account created", account["username"])
    return account


async def change(tx: Tx, doer: Doer, account_id: int, changes: Row) -> Row:
    """The account with those fields changed. Raises NotFound, UsernameTaken and LastAdmin."""
    before = await get(tx, account_id)
    after = before | changes
    if before["admin"] and not before["disabled"] and (after["disabled"] or not after["admin"]):
        await _check_other_admins(tx, account_id)
    if "username" in changes:
        other = await find(tx, after["username"])
        if other is not None and other["id"] != account_id:
            raise UsernameTaken
    account = await tx.one(CHANGE, id=account_id, **_to_write(after))
    assert account is not None
    changed = [name for name in _WRITTEN if name in changes and before[name] != after[name]]
    if changed:
        await note(tx, doer, "account changed", account["username"], ", ".join(changed))
    return account


async def _check_other_admins(tx: Tx, account_id: int) -> None:
    others = await tx.one(OTHER_ADMINS, id=account_id)
    assert others is not None
    if not others["count"]:
        raise LastAdmin


def _to_write(fields: Row, at: str | None = None) -> dict[str, Any]:
    username = fields["username"]
    written = {
        "username": username,
        "username_folded": fold_username(username),
        "display_name": fields.get("display_name") or username,
        "password": fields["password"],
        "admin": fields.get("admin", False),
        "disabled": fields.get("disabled", False),
    }
    return written | ({"created_at": at} if at else {})


async def account_ids(tx: Tx) -> list[int]:
    """The ids of all accounts, also of the one without a name that open mode writes to."""
    return [row["id"] for row in await tx.all(IDS)]
