"""The journal over HTTP."""

import re
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from taskhold.accounts.access import CurrentUser, is_let_in
from taskhold.errors import FieldError, Validation
from taskhold.http.answers import JSON, Answer
from taskhold.http.events import EventStream
from taskhold.http.openapi import problems
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.site import SiteDep
from taskhold.http.store import StoreDep
from taskhold.journal import operations
from taskhold.journal.feed import Feed
from taskhold.journal.models import Changes
from taskhold.journal.rendering import changes_as_json
from taskhold.shapes import Number

router = APIRouter(route_class=Route, tags=["journal"])

_EVENT_ID = re.compile("[0-9]{1,18}")
_EVENT = {
    "type": "object",
    "description": "One event. Comments between them say that the stream lives.",
    "required": ["event", "id", "data"],
    "properties": {
        "event": {"const": "change"},
        "id": {"type": "string", "description": "The change's `seq`.", "pattern": "^[0-9]+$"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/ChangePublic"},
        },
    },
}


class _Events(Response):
    """For the OpenAPI document alone."""

    media_type = "text/event-stream"


def feed(request: Request) -> Feed:
    """The app's feed."""
    found: Feed = request.app.state.feed
    return found


FeedDep = Annotated[Feed, Depends(feed)]


class EventsAfter(BaseModel):
    """Where to begin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Number | None = Field(
        default=None, ge=0, le=2**63 - 1, description="The `cursor` of the last answer."
    )


class ChangesAfter(EventsAfter):
    """Which changes."""

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


@router.get(
    "/events",
    response_class=_Events,
    response_model=None,
    response_description="`event: change`, `id:` its `seq`, `data:` a change as in `/changes`; a "
    "comment every 15 seconds. It has no end.",
    responses=problems(410) | {200: {"content": {"text/event-stream": {"schema": _EVENT}}}},
)
async def follow_changes(
    *,
    wanted: Annotated[EventsAfter, Query()],
    request: Request,
    user: CurrentUser,
    store: StoreDep,
    site: SiteDep,
    feed: FeedDep,
    last_event_id: Annotated[
        str | None,
        Header(
            description="The `id` of the last event that came; a browser sends it by itself.",
            json_schema_extra={"pattern": "^[0-9]{1,18}$"},
        ),
    ] = None,
) -> Answer:
    """Follow what happens as server-sent events, from `after` on, or from now.

    Nothing is told twice or left out. Where the stream ends, begin again with `Last-Event-ID`.
    """
    after = wanted.after
    if last_event_id is not None:
        if not _EVENT_ID.fullmatch(last_event_id):
            error = FieldError("header", "Last-Event-ID", "is not the id of an event", "event_id")
            raise Validation([error])
        after = int(last_event_id)
    reader = await feed.follow(user.id, after, partial(is_let_in, request, store, site))
    return EventStream(reader, request.receive)
