"""The trash over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from taskhold.accounts.access import CurrentUser
from taskhold.encoding import as_json
from taskhold.http.answers import Answer
from taskhold.http.conditional import Tags, TagsDep
from taskhold.http.once import LongWrite
from taskhold.http.openapi import answers, not_modified, problems, write_problems
from taskhold.http.pages import Page, page_answer, read_cursor
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.store import StoreDep
from taskhold.shapes import LARGEST_ID
from taskhold.store import Row
from taskhold.tasks.models import TaskPublic
from taskhold.trash import operations
from taskhold.trash.models import TrashedTaskPublic

router = APIRouter(route_class=Route, tags=["trash"])

TaskId = Annotated[
    int, Path(ge=1, le=LARGEST_ID, description="The id that the task had.", examples=[1])
]


class TrashPage(Page):
    """Which part of the trash."""


@router.get(
    "/trash",
    response_model=list[TrashedTaskPublic],
    response_description="The deleted tasks, newest first, as a bare array.",
    responses=answers(200, "ETag", "Link") | not_modified() | problems(),
)
async def list_trash(
    page: Annotated[TrashPage, Query()],
    request: Request,
    user: CurrentUser,
    store: StoreDep,
    tags: TagsDep,
) -> Answer:
    """List what was deleted, a parent before the subtasks that went with it."""
    path = request.scope["path"]
    after = read_cursor(path, page, (int, int))
    read = store.read_long if page.offset else store.read
    listed = await read(
        operations.list_page,
        user.id,
        after=after,
        offset=page.offset,
        limit=page.limit,
        is_known=tags.client_has,
    )
    return page_answer(tags, path, page, listed)


@router.post(
    "/trash/{task_id}/restore",
    response_model=TaskPublic,
    response_description="The task as it is now.",
    responses=answers(200, "ETag", "Idempotent-Replayed") | write_problems(404, 413, 415),
)
async def restore_task(task_id: TaskId, request: Request, write: LongWrite) -> Answer:
    """Bring a task back under its id, with the subtasks that went to the trash with it.

    Where its parent is gone it comes to the top level, and where its list is gone to none.
    """
    await request.read_nothing()
    return await write(_restored, operations.restore, task_id)


@router.delete(
    "/trash/{task_id}",
    status_code=204,
    response_model=None,
    response_description="It is gone for good.",
    responses=answers(204, "Idempotent-Replayed") | write_problems(404),
)
async def purge_task(task_id: TaskId, write: LongWrite) -> Answer:
    """Forget a task for good, with the subtasks that went to the trash with it.

    What it said is blanked in the journal too. This can't be undone.
    """
    return await write(_purged, operations.purge, task_id)


def _restored(task: Row, tags: Tags) -> Answer:
    return tags.shown(as_json(task), task["version"])


def _purged(_: None, _tags: Tags) -> Answer:
    return Answer(204)
