"""Whether every row says what the journal says, on either database.

A task or list is what its newest change made it; the trash holds what was deleted, and nothing of
what was purged is left; what follows from other columns follows; nobody's place is somewhere that
isn't there. Asked in one snapshot, account by account, a thousand rows at a time.
"""

from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import from_json

from taskhold.accounts.operations import account_ids
from taskhold.care import statements
from taskhold.encoding import as_json
from taskhold.store import Advance, Row, Tx
from taskhold.store.query import Query
from taskhold.store.report import Report
from taskhold.tags.models import fold_tag
from taskhold.tasks import rows
from taskhold.tasks.models import TaskPublic, whole
from taskhold.tasks.tree import MOST_LEVELS

AT_ONCE = 1_000

REINDEX = "`taskhold reindex` makes them anew."
PAST_THE_JOURNAL = (
    "Something wrote past the journal. Restore a backup; or change the object once over the API, "
    "which journals it as it is now."
)
RESTORE = "Restore a backup."

TASKS, LISTS, TRASH, JOURNAL = "tasks", "lists", "trash", "journal"
DERIVED, TAGS, PLACES = "texts to search and sort by", "tags", "places"


async def verify(tx: Tx, report: Report, advance: Advance) -> None:
    """Look at every row of a database of this version's schema, in a snapshot of it."""
    journals: dict[int, Row] = {}
    for owner in await account_ids(tx):
        found = await tx.one(statements.JOURNAL, owner_id=owner)
        assert found is not None
        journals[owner] = found
    total, done = sum(each["count"] for each in journals.values()), 0
    for owner, journal in journals.items():
        await _Account(tx, report, owner, journal).look()
        done += journal["count"]
        advance(done, total)
    for name in (TASKS, LISTS, TRASH, DERIVED, TAGS, PLACES):
        report.looked_at(name, 0)


class _Account:
    """What belongs to one account, and its journal."""

    def __init__(self, tx: Tx, report: Report, owner: int, journal: Row) -> None:
        self._tx = tx
        self._report = report
        self._owner = owner
        self._journal = journal

    async def look(self) -> None:
        await self._at_journal()
        await self._at_tasks()
        await self._at_lists()
        await self._at_trash()
        await self._at_places()

    async def _at_journal(self) -> None:
        count, first, last = (self._journal[name] for name in ("count", "first", "last"))
        self._report.looked_at(JOURNAL, count)
        if count and last - first + 1 != count:
            missing = last - first + 1 - count
            self._wrong(JOURNAL, f"{missing} changes between {first} and {last} are missing")
        async for page in self._pages(statements.NEWEST, "seq"):
            for newest in page:
                self._compare_presence(newest)
        for purged in await self._tx.all(statements.PURGED, owner_id=self._owner):
            what = f"Task {purged['object_id']} was purged, but the journal still tells of it"
            self._wrong(JOURNAL, what)

    def _compare_presence(self, newest: Row) -> None:
        """What there is of an object has to be what its newest change left of it."""
        name, kind = f"{newest['kind'].capitalize()} {newest['object_id']}", newest["kind"]
        is_there = newest[f"{kind}_id"] is not None
        lives = newest["action"] in ("create", "update", "restore")
        change = f"change {newest['seq']} ({newest['action']})"
        if lives and not is_there:
            self._wrong(f"{kind}s", f"{name} is gone, but {change} left it")
        if is_there and not lives:
            self._wrong(f"{kind}s", f"{name} is there, but {change} took it away")
        if kind == "task":
            is_deleted = newest["action"] == "delete"
            if is_deleted and newest["trashed_by"] != newest["seq"]:
                self._wrong(TRASH, f"{name} is not in the trash, where {change} put it")
            if not is_deleted and newest["trashed_by"] is not None:
                self._wrong(TRASH, f"{name} is still in the trash after {change}")

    async def _at_tasks(self) -> None:
        async for page in self._pages(statements.TASKS, "id"):
            first, last = page[0]["id"], page[-1]["id"]
            tags: dict[int, dict[str, Any]] = {}
            for tag in await self._tx.all(
                statements.TAGS, owner_id=self._owner, after=first - 1, last=last
            ):
                tags.setdefault(tag["task_id"], {})[tag["folded"]] = (tag["name"], tag["done"])
            for found in page:
                self._look_at_task(found, tags.get(found["id"], {}))
        for tag in await self._tx.all(statements.TAGS_OF_NOTHING, owner_id=self._owner):
            self._wrong(
                TAGS, f"“{tag['name']}” is a tag of task {tag['task_id']}, which isn't there"
            )

    def _look_at_task(self, found: Row, tags: dict[str, Any]) -> None:
        name = f"Task {found['id']}"
        self._report.looked_at(TASKS)
        shown = {field: found[field] for field in TaskPublic.model_fields}
        self._compare(TASKS, name, found, shown)
        self._report.looked_at(DERIVED)
        if stale := rows.corrected(found):
            self._wrong(DERIVED, f"{name} has a stale {' and '.join(stale)}", REINDEX)
        self._report.looked_at(TAGS, len(tags))
        if tags != {fold_tag(tag): (tag, found["done"]) for tag in found["tags"]}:
            self._wrong(TAGS, f"{name} is found under other tags than it shows")

    async def _at_lists(self) -> None:
        async for page in self._pages(statements.LISTS, "id"):
            for found in page:
                self._report.looked_at(LISTS)
                shown = {field: found[field] for field in statements.LIST_FIELDS}
                self._compare(LISTS, f"List {found['id']}", found, shown)

    async def _at_trash(self) -> None:
        async for page in self._pages(statements.TRASH, "task_id"):
            for found in page:
                self._report.looked_at(TRASH)
                self._look_at_trashed(found)

    def _look_at_trashed(self, found: Row) -> None:
        name = f"Task {found['task_id']} in the trash"
        if found["action"] is None:
            if found["seq"] >= (self._journal["first"] or 0):  # else it was forgotten by age
                self._wrong(TRASH, f"{name}: the change that deleted it is missing")
        elif (found["object_id"], found["action"]) != (found["task_id"], "delete"):
            self._wrong(TRASH, f"{name}: change {found['seq']} did not delete it")
        elif found["operation"] != found["deleted_in"] or not _is_same(
            found["body"], found["before"]
        ):
            self._wrong(TRASH, f"{name} is not what change {found['seq']} deleted")

    async def _at_places(self) -> None:
        above = {
            each["id"]: each["parent_id"]
            for each in await self._tx.all(statements.PARENTS, owner_id=self._owner)
        }
        self._report.looked_at(PLACES, len(above))
        for task_id in above:
            place: int | None = task_id
            levels = 0
            while place is not None and levels <= MOST_LEVELS:
                place = above.get(place)
                levels += 1
            if levels > MOST_LEVELS:
                self._wrong(PLACES, f"Task {task_id} is below more than {MOST_LEVELS - 1} others")
        for found in await self._tx.all(statements.MISPLACED, owner_id=self._owner):
            if found["parent_id"] is None:
                where = f"list {found['list_id']}, which isn't there"
            elif found["parent_found"] is None:
                where = f"task {found['parent_id']}, which isn't there"
            else:
                where = f"task {found['parent_id']}, which is in another list"
            self._wrong(PLACES, f"Task {found['id']} belongs to {where}")

    def _compare(self, check: str, name: str, found: Row, shown: Row) -> None:
        """An object with what its newest change left of it."""
        if found["seq"] is None:
            since = self._journal["since"]
            if since is None or shown["updated_at"] > since:  # else it was forgotten by age
                self._wrong(check, f"{name} is not in the journal")
        elif found["after"] is None:
            pass  # the journal says that it is gone, which is told where that is looked at
        elif found["after"] != as_json(shown).decode():
            kept = from_json(found["after"])
            kept = whole(kept) if check == TASKS else {field: kept[field] for field in shown}
            if fields := [field for field in shown if shown[field] != kept[field]]:
                differ = " and ".join(fields)
                self._wrong(check, f"{name} differs from change {found['seq']} in its {differ}")

    async def _pages(self, query: Query, key: str) -> AsyncIterator[list[Row]]:
        """All rows of the account, in the order of `key`, which no two share."""
        after = 0
        while some := await self._tx.all(query, owner_id=self._owner, after=after, limit=AT_ONCE):
            yield some
            after = some[-1][key]

    def _wrong(self, check: str, sentence: str, advice: str | None = None) -> None:
        whose = "" if self._owner == 1 else f" (of account {self._owner})"
        if advice is None:
            advice = RESTORE if check in (JOURNAL, PLACES) else PAST_THE_JOURNAL
        self._report.wrong(check, f"{sentence}{whose}", advice)


def _is_same(body: str, before: str | None) -> bool:
    return body == before or (before is not None and from_json(body) == from_json(before))
