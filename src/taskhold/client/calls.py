"""The calls of the API: what each sends, and what its answer means. Nothing is sent from here."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote

from taskhold.client.errors import NotTaskhold, Problem, TaskholdError, problem_of
from taskhold.client.shapes import (
    Account,
    Change,
    Changes,
    DeleteOperation,
    Operation,
    Tag,
    Task,
    TaskList,
    TrashedTask,
    UpdateOperation,
)

T = TypeVar("T")
R = TypeVar("R")
Fields = Mapping[str, Any]

_NEXT = re.compile(r'<[^>]*[?&]after=([^&>]+)[^>]*>; *rel="next"')
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Answer(NamedTuple):
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body. Raises NotTaskhold for what is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise NotTaskhold("The answer is not that of a Taskhold server.") from None

    def problem(self) -> Problem:
        """What an answer that is not 2xx means; a proxy's may be no JSON."""
        if self.status in _REDIRECTS:
            to = self.headers.get("location", "another address")
            return Problem(self.status, {"detail": f"The server sends its callers on to {to}"})
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        return problem_of(self.status, document if isinstance(document, dict) else {})


class Call(NamedTuple, Generic[T]):
    """One request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[Answer], T]
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    key: str | None = None
    """The Idempotency-Key of a write that has one."""
    headers: Mapping[str, str] = {}

    @property
    def is_repeatable(self) -> bool:
        """Whether it does no harm to send it again."""
        return self.key is not None or self.method in {"GET", "HEAD"}

    def result(self, answer: Answer) -> T:
        """What the answer means. Raises Problem unless it is a 2xx."""
        try:
            if not 200 <= answer.status < 300:
                raise answer.problem()
            return self.read(answer)
        except TaskholdError as error:
            error.key = self.key
            raise


class Page(NamedTuple, Generic[R]):
    """Some rows, and the cursor of those behind them."""

    rows: list[R]
    after: str | None


PageCall = Callable[[str | None], Call[Page[R]]]
"""The call for the page behind a cursor."""


def get_task(task_id: int) -> Call[Task]:
    return _get(f"/tasks/{task_id}")


def create_task(fields: Fields, key: str | None) -> Call[Task]:
    return _write("POST", "/tasks", fields, key)


def update_task(task_id: int, changes: Fields, key: str | None) -> Call[Task]:
    return _write("PATCH", f"/tasks/{task_id}", changes, key)


def delete_task(task_id: int, key: str | None) -> Call[None]:
    return _write("DELETE", f"/tasks/{task_id}", None, key)


def batch(operations: Sequence[Operation], key: str | None) -> Call[list[Task | None]]:
    body = {"operations": operations}
    return _write("POST", "/tasks/batch", body, key, lambda answer: answer.json()["results"])


def update(task_id: int, changes: Fields, if_version: int | None = None) -> UpdateOperation:
    """For a batch."""
    return {"op": "update", "id": task_id, "changes": dict(changes), "if_version": if_version}


def delete(task_id: int, if_version: int | None = None) -> DeleteOperation:
    """For a batch."""
    return {"op": "delete", "id": task_id, "if_version": if_version}


def tasks(filters: Fields, sort: str, page_size: int) -> PageCall[Task]:
    return _pages("/tasks", {**filters, "sort": sort}, page_size)


def count_tasks(filters: Fields) -> Call[int]:
    return _get("/tasks/count", filters, lambda answer: answer.json()["count"])


def history(task_id: int, page_size: int) -> PageCall[Change]:
    return _pages(f"/tasks/{task_id}/history", {}, page_size)


def trash(page_size: int) -> PageCall[TrashedTask]:
    return _pages("/trash", {}, page_size)


def restore_task(task_id: int, key: str | None) -> Call[Task]:
    return _write("POST", f"/trash/{task_id}/restore", {}, key)


def purge_task(task_id: int, key: str | None) -> Call[None]:
    return _write("DELETE", f"/trash/{task_id}", None, key)


def lists(archived: bool | None, sort: str) -> PageCall[TaskList]:
    return _pages("/lists", {"archived": archived, "sort": sort}, 500)


def get_list(list_id: int) -> Call[TaskList]:
    return _get(f"/lists/{list_id}")


def create_list(name: str, key: str | None) -> Call[TaskList]:
    return _write("POST", "/lists", {"name": name}, key)


def update_list(
    list_id: int, name: str | None, archived: bool | None, key: str | None
) -> Call[TaskList]:
    sent = {"name": name, "archived": archived}
    changes = {field: value for field, value in sent.items() if value is not None}
    return _write("PATCH", f"/lists/{list_id}", changes, key)


def delete_list(list_id: int, key: str | None) -> Call[None]:
    return _write("DELETE", f"/lists/{list_id}", None, key)


def tags() -> PageCall[Tag]:
    return _pages("/tags", {}, 500)


def rename_tag(tag: str, new: str, key: str | None) -> Call[Tag]:
    return _write("PATCH", f"/tags/{quote(tag, safe='')}", {"tag": new}, key)


def changes(after: int | None, limit: int) -> Call[Changes]:
    return _get("/changes", {"after": after, "limit": limit})


def undo(seq: int, key: str | None) -> Call[list[Change]]:
    path = f"/changes/{seq}/undo"
    return _write("POST", path, {}, key, lambda answer: answer.json()["changes"])


def me() -> Call[Account]:
    return _get("/me")


def any_request(
    method: str,
    path: str,
    *,
    query: Fields | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Call[Answer]:
    """A call of one's own."""
    sent = None if body is None else as_json(body)
    return Call(
        method, path, lambda answer: answer, pairs_of(query or {}), sent, key, headers or {}
    )


def _get(
    path: str, query: Fields | None = None, read: Callable[[Answer], Any] = Answer.json
) -> Call[Any]:
    return Call("GET", path, read, pairs_of(query or {}))


def _write(
    method: str,
    path: str,
    body: Any,
    key: str | None,
    read: Callable[[Answer], Any] = Answer.json,
) -> Call[Any]:
    """Each write has a key, so that it can be sent again without being done again."""
    sent = None if body is None else as_json(body)
    if method == "DELETE":
        read = _nothing
    return Call(method, path, read, (), sent, key or os.urandom(16).hex())


def _nothing(_: Answer) -> None:
    return None


def _pages(path: str, query: Fields, page_size: int) -> PageCall[Any]:
    def page_behind(after: str | None) -> Call[Page[Any]]:
        wanted = {**query, "limit": page_size, "after": after}
        return Call("GET", path, _page, pairs_of(wanted))

    return page_behind


def _page(answer: Answer) -> Page[Any]:
    """The cursor alone is taken from `Link`: a proxy may have the server under another path."""
    found = _NEXT.search(answer.headers.get("link", ""))
    return Page(answer.json(), unquote(found[1]) if found else None)


def pairs_of(query: Fields) -> list[tuple[str, str]]:
    """A query as it is sent; what is None is left out."""
    return [
        (name, _as_text(each))
        for name, value in query.items()
        for each in (value if isinstance(value, (list, tuple)) else [value])
        if each is not None
    ]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def as_json(body: Any) -> bytes:
    """A body; days and instants as the API has them."""
    return json.dumps(body, default=_as_plain, allow_nan=False).encode()


def _as_plain(value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, (set, frozenset)) or not isinstance(value, Sequence):
        raise TypeError(f"{type(value).__name__} is nothing that JSON has")
    return list(value)
