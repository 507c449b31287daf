"""What can be done with tokens. Rules and statements; nothing of HTTP."""

from sqlalchemy import bindparam, delete, insert, or_, select, update

from taskhold.accounts.models import Account
from taskhold.accounts.secrets import fingerprint, new_token
from taskhold.audit.operations import Doer, note
from taskhold.errors import NotFound
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import table
from taskhold.tokens.models import Token

_token = table(Token).c
_account = table(Account).c
_OWNED = _token.account_id == bindparam("account_id")
_THIS = (_OWNED, _token.id == bindparam("id"))
_SHOWN = tuple(
    _token[name] for name in ("id", "name", "writes", "created_at", "expires_at", "last_used_at")
)

ADD = Query(
    insert(Token)
    .values(
        {
            name: bindparam(name)
            for name in (
                "account_id",
                "fingerprint",
                "name",
                "writes",
                "created_at",
                "expires_at",
            )
        }
    )
    .returning(*_SHOWN)
)
FIND = Query(
    select(
        _token.id,
        _token.account_id,
        _token.writes,
        _token.last_used_at,
        _account.username,
        _account.admin,
    )
    .join_from(Token, Account, _token.account_id == _account.id)
    .where(
        _token.fingerprint == bindparam("fingerprint"),
        ~_account.disabled,
        or_(_token.expires_at.is_(None), _token.expires_at > bindparam("now")),
    )
)
LIST = Query(select(*_SHOWN).where(_OWNED).order_by(_token.id))
GET = Query(select(*_SHOWN).where(*_THIS))
TOUCH = Query(update(Token).where(*_THIS).values(last_used_at=bindparam("at")))
REVOKE = Query(delete(Token).where(*_THIS))


async def add(
    tx: Tx, doer: Doer, account: Row, *, name: str, writes: bool, expires_at: str | None
) -> Row:
    """The new token, with the token itself under `token`: it is told this once."""
    token = new_token()
    added = await tx.one(
        ADD,
        account_id=account["id"],
        fingerprint=fingerprint(token),
        name=name,
        writes=writes,
        created_at=tx.now,
        expires_at=expires_at,
    )
    assert added is not None
    await note(tx, doer, "token created", account["username"], name)
    return _shown(added) | {"token": token}


async def find(tx: Tx, token: str) -> Row | None:
    """A token with its account, if it may be used."""
    return await tx.one(FIND, fingerprint=fingerprint(token), now=tx.now)


async def list_own(tx: Tx, account_id: int) -> list[Row]:
    """The tokens of an account, in the order in which they were made."""
    return [_shown(token) for token in await tx.all(LIST, account_id=account_id)]


async def get(tx: Tx, account_id: int, token_id: int) -> Row:
    """A token of an account. Raises NotFound."""
    token = await tx.one(GET, account_id=account_id, id=token_id)
    if token is None:
        raise NotFound("Token")
    return _shown(token)


async def touch(tx: Tx, account_id: int, token_id: int) -> None:
    """Write down that it is used."""
    await tx.run(TOUCH, account_id=account_id, id=token_id, at=tx.now)


async def revoke(tx: Tx, doer: Doer, account: Row, token_id: int) -> None:
    """Nobody gets in with it from now on. Raises NotFound."""
    token = await get(tx, account["id"], token_id)
    await tx.run(REVOKE, account_id=account["id"], id=token_id)
    await note(tx, doer, "token revoked", account["username"], token["name"])


def _shown(token: Row) -> Row:
    writes = token.pop("writes")
    return {
        "id": token["id"],
        "name": token["name"],
        "scopes": ["read", "write"] if writes else ["read"],
    } | token
