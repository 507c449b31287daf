"""The journal over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from taskhold.accounts.access import CurrentUser
from taskhold.http.answers import JSON, Answer
from taskhold.http.openapi import problems
from taskhold.http.query import Number
from taskhold.http.route import Route
from taskhold.http.store import StoreDep
from taskhold.journal import operations
from taskhold.journal.models import Changes
from taskhold.journal.rendering import changes_as_json

router = APIRouter(route_class=Route, tags=["journal"])


class ChangesAfter(BaseModel):
    """Which changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Number | None = Field(
        default=None, ge=0, le=2**63 - 1, description="The `cursor` of the last answer."
    )
    limit: Number = Field(default=100, ge=1, le=500, description="How many at the most.")


@router.get(
    "/changes",
    response_model=Changes,
    response_description="The changes, oldest first, and the cursor to go on with.",
    responses=problems(410),
)
async def list_changes(
    wanted: Annotated[ChangesAfter, Query()], user: CurrentUser, store: StoreDep
) -> Answer:
    """Follow what happens. Start without `after`: that gives the present cursor and no changes.

    Then read the tasks, and ask again with the cursor. Nothing is told twice or left out.
    """
    page = await store.read(operations.changes_after, user.id, wanted.after, wanted.limit)
    body = b'{"changes":%s,"cursor":%d,"more":%s}' % (
        changes_as_json(page.changes),
        page.cursor,
        b"true" if page.more else b"false",
    )
    return Answer(200, body, [JSON])
