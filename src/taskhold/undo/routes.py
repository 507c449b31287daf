"""Undo over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from taskhold.http.answers import JSON, Answer
from taskhold.http.conditional import Tags
from taskhold.http.once import LongWrite
from taskhold.http.openapi import answers, write_problems
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.journal.models import Undone
from taskhold.journal.rendering import changes_as_json
from taskhold.shapes import LARGEST_ID
from taskhold.store import Row
from taskhold.undo import operations

router = APIRouter(route_class=Route, tags=["journal"])

Seq = Annotated[
    int, Path(ge=1, le=LARGEST_ID, description="The `seq` of any change of it.", examples=[2])
]


@router.post(
    "/changes/{seq}/undo",
    response_model=Undone,
    response_description="The changes that this made.",
    responses=answers(200, "Idempotent-Replayed") | write_problems(404, 409, 410, 413, 415),
)
async def undo_change(seq: Seq, request: Request, write: LongWrite) -> Answer:
    """Reverse the whole operation that a change belongs to, or nothing.

    It is reversed by a new operation, marked `undoes`; undoing that one does it again.
    """
    await request.read_nothing()
    return await write(_undone, operations.undo, seq)


def _undone(changes: list[Row], _: Tags) -> Answer:
    return Answer(200, b'{"changes":%s}' % changes_as_json(changes), [JSON])
