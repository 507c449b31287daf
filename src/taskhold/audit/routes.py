"""The audit trail over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from taskhold.accounts.access import Admin
from taskhold.audit import operations
from taskhold.audit.models import AuditEntryPublic
from taskhold.http.answers import Answer, json_answer
from taskhold.http.openapi import answers, problems
from taskhold.http.pages import Page, link_to_next, read_cursor
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.store import StoreDep

router = APIRouter(route_class=Route, tags=["accounts"])


class AuditPage(Page):
    """Which part of the trail."""


@router.get(
    "/audit",
    response_model=list[AuditEntryPublic],
    response_description="What happened, newest first.",
    responses=answers(200, "Link") | problems(403),
)
async def list_audit(
    page: Annotated[AuditPage, Query()], request: Request, _: Admin, store: StoreDep
) -> Answer:
    """List what happened to accounts, newest first. For admins."""
    path = request.scope["path"]
    after = read_cursor(path, page, (int,))
    found = await store.read_long(
        operations.newest,
        before_id=after[0] if after else 2**63 - 1,
        offset=page.offset,
        limit=page.limit,
    )
    answer = json_answer(found[: page.limit])
    if len(found) > page.limit:
        answer.headers.append(link_to_next(path, page, [found[page.limit - 1]["id"]]))
    return answer
