"""Tags over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from taskhold.accounts.access import CurrentUser
from taskhold.http.answers import Answer, json_answer
from taskhold.http.conditional import Tags, TagsDep
from taskhold.http.once import LongWrite
from taskhold.http.openapi import answers, not_modified, problems, write_problems
from taskhold.http.pages import Page, page_answer, read_cursor
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.store import StoreDep
from taskhold.shapes import Number
from taskhold.store import Row
from taskhold.tags import operations
from taskhold.tags.models import TagPublic, TagUpdate

router = APIRouter(route_class=Route, tags=["tags"])

MOST = 500


class TagPage(Page):
    """Which part of the tags."""

    limit: Number = Field(default=MOST, ge=1, le=MOST, description="How many at the most.")


@router.get(
    "/tags",
    response_model=list[TagPublic],
    response_description="The tags, as a bare array.",
    responses=answers(200, "ETag", "Link") | not_modified() | problems(),
)
async def list_tags(
    page: Annotated[TagPage, Query()],
    request: Request,
    user: CurrentUser,
    store: StoreDep,
    tags: TagsDep,
) -> Answer:
    """List the tags in use, by their names, with how many open tasks bear each."""
    path = request.scope["path"]
    after = read_cursor(path, page, (str,))
    listed = await store.read_long(
        operations.list_page,
        user.id,
        after=after[0] if after else "",
        offset=page.offset,
        limit=page.limit,
        is_known=tags.client_has,
    )
    return page_answer(tags, path, page, listed)


@router.patch(
    "/tags/{tag}",
    response_model=TagPublic,
    response_description="The tag as it is now.",
    responses=answers(200, "Idempotent-Replayed") | write_problems(404, 413, 415),
)
async def rename_tag(
    tag: Annotated[str, Path(description="The tag, in any spelling.", examples=["home"])],
    new: TagUpdate,
    write: LongWrite,
) -> Answer:
    """Rename a tag in all tasks that bear it. Where the new one is in use, the two become one."""
    return await write(_shown, operations.rename, tag, new)


def _shown(tag: Row, _: Tags) -> Answer:
    return json_answer(tag)
