"""The client for ordinary programs."""

import ssl
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2

from taskhold.client import calls
from taskhold.client.calls import Answer, Call, PageCall
from taskhold.client.connecting import (
    PATIENCE_SECONDS,
    TIMEOUT_SECONDS,
    answer_of,
    arguments,
    options,
)
from taskhold.client.following import Following
from taskhold.client.retrying import Attempts
from taskhold.client.shapes import (
    Account,
    Change,
    Changes,
    NewTask,
    Operation,
    Tag,
    Task,
    TaskChanges,
    TaskFilters,
    TaskList,
    TaskSort,
    TrashedTask,
)

T = TypeVar("T")


class Client:
    """Speaks to a server. May be used by several threads.

    `timeout` is how many seconds an answer may take. After a failure that may pass, a call is sent
    again for up to `patience` seconds: reads, and writes, each of which has an Idempotency-Key, so
    that it is done once. `tls` is for a server whose certificate the system doesn't know.
    Raises TaskholdError, and ValueError for what can't be a URL or a token.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        patience: float = PATIENCE_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self._patience = patience
        self._http = httpx2.Client(**options(url, token, timeout, tls))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # Tasks

    def create_task(self, *, key: str | None = None, **fields: Unpack[NewTask]) -> Task:
        """The new task."""
        return self._do(calls.create_task(fields, key))

    def get_task(self, task_id: int) -> Task:
        return self._do(calls.get_task(task_id))

    def tasks(
        self, *, sort: TaskSort = "id", page_size: int = 200, **filters: Unpack[TaskFilters]
    ) -> Iterator[Task]:
        """All tasks that the filters leave, read a page at a time."""
        return self._all(calls.tasks(filters, sort, page_size))

    def count_tasks(self, **filters: Unpack[TaskFilters]) -> int:
        return self._do(calls.count_tasks(filters))

    def update_task(
        self,
        task_id: int,
        *,
        if_version: int | None = None,
        key: str | None = None,
        **changes: Unpack[TaskChanges],
    ) -> Task:
        """The task with these fields changed.

        With `if_version`, only if it still has this version; else raises VersionConflict.
        """
        if if_version is None:
            return self._do(calls.update_task(task_id, changes, key))
        updated = self._do(calls.batch([calls.update(task_id, changes, if_version)], key))[0]
        assert updated is not None
        return updated

    def delete_task(
        self, task_id: int, *, if_version: int | None = None, key: str | None = None
    ) -> None:
        """Move a task and its subtasks to the trash."""
        if if_version is None:
            self._do(calls.delete_task(task_id, key))
        else:
            self._do(calls.batch([calls.delete(task_id, if_version)], key))

    def batch(
        self, operations: Sequence[Operation], *, key: str | None = None
    ) -> list[Task | None]:
        """Do up to 200 operations, all or nothing; what each gave."""
        return self._do(calls.batch(operations, key))

    def history(self, task_id: int, *, page_size: int = 100) -> Iterator[Change]:
        """What happened to a task, newest first; also to one that was deleted."""
        return self._all(calls.history(task_id, page_size))

    # The trash

    def trash(self, *, page_size: int = 200) -> Iterator[TrashedTask]:
        """What was deleted, newest first."""
        return self._all(calls.trash(page_size))

    def restore_task(self, task_id: int, *, key: str | None = None) -> Task:
        """Bring a task back, with the subtasks that went to the trash with it."""
        return self._do(calls.restore_task(task_id, key))

    def purge_task(self, task_id: int, *, key: str | None = None) -> None:
        """Forget a task that is in the trash, for good."""
        self._do(calls.purge_task(task_id, key))

    # Lists and tags

    def lists(self, *, archived: bool | None = None, sort: str = "id") -> Iterator[TaskList]:
        return self._all(calls.lists(archived, sort))

    def get_list(self, list_id: int) -> TaskList:
        return self._do(calls.get_list(list_id))

    def create_list(self, name: str, *, key: str | None = None) -> TaskList:
        return self._do(calls.create_list(name, key))

    def update_list(
        self,
        list_id: int,
        *,
        name: str | None = None,
        archived: bool | None = None,
        key: str | None = None,
    ) -> TaskList:
        return self._do(calls.update_list(list_id, name, archived, key))

    def delete_list(self, list_id: int, *, key: str | None = None) -> None:
        """Delete a list; its tasks go to the trash."""
        self._do(calls.delete_list(list_id, key))

    def tags(self) -> Iterator[Tag]:
        return self._all(calls.tags())

    def rename_tag(self, tag: str, new: str, *, key: str | None = None) -> Tag:
        """Rename a tag in all tasks that bear it."""
        return self._do(calls.rename_tag(tag, new, key))

    # The journal

    def changes(self, after: int | None = None, *, limit: int = 500) -> Changes:
        """The changes behind a cursor; without one, none and the present cursor."""
        return self._do(calls.changes(after, limit))

    def events(self, after: int | None = None) -> Generator[Change]:
        """The changes behind `after`, or from now on, as they happen; without end.

        After a break it goes on where it was, without a gap and without a repetition. Raises Gone
        where the server can't continue: start over.
        """
        cursor = self.changes()["cursor"] if after is None else after
        return self._follow(Following(cursor, self.url))

    def undo(self, seq: int, *, key: str | None = None) -> list[Change]:
        """Reverse the whole operation that a change belongs to; the changes that this made."""
        return self._do(calls.undo(seq, key))

    # Anything else

    def me(self) -> Account:
        return self._do(calls.me())

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Any other call. A write is sent again only if it is given a key."""
        return self._do(
            calls.any_request(method, path, query=query, body=body, headers=headers, key=key)
        )

    def _do(self, call: Call[T]) -> T:
        attempts = Attempts(call, self._patience, self.url)
        while True:
            try:
                answer = answer_of(self._http.request(**arguments(call)))
            except httpx2.RequestError as error:
                wait: float | None = attempts.wait_after_failure(error)
            else:
                wait = attempts.wait_after_answer(answer)
                if wait is None:
                    return call.result(answer)
            assert wait is not None
            time.sleep(wait)

    def _follow(self, following: Following) -> Generator[Change]:
        while True:
            try:
                with self._http.sse(**following.arguments()) as source:
                    if following.has_begun(source.response):
                        for event in source:
                            if (change := following.change_in(event)) is not None:
                                yield change
                    else:
                        source.response.read()
                        following.check(answer_of(source.response))
            except httpx2.RequestError as error:
                following.note(error)
            time.sleep(following.wait_seconds())

    def _all(self, page_behind: PageCall[T]) -> Iterator[T]:
        after = None
        while True:
            page = self._do(page_behind(after))
            yield from page.rows
            after = page.after
            if after is None:
                return
