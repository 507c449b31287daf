"""What an import writes of a part of a file, in one transaction.

What a file says of other things is known by now: `parent_id` and `list_id` where these are there,
`parent_seq` and `list_seq` where they are of the same part.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import bindparam, delete

from taskhold.encoding import as_json
from taskhold.journal.models import Action
from taskhold.journal.operations import Author, Entry, record
from taskhold.lists import operations as lists
from taskhold.lists.models import ListPublic
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import table
from taskhold.tasks import rows
from taskhold.tasks.models import TaskPublic
from taskhold.tasks.operations import TRASH
from taskhold.tasks.positions import FIRST
from taskhold.transfer.models import Imported
from taskhold.transfer.operations import (
    ADD_KEY,
    FIND_KEYS,
    JOURNAL,
    key_of_import,
)
from taskhold.transfer.places import Places

_imported = table(Imported).c
DROP_KEY = Query(
    delete(Imported).where(
        _imported.owner_id == bindparam("owner_id"), _imported.key == bindparam("key")
    )
)


class Import(NamedTuple):
    """Whose import of which file it is, and what of the file is kept beside what it says."""

    account_id: int
    actor: str
    file: str
    """Its SHA-256."""
    kept: str | None


async def make(tx: Tx, importing: Import, wanted: list[Row]) -> dict[int, int]:
    """Make what a part of a file says, in its order; the id that each got, by its `seq`.

    What has been made meanwhile, by another import, is left as it is.
    """
    account_id = importing.account_id
    author = Author(account_id, importing.actor, key=key_of_import(importing.file))
    part = _Part(tx, author, importing.kept)
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
        made: list[Row] = []
        for each, list_id in zip(wanted, ids, strict=True):
            shown = {"archived": False} | from_json(each["body"])
            shown |= {"id": list_id, "open_count": 0}
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
        places = await Places.of(self._tx, self._owner_id, wanted, self.ids, self._made_lists)
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
        numbers = [(operation, seq) for operation, seq, _ in trashed]
        if self._journals:
            await self._journal(Entry(Action.create, each["id"], None, each) for each in bodies)
            numbers = await self._delete(bodies, [operation for operation, *_ in trashed])
        await self._tx.many(
            TRASH,
            [
                {
                    "owner_id": self._owner_id,
                    "task_id": body["id"],
                    "seq": seq,
                    "operation": operation,
                    "deleted_at": deleted_at,
                    "body": as_json(body).decode(),
                }
                for body, (operation, seq), (_, _, deleted_at) in zip(
                    bodies, numbers, trashed, strict=True
                )
            ],
        )

    async def _delete(self, bodies: list[Row], together: list[int]) -> list[tuple[int, int]]:
        """Journal that these are deleted, some together; the operation and the `seq` of each.

        Each time is an operation of its own, as it was.
        """
        numbers: list[tuple[int, int]] = []
        for _, group in groupby(zip(together, bodies, strict=True), key=itemgetter(0)):
            entries = [Entry(Action.delete, body["id"], body, None) for _, body in group]
            author = Author(self._owner_id, self._author.name, key=self._author.key)
            await record(self._tx, author, *entries)
            assert author.operation is not None
            numbers += [(author.operation, author.operation + each) for each in range(len(entries))]
        return numbers

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
