"""Lists over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from taskhold.accounts.access import CurrentUser
from taskhold.encoding import as_json
from taskhold.http.answers import JSON, Answer
from taskhold.http.conditional import IfMatch, Tags, TagsDep, state_of
from taskhold.http.once import LongWrite
from taskhold.http.openapi import answers, not_modified, problems, write_problems
from taskhold.http.pages import Page, page_answer, read_cursor
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.store import StoreDep
from taskhold.lists import operations
from taskhold.lists.models import ListCreate, ListFilter, ListPublic, ListUpdate
from taskhold.shapes import LARGEST_ID
from taskhold.store import Row

router = APIRouter(route_class=Route, tags=["lists"])

ListId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The list's id.", examples=[1])]


class ListPage(Page, ListFilter):
    """Which lists, in which order, and which part of them."""

    sort: Literal["id", "-id", "name", "-name"] = Field(
        default="id", description="The order; `-` in front for descending."
    )


@router.post(
    "/lists",
    status_code=201,
    response_model=ListPublic,
    response_description="The new list.",
    responses=answers(201, "Location", "ETag", "Idempotent-Replayed") | write_problems(413, 415),
)
async def create_list(new: ListCreate, write: LongWrite) -> Answer:
    """Add a list."""
    return await write(_created, operations.create, new)


@router.get(
    "/lists",
    response_model=list[ListPublic],
    response_description="The lists, as a bare array.",
    responses=answers(200, "ETag", "Link") | not_modified() | problems(),
)
async def list_lists(
    page: Annotated[ListPage, Query()],
    request: Request,
    user: CurrentUser,
    store: StoreDep,
    tags: TagsDep,
) -> Answer:
    """List the lists, a page at a time."""
    path = request.scope["path"]
    after = read_cursor(path, page, operations.POSITION_TYPES[page.sort.removeprefix("-")])
    listed = await store.read_long(
        operations.list_page,
        user.id,
        archived=page.archived,
        sort=page.sort,
        after=after,
        offset=page.offset,
        limit=page.limit,
        is_known=tags.client_has,
    )
    return page_answer(tags, path, page, listed)


@router.get(
    "/lists/{list_id}",
    response_model=ListPublic,
    response_description="The list.",
    responses=answers(200, "ETag") | not_modified() | problems(404),
)
async def get_list(list_id: ListId, user: CurrentUser, store: StoreDep, tags: TagsDep) -> Answer:
    """Read one list."""
    found = await store.read_long(operations.get, user.id, list_id)
    return tags.answer(as_json(found), state_of(found))


@router.patch(
    "/lists/{list_id}",
    response_model=ListPublic,
    response_description="The list as it is now.",
    responses=answers(200, "ETag", "Idempotent-Replayed") | write_problems(404, 412, 413, 415),
)
async def update_list(
    list_id: ListId, changes: ListUpdate, write: LongWrite, may_change: IfMatch
) -> Answer:
    """Change the fields that are sent; the others stay as they are."""
    return await write(_shown, operations.change, list_id, changes, may_change)


@router.delete(
    "/lists/{list_id}",
    status_code=204,
    response_model=None,
    response_description="It is gone, and its tasks are in the trash.",
    responses=answers(204, "Idempotent-Replayed") | write_problems(404, 412),
)
async def delete_list(list_id: ListId, write: LongWrite, may_change: IfMatch) -> Answer:
    """Delete a list and move its tasks to the trash. Undoing it brings all of them back."""
    return await write(_deleted, operations.remove, list_id, may_change)


def _created(shown: Row, tags: Tags) -> Answer:
    location = (b"location", f"/lists/{shown['id']}".encode())
    return Answer(201, as_json(shown), [JSON, location, *tags.headers(state_of(shown))])


def _shown(shown: Row, tags: Tags) -> Answer:
    return tags.shown(as_json(shown), state_of(shown))


def _deleted(_: None, _tags: Tags) -> Answer:
    return Answer(204)
