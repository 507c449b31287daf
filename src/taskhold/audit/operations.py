"""Writing the audit trail, and reading it."""

from typing import NamedTuple

from sqlalchemy import bindparam, insert, select

from taskhold.audit.models import AuditEntry, AuditEntryPublic
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id, table

_entry = table(AuditEntry).c
_GIVEN = ("at", "action", "actor", "account", "address", "detail")

NOTE = Query(insert(AuditEntry).values({name: bindparam(name) for name in _GIVEN}))
NEWEST = Query(
    select(*(_entry[name] for name in AuditEntryPublic.model_fields))
    .where(_entry.id < bindparam("before_id"))
    .order_by(_entry.id.desc())
    .limit(bindparam("limit", type_=Id))
    .offset(bindparam("offset", type_=Id))
)


class Doer(NamedTuple):
    """Who does something, and from where."""

    name: str | None
    """None where nobody is logged in."""
    address: str | None = None
    """None for a command on the server's machine."""


COMMAND = Doer("command")


async def note(
    tx: Tx, doer: Doer, action: str, account: str | None, detail: str | None = None
) -> None:
    """Write down what happens to an account, in the transaction in which it happens."""
    await tx.run(
        NOTE,
        at=tx.now,
        action=action,
        actor=doer.name,
        account=account,
        address=doer.address,
        detail=detail,
    )


async def newest(tx: Tx, *, before_id: int, offset: int, limit: int) -> list[Row]:
    """Entries before `before_id`, newest first; one more than `limit` where there are more."""
    return await tx.all(NEWEST, before_id=before_id, offset=offset, limit=limit + 1)
