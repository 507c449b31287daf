"""A restored database is another one: nothing that was handed out before passes for its own.

The lineage is part of every ETag. Cursors of the journal are numbers, so its changes are counted
anew from the present on, in microseconds since 1970: more than any journal had counted to before,
wherever its clients stopped. What a client has from before is then older than the journal is kept,
and answered with 410. The numbers stay below 2^53, the last that a browser can tell apart.
"""

import secrets
import time
from functools import partial

from sqlalchemy import bindparam, delete, update

from taskhold.accounts.models import SetupCode
from taskhold.accounts.operations import account_ids
from taskhold.audit.operations import COMMAND, note
from taskhold.care.statements import JOURNAL
from taskhold.journal.models import Action, Change
from taskhold.journal.operations import RECORD_NEXT
from taskhold.sessions.models import Session
from taskhold.store import Row, Tx
from taskhold.store.keeping import BeginAnew, Known
from taskhold.store.query import Query
from taskhold.store.schema import Database, Id, table
from taskhold.tasks.rows import next_ids_for
from taskhold.tokens.models import Token
from taskhold.trash.models import TrashedTask

_change, _trash = table(Change).c, table(TrashedTask).c
_BY = bindparam("by", type_=Id)

NAME = Query(update(Database).values(lineage=bindparam("lineage")))
COUNT_CHANGES = Query(
    update(Change)
    .where(_change.owner_id == bindparam("of"))
    .values(seq=_change.seq + _BY, operation=_change.operation + _BY, undoes=_change.undoes + _BY)
)
COUNT_TRASH = Query(
    update(TrashedTask)
    .where(_trash.owner_id == bindparam("of"))
    .values(seq=_trash.seq + _BY, operation=_trash.operation + _BY)
)
FIRST_CHANGE = {
    "actor": COMMAND.name,
    "action": Action.purge.value,
    "kind": "task",
    "before": None,
    "after": None,
    "key": None,
    "undoes": None,
}
"""Of a journal that is empty: the next change is counted from the newest, so there has to be one.
It tells of a task that never was, whose id nobody gets."""
END_LOGINS = tuple(Query(delete(each)) for each in (Session, Token, SetupCode))


def beginning_anew(*, keeps_logins: bool) -> BeginAnew:
    """What makes a restored database another one; its logins end with it unless they are kept."""
    return partial(_begin_anew, keeps_logins=keeps_logins)


async def _begin_anew(tx: Tx, known: Known, *, keeps_logins: bool) -> None:
    await tx.run(NAME, lineage=secrets.token_hex(4))
    if not keeps_logins:
        for query in END_LOGINS:
            await tx.run(query)
    journals = {owner: await _journal(tx, owner) for owner in await account_ids(tx)}
    newest = max([known.seq, *(journal["last"] or 0 for journal in journals.values())])
    begin = max(time.time_ns() // 1_000, newest) + 1
    empty = [owner for owner, journal in journals.items() if not journal["count"]]
    for owner, journal in journals.items():
        if journal["count"]:
            by = begin - journal["first"]
            await tx.run(COUNT_CHANGES, of=owner, by=by)
            await tx.run(COUNT_TRASH, of=owner, by=by)
    for owner, task_id in zip(empty, await next_ids_for(tx, len(empty)), strict=True):
        await tx.run(
            RECORD_NEXT,
            **FIRST_CHANGE,
            owner_id=owner,
            at=tx.now,
            seq=begin,
            operation=begin,
            object_id=task_id,
        )
    kept = "logins kept" if keeps_logins else "logins ended"
    await note(tx, COMMAND, "database restored", None, kept)


async def _journal(tx: Tx, owner: int) -> Row:
    found = await tx.one(JOURNAL, owner_id=owner)
    assert found is not None
    return found
