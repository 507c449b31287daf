"""What can be done with tasks. Rules and statements; nothing of HTTP."""

from collections.abc import Callable

from sqlalchemy import bindparam, insert

from taskhold.encoding import as_json
from taskhold.errors import NotFound, VersionConflict
from taskhold.journal import operations as journal
from taskhold.journal.models import Action
from taskhold.journal.operations import Author, Entry, record
from taskhold.shapes import LARGEST_ID
from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.tasks import rows, tree
from taskhold.tasks.models import TaskCreate, TaskPublic, TaskUpdate
from taskhold.tasks.positions import after as position_after
from taskhold.trash.models import TrashedTask

VersionTest = Callable[[int], bool]
"""Whether a task of this version may be changed."""

TRASH = Query(
    insert(TrashedTask).values(
        {
            name: bindparam(name)
            for name in ("owner_id", "task_id", "seq", "operation", "deleted_at", "body")
        }
    )
)


async def get(tx: Tx, owner_id: int, task_id: int) -> Row:
    """The task. Raises NotFound."""
    task = await tx.one(rows.GET, owner_id=owner_id, id=task_id)
    if task is None:
        raise NotFound("Task")
    return task


async def history(
    tx: Tx, owner_id: int, task_id: int, *, before_seq: int, offset: int, limit: int
) -> tuple[list[Row], bool]:
    """A task's changes, newest first, and whether there are older ones. Also after its deletion.

    Raises NotFound for a task that never was. One may have none, once they are pruned by age.
    """
    found = await journal.history(
        tx, owner_id, task_id, before_seq=before_seq, offset=offset, limit=limit + 1
    )
    if not found and not await journal.history(
        tx, owner_id, task_id, before_seq=LARGEST_ID, offset=0, limit=1
    ):
        await get(tx, owner_id, task_id)
    return found[:limit], len(found) > limit


async def create(tx: Tx, author: Author, data: TaskCreate) -> Row:
    """The new task. Raises Validation for a list or a parent that isn't there."""
    owner_id = author.account_id
    wanted = data.model_dump()
    if data.parent_id is not None or data.list_id is not None:
        await tree.check_place(tx, owner_id, wanted, data.model_dump(exclude_none=True), [])
    task_id, position = await tree.next_place(tx, owner_id, wanted["list_id"])
    task = _new(tx, wanted, task_id, data.position or position)
    entry = Entry(Action.create, task_id, None, task)
    await record(tx, author, entry, beside=rows.adding(owner_id, task))
    await rows.add_tags(tx, owner_id, [task])
    return task


async def create_many(tx: Tx, author: Author, wanted: list[Row]) -> list[Row]:
    """New tasks, many at once, each behind the last of its list; `wanted` are their fields.

    What they refer to has to be there: a list, and a parent in the same one that leaves room for
    a level.
    """
    ids = await rows.next_ids_for(tx, len(wanted))
    positions: dict[int | None, str] = {}
    made = []
    for task_id, fields in zip(ids, wanted, strict=True):
        list_id = fields["list_id"]
        if list_id in positions:
            positions[list_id] = position_after(positions[list_id])
        else:
            positions[list_id] = await tree.next_position(tx, author.account_id, list_id)
        made.append(_new(tx, fields, task_id, positions[list_id]))
    await rows.put_back(tx, author.account_id, made)
    await record(tx, author, *(Entry(Action.create, each["id"], None, each) for each in made))
    return made


def _new(tx: Tx, fields: Row, task_id: int, position: str) -> Row:
    task = fields | {
        "id": task_id,
        "completed_at": tx.now if fields["done"] else None,
        "position": position,
        "created_at": tx.now,
        "updated_at": tx.now,
        "version": 1,
    }
    return {name: task[name] for name in TaskPublic.model_fields}


async def change(
    tx: Tx, author: Author, task_id: int, changes: TaskUpdate, may_change: VersionTest
) -> Row:
    """The task with those fields changed that were sent; the same task where none differs.

    Raises NotFound, VersionConflict, and Validation for a place that it can't have.
    """
    before = await _get_version(tx, author, task_id, may_change)
    sent = changes.model_dump(exclude_unset=True)
    after = before | sent
    below: list[Row] = []
    if after["parent_id"] != before["parent_id"] or after["list_id"] != before["list_id"]:
        below = await tree.descendants(tx, author.account_id, task_id)
        await tree.check_place(tx, author.account_id, after, sent, below)
    if after == before:
        return before
    if after["list_id"] == before["list_id"]:
        below = []
    changed = [(before, after)]
    changed += [(each, each | {"list_id": after["list_id"]}) for each in below]
    return (await save(tx, author, changed))[0]


async def remove(tx: Tx, author: Author, task_id: int, may_change: VersionTest) -> None:
    """Move the task and its subtasks to the trash. Raises NotFound and VersionConflict."""
    task = await _get_version(tx, author, task_id, may_change)
    below = await tree.descendants(tx, author.account_id, task_id)
    await trash(tx, author, [task, *below])


async def save(tx: Tx, author: Author, changes: list[tuple[Row, Row]]) -> list[Row]:
    """Change tasks and journal it; what they are then, each counted up by one version."""
    saved = []
    for before, after in changes:
        if after["done"] != before["done"] and after["completed_at"] == before["completed_at"]:
            after["completed_at"] = tx.now if after["done"] else None
        after["updated_at"] = max(tx.now, before["updated_at"])
        after["version"] = before["version"] + 1
        saved.append(after)
    entries = [Entry(Action.update, after["id"], before, after) for before, after in changes]
    if len(changes) == 1:
        await record(tx, author, *entries, beside=rows.changing(author.account_id, *changes[0]))
        await rows.save_tags(tx, author.account_id, changes)
    else:
        await rows.save(tx, author.account_id, changes)
        await record(tx, author, *entries)
    return saved


async def trash(tx: Tx, author: Author, tasks: list[Row]) -> None:
    """Take tasks out of the table and keep them in the trash.

    Parents come before their subtasks here, and behind them in the journal: so what is newest
    in the trash is the parent, and who goes back puts the parent back first.
    """
    entries = [Entry(Action.delete, each["id"], each, None) for each in reversed(tasks)]
    await record(tx, author, *entries)
    first = author.newest - len(entries) + 1
    await tx.many(
        TRASH,
        [
            {
                "owner_id": author.account_id,
                "task_id": entry.object_id,
                "seq": seq,
                "operation": author.operation,
                "deleted_at": tx.now,
                "body": as_json(entry.before).decode(),
            }
            for seq, entry in enumerate(entries, first)
        ],
    )
    await rows.remove(tx, author.account_id, tasks)


async def put_back(tx: Tx, author: Author, tasks: list[Row]) -> list[Row]:
    """Put deleted tasks back under their ids, parents first; what they are then."""
    for each in tasks:
        each["updated_at"] = max(tx.now, each["updated_at"])
        each["version"] += 1
    await rows.put_back(tx, author.account_id, tasks)
    await record(tx, author, *(Entry(Action.restore, each["id"], None, each) for each in tasks))
    return tasks


async def _get_version(tx: Tx, author: Author, task_id: int, may_change: VersionTest) -> Row:
    task = await get(tx, author.account_id, task_id)
    if not may_change(task["version"]):
        raise VersionConflict(task)
    return task
