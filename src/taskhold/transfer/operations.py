"""What an import finds there already, how it begins, and which of its operations hold.

It is written a part at a time (`making`): each is a transaction, and an operation of the journal.
What has a key is made once: the row of its key is written with it.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic_core import from_json
from sqlalchemy import bindparam, insert, select

from taskhold.encoding import as_json
from taskhold.journal.models import Change
from taskhold.lists.models import TaskList
from taskhold.store import Row, Tx
from taskhold.store.ids import hand_out_behind, keep_for_later, last_id
from taskhold.store.query import Query
from taskhold.store.schema import table
from taskhold.store.search import AmongMany, Unindexed
from taskhold.tasks import rows
from taskhold.tasks.models import Task
from taskhold.transfer import keys
from taskhold.transfer.models import Imported
from taskhold.transfer.staging import GONE, IN_TRASH, LIVE, Known
from taskhold.trash.models import TrashedTask

_imported = table(Imported).c
_list = table(TaskList).c
_trashed = table(TrashedTask).c
_change = table(Change).c
_MINE = _imported.owner_id == bindparam("owner_id")
CHECKED = Unindexed(rows.task.owner_id) == bindparam("owner_id")
"""Of tasks that are found by their ids, which SQLite shall not look for among all of the owner."""
_MY_LIST = _list.owner_id == bindparam("owner_id")
_IN_MY_TRASH = _trashed.owner_id == bindparam("owner_id")

FIND_KEYS = Query(
    select(_imported.key, _imported.kind, _imported.object_id).where(
        _MINE, AmongMany(_imported.key, "keys")
    )
)
KEYS_OF = Query(
    select(_imported.key, _imported.object_id).where(
        _MINE, _imported.kind == bindparam("kind"), AmongMany(_imported.object_id, "ids")
    )
)
ADD_KEY = Query(
    insert(Imported).values(
        {name: bindparam(name) for name in ("owner_id", "key", "kind", "object_id")}
    )
)
SOME_TASKS = Query(
    select(rows.task.id, rows.task.created_at).where(CHECKED, AmongMany(rows.task.id, "ids"))
)
SOME_LISTS = Query(select(_list.id, _list.created_at).where(_MY_LIST, AmongMany(_list.id, "ids")))
SOME_TRASHED = Query(
    select(_trashed.task_id.label("id"), _trashed.operation, _trashed.body).where(
        _IN_MY_TRASH, AmongMany(_trashed.task_id, "ids")
    )
)
NAMED = Query(
    select(_list.id, _list.name)
    .where(_MY_LIST, _list.name_folded == bindparam("folded"))
    .order_by(_list.archived, _list.id)
)
A_TASK = Query(select(rows.task.id).where(rows.OWNED).limit(1))
A_LIST = Query(select(_list.id).where(_MY_LIST).limit(1))
A_TRASHED = Query(select(_trashed.task_id).where(_IN_MY_TRASH).limit(1))
OLDEST = Query(
    select(_change.seq)
    .where(_change.owner_id == bindparam("owner_id"))
    .order_by(_change.seq)
    .limit(1)
)
PUT_CHANGE = Query(
    insert(Change).values({column.name: bindparam(column.name) for column in table(Change).c})
)
OF_IMPORT = Query(
    select(_change.operation)
    .where(_change.owner_id == bindparam("owner_id"), _change.key == bindparam("key"))
    .distinct()
)
UNDOINGS = Query(
    select(_change.operation, _change.undoes)
    .where(_change.owner_id == bindparam("owner_id"), _change.undoes.is_not(None))
    .distinct()
)
ONE_CHANGE = Query(
    select(_change.key).where(
        _change.owner_id == bindparam("owner_id"), _change.seq == bindparam("seq")
    )
)
IDS, JOURNAL = "ids", "journal"
"""What of a file is kept, beside what it says."""
IMPORT = "import "
"""In front of the key in the journal; a space is in no `Idempotency-Key`."""


@cache
def _last(kind: str) -> Query:
    return last_id(_table(kind))


@cache
def _behind(kind: str) -> tuple[Query, ...]:
    return hand_out_behind(_table(kind))


def _table(kind: str) -> Any:
    return table(Task if kind == "task" else TaskList)


# What is there already


async def known(tx: Tx, owner_id: int, wanted: list[str]) -> dict[str, Known]:
    """Where what has these keys is, if it ever was here."""
    found: dict[str, tuple[str, int]] = {
        row["key"]: (row["kind"], row["object_id"])
        for row in await tx.all(FIND_KEYS, owner_id=owner_id, keys=wanted)
    }
    own = {key: parts for key in wanted if key not in found and (parts := keys.parts_of(key))}
    for key, (kind, object_id, _) in own.items():
        found[key] = (kind, object_id)
    places = {kind: await _places(tx, owner_id, kind, found.values()) for kind in ("task", "list")}
    there = {}
    for key, (kind, object_id) in found.items():
        state, created_at = places[kind].get(object_id, (GONE, None))
        if key not in own or created_at == own[key][2]:
            there[key] = Known(object_id, state)
    return there


async def _places(
    tx: Tx, owner_id: int, kind: str, found: Iterable[tuple[str, int]]
) -> dict[int, tuple[str, str]]:
    """Which of these are there or in the trash, and since when."""
    ids = [object_id for each, object_id in found if each == kind]
    if not ids:
        return {}
    query = SOME_TASKS if kind == "task" else SOME_LISTS
    places = {
        row["id"]: (LIVE, row["created_at"])
        for row in await tx.all(query, owner_id=owner_id, ids=ids)
    }
    if kind == "task" and len(places) < len(ids):
        for row in await tx.all(SOME_TRASHED, owner_id=owner_id, ids=ids):
            places[row["id"]] = (IN_TRASH, from_json(row["body"])["created_at"])
    return places


async def list_named(tx: Tx, owner_id: int, name: str, folded: str) -> int | None:
    """The list of exactly this name; one that is not archived first."""
    for row in await tx.all(NAMED, owner_id=owner_id, folded=folded):
        if row["name"] == name:
            return int(row["id"])
    return None


async def is_empty(tx: Tx, owner_id: int) -> bool:
    """Whether nothing ever was in an account."""
    for query in (OLDEST, A_TASK, A_LIST, A_TRASHED):
        if await tx.one(query, owner_id=owner_id):
            return False
    return True


async def kept_of_file(tx: Tx, owner_id: int, file: str) -> str | None:
    """What an import of this file keeps that was begun: `IDS`, `JOURNAL`, or nothing of it."""
    found = await tx.all(FIND_KEYS, owner_id=owner_id, keys=[keys.of_file(file)])
    return found[0]["kind"] if found else None


async def are_free(tx: Tx, ids: dict[str, tuple[int, int]]) -> bool:
    """Whether none of these ids was ever handed out."""
    for kind, (low, _) in ids.items():
        last = await tx.one(_last(kind))
        assert last is not None
        if last["last"] >= low:
            return False
    return True


def key_of_import(file: str) -> str:
    """What the journal rows of an import have for their key."""
    return IMPORT + file[:16]


# What is written


async def begin(
    tx: Tx, owner_id: int, file: str, ids: dict[str, tuple[int, int]], newest: list[Row]
) -> str | None:
    """Keep the ids of a file, and its journal, of which `newest` are some; what is kept.

    Nothing where the account is not empty any more, or the ids are not free. The newest changes
    come first, so that what others write meanwhile is counted behind them.
    """
    if not await is_empty(tx, owner_id) or not await are_free(tx, ids):
        return None
    for kind, (_, high) in ids.items():
        for query in _behind(kind):
            await tx.run(query, last=high)
    kept = JOURNAL if newest else IDS
    await tx.run(ADD_KEY, owner_id=owner_id, key=keys.of_file(file), kind=kept, object_id=0)
    await put_changes(tx, owner_id, newest)
    return kept


async def ids_for_trash(tx: Tx, count: int) -> list[int]:
    """Ids for so many tasks in the trash. Subtasks come before their parents there."""
    ids = await rows.next_ids_for(tx, count)
    for query in _kept_for_later():
        await tx.run(query, last=ids[-1])
    return ids


@cache
def _kept_for_later() -> tuple[Query, ...]:
    return keep_for_later(table(Task))


async def oldest_change(tx: Tx, owner_id: int) -> int | None:
    """The `seq` of the oldest change that is there."""
    found = await tx.one(OLDEST, owner_id=owner_id)
    return found["seq"] if found else None


async def put_changes(tx: Tx, owner_id: int, changes: list[Row]) -> None:
    """Put changes into the journal as they are."""
    await tx.many(
        PUT_CHANGE,
        [
            each
            | {
                "owner_id": owner_id,
                "object_id": each["id"],
                "before": each["before"] and as_json(each["before"]).decode(),
                "after": each["after"] and as_json(each["after"]).decode(),
            }
            for each in changes
        ],
    )


# Undoing it


async def operations_to_undo(tx: Tx, owner_id: int, seq: int) -> list[int] | None:
    """The operations of the import that a change belongs to, and that hold; the newest first.

    None where the change belongs to none.
    """
    change = await tx.one(ONE_CHANGE, owner_id=owner_id, seq=seq)
    if change is None or not (change["key"] or "").startswith(IMPORT):
        return None
    found = await tx.all(OF_IMPORT, owner_id=owner_id, key=change["key"])
    undoings: dict[int, list[int]] = {}
    for row in await tx.all(UNDOINGS, owner_id=owner_id):
        undoings.setdefault(row["undoes"], []).append(row["operation"])

    def holds(operation: int) -> bool:
        return not any(map(holds, undoings.get(operation, ())))

    return sorted(filter(holds, (row["operation"] for row in found)), reverse=True)
