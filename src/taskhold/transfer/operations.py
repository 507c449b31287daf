"""What an import writes, a part at a time, and what it finds there already.

Each part is a transaction, and an operation of the journal. What has a key is made once: the row
of its key is written with it.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import bindparam, delete, insert, literal, select

from taskhold.journal.models import Action, Change
from taskhold.journal.operations import Author, Entry, record
from taskhold.lists import operations as lists
from taskhold.lists.models import ListPublic, TaskList
from taskhold.store import Row, Tx
from taskhold.store.ids import hand_out_behind, keep_for_later, last_id
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.store.search import AmongMany, Unindexed
from taskhold.tasks import rows, tree
from taskhold.tasks.models import Task, TaskPublic
from taskhold.tasks.operations import TRASH
from taskhold.tasks.positions import FIRST
from taskhold.tasks.positions import after as position_after
from taskhold.transfer import keys
from taskhold.transfer.models import Imported
from taskhold.transfer.staging import GONE, IN_TRASH, LIVE, Known
from taskhold.trash.models import TrashedTask

_imported = table(Imported).c
_list = table(TaskList).c
_trashed = table(TrashedTask).c
_change = table(Change).c
_MINE = _imported.owner_id == bindparam("owner_id")
_CHECKED = Unindexed(rows.task.owner_id) == bindparam("owner_id")
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
DROP_KEY = Query(delete(Imported).where(_MINE, _imported.key == bindparam("key")))
SOME_TASKS = Query(
    select(rows.task.id, rows.task.created_at).where(_CHECKED, AmongMany(rows.task.id, "ids"))
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


def _lines() -> Query:
    """Some tasks, each with those above it, up to one more than there may be."""
    line = (
        select(
            rows.task.id.label("start"),
            rows.task.parent_id,
            rows.task.list_id,
            literal(1, Id).label("level"),
        )
        .where(_CHECKED, AmongMany(rows.task.id, "ids"))
        .cte("line", recursive=True)
    )
    above = select(
        line.c.start, rows.task.parent_id, line.c.list_id, (line.c.level + 1).label("level")
    ).where(_CHECKED, rows.task.id == line.c.parent_id, line.c.level <= tree.MOST_LEVELS)
    line = line.union_all(above)
    return Query(select(line.c.start, line.c.list_id, line.c.level))


LINES = _lines()


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
        if key not in own:
            there[key] = Known(object_id, state)
        elif created_at == own[key][2]:
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
                "before": each["before"] and to_json(each["before"]).decode(),
                "after": each["after"] and to_json(each["after"]).decode(),
            }
            for each in changes
        ],
    )


async def make(
    tx: Tx, account_id: int, name: str, file: str, wanted: list[Row], kept: str | None
) -> dict[int, int]:
    """Make what a part of a file says, in its order; the id that each got, by its `seq`.

    What has been made meanwhile, by another import, is left as it is.
    """
    author = Author(account_id, name, key=IMPORT + file[:16])
    part = _Part(tx, author, kept)
    asked = [each["key"] for each in wanted if each["key"]]
    there = {
        row["key"]: row["object_id"]
        for row in await tx.all(FIND_KEYS, owner_id=account_id, keys=asked)
    }
    for each in wanted:
        found = there.get(each["key"])
        if found is not None and found != each["stale_id"]:
            part.ids[each["seq"]] = found
    new = [each for each in wanted if each["seq"] not in part.ids]
    await part.make_lists([each for each in new if each["kind"] == "list"])
    await part.make_tasks([each for each in new if each["kind"] == "task"])
    await part.make_trash([each for each in new if each["kind"] == "trash"])
    await part.note_keys(new)
    return part.ids


class _Part:
    """A part of an import on its way."""

    def __init__(self, tx: Tx, author: Author, kept: str | None) -> None:
        self._tx = tx
        self._author = author
        self._owner_id = author.account_id
        self._keeps_ids = kept is not None
        self._journals = kept != JOURNAL
        self.ids: dict[int, int] = {}
        self._made_lists: set[int] = set()

    async def make_lists(self, wanted: list[Row]) -> None:
        """New lists, as they were."""
        if not wanted:
            return
        ids = await self._ids_for(wanted, lists.next_ids_for)
        made = []
        for each, list_id in zip(wanted, ids, strict=True):
            fields = from_json(each["body"])
            shown = {"archived": False, "version": 1, "created_at": None, "updated_at": None}
            shown |= fields | {"id": list_id, "open_count": 0}
            self._fill_times(shown)
            made.append({name: shown[name] for name in ListPublic.model_fields})
            self.ids[each["seq"]] = list_id
            self._made_lists.add(list_id)
        await lists.put(self._tx, self._owner_id, made)
        await self._journal(Entry(Action.create, each["id"], None, each, "list") for each in made)

    async def make_tasks(self, wanted: list[Row]) -> None:
        """New tasks: as they were, or as another program has them."""
        if not wanted:
            return
        places = await _Places.of(self._tx, self._owner_id, wanted, self.ids, self._made_lists)
        ids = await self._ids_for(wanted, rows.next_ids_for)
        made = []
        for each, task_id in zip(wanted, ids, strict=True):
            task = from_json(each["body"])
            task["id"] = self.ids[each["seq"]] = task_id
            task["parent_id"], task["list_id"] = places.place(each, task_id)
            if not task.get("position"):
                task["position"] = await places.next_position(task["list_id"])
            self._fill_times(task)
            made.append({name: task[name] for name in TaskPublic.model_fields})
        await rows.put_back(self._tx, self._owner_id, made)
        await self._journal(Entry(Action.create, each["id"], None, each) for each in made)

    async def make_trash(self, wanted: list[Row]) -> None:
        """Tasks that go straight to the trash; those that were deleted together stay together."""
        if not wanted:
            return
        bodies, trashed = [], []
        for each in wanted:
            task = from_json(each["body"])
            task["id"] = self.ids[each["seq"]] = each["source_id"]
            if self._keeps_ids:
                task["parent_id"], task["list_id"] = each["parent_ref"], each["list_ref"]
            else:
                task["parent_id"] = self.ids.get(each["parent_seq"], each["parent_id"])
                task["list_id"] = self.ids.get(each["list_seq"], each["list_id"])
            task["position"] = task["position"] or FIRST
            self._fill_times(task)
            trashed.append((task["operation"], task["seq"], task["deleted_at"]))
            bodies.append({name: task[name] for name in TaskPublic.model_fields})
        first = None
        if self._journals:
            await self._journal(Entry(Action.create, each["id"], None, each) for each in bodies)
            await self._journal(Entry(Action.delete, each["id"], each, None) for each in bodies)
            first = self._author.newest - len(bodies) + 1
        operations = await self._operations_of(wanted)
        put = []
        for number, (body, (operation, seq, deleted_at)) in enumerate(
            zip(bodies, trashed, strict=True)
        ):
            if first is not None:
                seq = first + number
                operation = operations.setdefault(operation, seq)
            put.append(
                {
                    "owner_id": self._owner_id,
                    "task_id": body["id"],
                    "seq": seq,
                    "operation": operation,
                    "deleted_at": deleted_at,
                    "body": to_json(body).decode(),
                }
            )
        await self._tx.many(TRASH, put)

    async def note_keys(self, new: list[Row]) -> None:
        """Write down under which id each is known from now on."""
        stale = [each for each in new if each["stale_id"] is not None]
        if stale:
            await self._tx.many(
                DROP_KEY, [{"owner_id": self._owner_id, "key": each["key"]} for each in stale]
            )
        noted = [
            {
                "owner_id": self._owner_id,
                "key": each["key"],
                "kind": "list" if each["kind"] == "list" else "task",
                "object_id": self.ids[each["seq"]],
            }
            for each in new
            if each["key"]
        ]
        if noted:
            await self._tx.many(ADD_KEY, noted)

    async def _ids_for(self, wanted: list[Row], next_ids_for: Any) -> list[int]:
        """The ids that they have, where these are kept, else new ones."""
        own = [
            each["source_id"] if self._keeps_ids and each["stale_id"] is None else None
            for each in wanted
        ]
        new = iter(await next_ids_for(self._tx, own.count(None)) if None in own else ())
        return [next(new) if each is None else each for each in own]

    async def _operations_of(self, wanted: list[Row]) -> dict[int, int]:
        """The operations of what was deleted together with the first of these, if it is there."""
        first = wanted[0]
        if first["deleted_with"] is None:
            return {}
        found = await self._tx.all(
            SOME_TRASHED, owner_id=self._owner_id, ids=[first["deleted_with"]]
        )
        operation = from_json(first["body"])["operation"]
        return {operation: row["operation"] for row in found}

    def _fill_times(self, shown: Row) -> None:
        """What a file doesn't say is of now."""
        shown["created_at"] = shown.get("created_at") or self._tx.now
        shown["updated_at"] = shown.get("updated_at") or max(self._tx.now, shown["created_at"])
        shown.setdefault("version", 1)
        if "done" in shown:
            completed_at = shown.get("completed_at") or self._tx.now
            shown["completed_at"] = completed_at if shown["done"] else None

    async def _journal(self, entries: Iterable[Entry]) -> None:
        if self._journals:
            await record(self._tx, self._author, *entries)


class _Places:
    """Where the tasks of a part come: what they refer to may have changed meanwhile."""

    def __init__(self, tx: Tx, owner_id: int, made: dict[int, int]) -> None:
        self._tx = tx
        self._owner_id = owner_id
        self._made = made
        self._lines: dict[int, tuple[int | None, int]] = {}
        """For each parent its list and its level."""
        self._lists: set[int] = set()
        self._positions: dict[int | None, str] = {}

    @classmethod
    async def of(
        cls, tx: Tx, owner_id: int, wanted: list[Row], made: dict[int, int], new_lists: set[int]
    ) -> "_Places":
        places = cls(tx, owner_id, made)
        parents = {made.get(each["parent_seq"], each["parent_id"]) for each in wanted} - {None}
        if parents:
            for row in await tx.all(LINES, owner_id=owner_id, ids=sorted(parents)):
                list_id, level = places._lines.get(row["start"], (row["list_id"], 0))
                places._lines[row["start"]] = (list_id, max(level, row["level"]))
        older: set[int] = {made.get(each["list_seq"], each["list_id"]) for each in wanted} - {None}
        places._lists = new_lists | {
            each for each in older - new_lists if await tree.list_exists(tx, owner_id, each)
        }
        places._positions = dict.fromkeys(new_lists, "")
        return places

    def place(self, wanted: Row, task_id: int) -> tuple[int | None, int | None]:
        """The parent and the list of a task; where these are gone, none."""
        parent_id = self._made.get(wanted["parent_seq"], wanted["parent_id"])
        list_id = self._made.get(wanted["list_seq"], wanted["list_id"])
        parent = self._lines.get(parent_id) if parent_id is not None else None
        if parent is not None and parent[1] < tree.MOST_LEVELS:
            list_id, level = parent[0], parent[1] + 1
        else:
            parent_id, level = None, 1
            list_id = list_id if list_id in self._lists else None
        self._lines[task_id] = (list_id, level)
        return parent_id, list_id

    async def next_position(self, list_id: int | None) -> str:
        """Behind the last of a list, and of what this part has put there."""
        last = self._positions.get(list_id)
        if last is None:
            position = await tree.next_position(self._tx, self._owner_id, list_id)
        else:
            position = position_after(last or None)
        self._positions[list_id] = position
        return position


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
