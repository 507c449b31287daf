"""The tasks in a database of this machine's, by the operations that a server runs."""

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar, Unpack
from urllib.parse import urlencode

from taskhold.cli.database import Account, Database
from taskhold.client.calls import as_json, pairs_of
from taskhold.client.errors import problem_of
from taskhold.client.shapes import (
    Change,
    Changes,
    NewTask,
    Operation,
    Tag,
    Task,
    TaskFilters,
    TaskList,
    TaskSort,
    TrashedTask,
)
from taskhold.errors import Problem
from taskhold.http.body import read_json
from taskhold.http.query import QueryReader
from taskhold.journal import operations as journal
from taskhold.journal.operations import Author
from taskhold.journal.rendering import changes_as_json
from taskhold.lists import operations as lists
from taskhold.lists.models import ListCreate, ListUpdate
from taskhold.shapes import LARGEST_ID
from taskhold.store import Operation as StoreOperation
from taskhold.store import Row
from taskhold.store.paging import Listed
from taskhold.tags import operations as tags
from taskhold.tags.models import TagUpdate
from taskhold.tasks import batch, operations, pages
from taskhold.tasks.batch import Batch
from taskhold.tasks.filters import Choice
from taskhold.tasks.models import TaskCreate, TaskFilter
from taskhold.trash import operations as trash
from taskhold.undo import operations as undo

LOOK_SECONDS = 0.5
"""How often the journal is looked at for who follows it."""
_LISTS_AT_ONCE = 500

T = TypeVar("T")
PageBehind = Callable[[list[Any] | None], Listed]
"""Reads the page behind a position."""


class Local:
    """What a command does with the tasks of one account."""

    def __init__(self, found: Database, account: Account) -> None:
        self._found = found
        self._account = account
        self._filters = QueryReader(TaskFilter)

    def actor(self) -> str:
        return self._account.name

    def create_task(self, **fields: Unpack[NewTask]) -> Task:
        task: Task = self._write(operations.create, self._as(TaskCreate, fields))
        return task

    def get_task(self, task_id: int) -> Task:
        task: Any = self._read(operations.get, task_id)
        return task  # type: ignore[no-any-return]

    def tasks(
        self, *, sort: TaskSort = "id", page_size: int = 200, **filters: Unpack[TaskFilters]
    ) -> Iterator[Task]:
        query = urlencode(pairs_of(filters)).encode()
        choice = Choice(self._account.id, self._checked(self._filters.read, query))

        def page_behind(after: list[Any] | None) -> Listed:
            return self._found.read(
                pages.list_page,
                choice,
                sort=sort,
                after=after,
                offset=0,
                limit=page_size,
                is_known=None,
            )

        return self._all(page_behind)

    def batch(self, operations: Sequence[Operation]) -> list[Task | None]:
        results: list[Task | None] = self._write(
            batch.run, self._as(Batch, {"operations": operations})
        )
        return results

    def history(self, task_id: int, *, page_size: int = 100) -> Iterator[Change]:
        before = LARGEST_ID
        more = True
        while more:
            found, more = self._read(
                operations.history, task_id, before_seq=before, offset=0, limit=page_size
            )
            yield from _shown(found)
            before = found[-1]["seq"] if found else 0

    def trash(self, *, page_size: int = 200) -> Iterator[TrashedTask]:
        return self._all(
            lambda after: self._read(
                trash.list_page, after=after, offset=0, limit=page_size, is_known=_is_never_known
            )
        )

    def restore_task(self, task_id: int) -> Task:
        task: Task = self._write(trash.restore, task_id)
        return task

    def lists(self, *, archived: bool | None = None, sort: str = "id") -> Iterator[TaskList]:
        return self._all(
            lambda after: self._read(
                lists.list_page,
                archived=archived,
                sort=sort,
                after=after,
                offset=0,
                limit=_LISTS_AT_ONCE,
                is_known=_is_never_known,
            )
        )

    def create_list(self, name: str) -> TaskList:
        made: TaskList = self._write(lists.create, self._as(ListCreate, {"name": name}))
        return made

    def update_list(
        self, list_id: int, *, name: str | None = None, archived: bool | None = None
    ) -> TaskList:
        sent = {"name": name, "archived": archived}
        given = {field: value for field, value in sent.items() if value is not None}
        changed: TaskList = self._write(
            lists.change, list_id, self._as(ListUpdate, given), _any_version
        )
        return changed

    def delete_list(self, list_id: int) -> None:
        self._write(lists.remove, list_id, _any_version)

    def tags(self) -> Iterator[Tag]:
        return self._all(
            lambda after: self._read(
                tags.list_page,
                after=after[0] if after else "",
                offset=0,
                limit=_LISTS_AT_ONCE,
                is_known=_is_never_known,
            )
        )

    def rename_tag(self, tag: str, new: str) -> Tag:
        renamed: Tag = self._write(tags.rename, tag, self._as(TagUpdate, {"tag": new}))
        return renamed

    def changes(self, after: int | None = None, *, limit: int = 500) -> Changes:
        page = self._read(journal.changes_after, after, limit)
        return {"changes": _shown(page.changes), "cursor": page.cursor, "more": page.more}

    def events(self, after: int | None = None) -> Generator[Change]:
        cursor = self.changes()["cursor"] if after is None else after
        while True:
            page = self.changes(cursor)
            yield from page["changes"]
            cursor = page["cursor"]
            if not page["more"]:
                time.sleep(LOOK_SECONDS)

    def undo(self, seq: int) -> list[Change]:
        return _shown(self._write(undo.undo, seq))

    def _read(self, operation: StoreOperation[..., T], *arguments: Any, **named: Any) -> T:
        found: T = self._checked(self._found.read, operation, self._account.id, *arguments, **named)
        return found

    def _write(self, operation: StoreOperation[..., Any], *arguments: Any) -> Any:
        author = Author(self._account.id, self._account.name)
        result = self._checked(self._found.write, self._account.id, operation, author, *arguments)
        self._found.tidy()
        return result

    def _as(self, model: Any, fields: Any) -> Any:
        """Read it as a server reads a body."""
        return self._checked(read_json, model, as_json(fields))

    def _checked(self, do: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Problems as a client has them."""
        try:
            return do(*arguments, **named)
        except Problem as problem:
            raise problem_of(problem.status, problem.document()) from problem

    def _all(self, page_behind: PageBehind) -> Iterator[Any]:
        after = None
        while True:
            page = page_behind(after)
            yield from page.rows or ()
            after = page.next_position
            if after is None:
                return


def _shown(changes: list[Row]) -> list[Change]:
    """As the API shows them."""
    shown: list[Change] = json.loads(changes_as_json(changes))
    return shown


def _any_version(_: int) -> bool:
    return True


def _is_never_known(_: int | str) -> bool:
    return False
