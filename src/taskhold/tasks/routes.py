"""Tasks over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from taskhold.accounts.access import CurrentUser
from taskhold.encoding import as_json
from taskhold.http.answers import JSON, Answer, json_answer
from taskhold.http.conditional import IfMatch, Tags, TagsDep
from taskhold.http.once import LongWrite, Write
from taskhold.http.openapi import answers, not_modified, problems, write_problems
from taskhold.http.pages import Page, link_to_next, page_answer, read_cursor
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.store import StoreDep
from taskhold.journal.models import ChangePublic
from taskhold.journal.rendering import changes_as_json
from taskhold.shapes import LARGEST_ID
from taskhold.store import Row
from taskhold.tasks import batch, operations, pages
from taskhold.tasks.batch import Batch, BatchResults
from taskhold.tasks.filters import Choice
from taskhold.tasks.models import TaskCount, TaskCreate, TaskFilter, TaskPublic, TaskUpdate

router = APIRouter(route_class=Route, tags=["tasks"])

TaskId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The task's id.", examples=[1])]
_LONG_OFFSET = 1_000
"""Rows that a read on the event loop may skip."""


class TaskPage(Page, TaskFilter):
    """Which tasks, in which order, and which part of them."""

    sort: Literal[
        "id",
        "-id",
        "created_at",
        "-created_at",
        "updated_at",
        "-updated_at",
        "due",
        "-due",
        "priority",
        "-priority",
        "title",
        "-title",
        "position",
        "-position",
    ] = Field(
        default="id",
        description="The order; `-` in front for descending. What is never due comes last both "
        "ways.",
    )


class HistoryPage(Page):
    """Which part of a history."""


@router.post(
    "/tasks",
    status_code=201,
    response_model=TaskPublic,
    response_description="The new task.",
    responses=answers(201, "Location", "ETag", "Idempotent-Replayed") | write_problems(413, 415),
)
async def create_task(task: TaskCreate, write: Write) -> Answer:
    """Add a task."""
    return await write(_created, operations.create, task)


@router.get(
    "/tasks",
    response_model=list[TaskPublic],
    response_description="The tasks, as a bare array.",
    responses=answers(200, "ETag", "Link") | not_modified() | problems(),
)
async def list_tasks(
    page: Annotated[TaskPage, Query()],
    request: Request,
    user: CurrentUser,
    store: StoreDep,
    tags: TagsDep,
) -> Answer:
    """List tasks, a page at a time: follow `Link` until there is none."""
    path = request.scope["path"]
    after = read_cursor(path, page, pages.POSITION_TYPES[page.sort.removeprefix("-")])
    choice = Choice(user.id, page)
    is_quick = page.offset <= _LONG_OFFSET and choice.is_quick(page.sort)
    listed = await (store.read if is_quick else store.read_long)(
        pages.list_page,
        choice,
        sort=page.sort,
        after=after,
        offset=page.offset,
        limit=page.limit,
        is_known=tags.known,
    )
    return page_answer(tags, path, page, listed)


@router.get(
    "/tasks/count",
    response_model=TaskCount,
    response_description="The number.",
    responses=problems(),
)
async def count_tasks(
    chosen: Annotated[TaskFilter, Query()], user: CurrentUser, store: StoreDep
) -> Answer:
    """Count tasks, with the filters of the list."""
    return json_answer({"count": await store.read_long(pages.count, Choice(user.id, chosen))})


@router.post(
    "/tasks/batch",
    response_model=BatchResults,
    response_description="What each operation gave.",
    responses=answers(200, "Idempotent-Replayed") | write_problems(404, 412, 413, 415),
)
async def run_batch(operations: Batch, write: LongWrite) -> Answer:
    """Do up to 200 operations, all or nothing.

    Where one fails nothing is done, and the answer is that operation's problem with its number as
    `operation`.
    """
    return await write(_results, batch.run, operations)


@router.get(
    "/tasks/{task_id}",
    response_model=TaskPublic,
    response_description="The task.",
    responses=answers(200, "ETag") | not_modified() | problems(404),
)
async def get_task(task_id: TaskId, user: CurrentUser, store: StoreDep, tags: TagsDep) -> Answer:
    """Read one task."""
    task = await store.read(operations.get, user.id, task_id)
    return tags.answer(as_json(task), task["version"])


@router.patch(
    "/tasks/{task_id}",
    response_model=TaskPublic,
    response_description="The task as it is now.",
    responses=answers(200, "ETag", "Idempotent-Replayed") | write_problems(404, 412, 413, 415),
)
async def update_task(
    task_id: TaskId, changes: TaskUpdate, write: Write, may_change: IfMatch
) -> Answer:
    """Change the fields that are sent; the others stay as they are."""
    return await write(_shown, operations.change, task_id, changes, may_change)


@router.delete(
    "/tasks/{task_id}",
    status_code=204,
    response_model=None,
    response_description="It is gone from the list.",
    responses=answers(204, "Idempotent-Replayed") | write_problems(404, 412),
)
async def delete_task(task_id: TaskId, write: Write, may_change: IfMatch) -> Answer:
    """Move a task and its subtasks to the trash. Their ids are never used for others."""
    return await write(_deleted, operations.remove, task_id, may_change)


@router.get(
    "/tasks/{task_id}/history",
    response_model=list[ChangePublic],
    response_description="The changes, newest first.",
    responses=answers(200, "Link") | problems(404),
)
async def list_task_history(
    task_id: TaskId,
    page: Annotated[HistoryPage, Query()],
    request: Request,
    user: CurrentUser,
    store: StoreDep,
) -> Answer:
    """List what happened to a task, newest first; also to one that was deleted."""
    path = request.scope["path"]
    after = read_cursor(path, page, (int,))
    changes, more = await store.read(
        operations.history,
        user.id,
        task_id,
        before_seq=after[0] if after else LARGEST_ID,
        offset=page.offset,
        limit=page.limit,
    )
    answer = Answer(200, changes_as_json(changes), [JSON])
    if more:
        answer.headers.append(link_to_next(path, page, [changes[-1]["seq"]]))
    return answer


def _created(task: Row, tags: Tags) -> Answer:
    location = (b"location", f"/tasks/{task['id']}".encode())
    return Answer(201, as_json(task), [JSON, location, *tags.headers(task["version"])])


def _shown(task: Row, tags: Tags) -> Answer:
    return tags.shown(as_json(task), task["version"])


def _results(results: list[Row | None], _: Tags) -> Answer:
    return json_answer({"results": results})


def _deleted(_: None, _tags: Tags) -> Answer:
    return Answer(204)
