"""Removing an account with everything that is its own."""

from functools import cache

from sqlalchemy import bindparam, delete, update

from taskhold.accounts.models import OPEN_ACCOUNT_ID, Account
from taskhold.audit.operations import Doer, note
from taskhold.store import Tx
from taskhold.store.query import Query
from taskhold.store.schema import Stored, table

_account = table(Account).c
_THIS = _account.id == bindparam("id")

REMOVE = Query(delete(Account).where(_THIS, _account.id != OPEN_ACCOUNT_ID))
EMPTY_OPEN_ACCOUNT = Query(
    update(Account)
    .where(_THIS, _account.id == OPEN_ACCOUNT_ID)
    .values(username=None, username_folded=None, display_name=None, password=None, admin=False)
)


async def remove(tx: Tx, doer: Doer, account_id: int, username: str) -> None:
    """Delete every row that refers to the account, and the account.

    The first one's row stays, without a name: what other programs insert belongs to it.
    """
    for query in _removals():
        await tx.run(query, account_id=account_id)
    await tx.run(REMOVE, id=account_id)
    await tx.run(EMPTY_OPEN_ACCOUNT, id=account_id)
    await note(tx, doer, "account removed", username)


@cache
def _removals() -> tuple[Query, ...]:
    """For each table that refers to accounts, those first that others don't refer to.

    Tasks before all of them: a trigger may keep what it sees deleted in the journal and the trash.
    """
    tables = Stored.metadata.sorted_tables[::-1]
    tables.sort(key=lambda each: each.name != "task")
    return tuple(
        Query(delete(each).where(key.parent == bindparam("account_id")))
        for each in tables
        for key in each.foreign_keys
        if key.references(table(Account))
    )
