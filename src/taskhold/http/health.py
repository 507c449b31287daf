"""Is it alive, is it ready, and what does a problem mean."""

from typing import Annotated

from fastapi import APIRouter, Path

from taskhold.errors import NotFound, kinds_of_problem
from taskhold.http.answers import Answer, json_answer
from taskhold.http.openapi import Responses, problems
from taskhold.http.route import Route
from taskhold.http.store import StoreDep

router = APIRouter(route_class=Route, tags=["server"])

_STATUS: Responses = {
    200: {"content": {"application/json": {"example": {"status": "ok"}}}},
}


@router.get("/healthz", responses=_STATUS, response_description="It runs.")
async def is_alive() -> Answer:
    """Tell whether the process lives; it needs no login and no database."""
    return json_answer({"status": "ok"})


@router.get("/readyz", responses=_STATUS, response_description="It can serve.")
async def is_ready(store: StoreDep) -> Answer:
    """Tell whether the database answers and is migrated; it needs no login."""
    await store.check()
    return json_answer({"status": "ok"})


@router.get("/problems/{name}", response_description="What it means.", responses=problems(404))
async def explain_problem(name: Annotated[str, Path(examples=["validation"])]) -> Answer:
    """Explain what the `type` of a problem means."""
    for kind in kinds_of_problem():
        if kind.name == name:
            return json_answer(
                {"type": f"/problems/{name}", "title": kind.title, "status": kind.status}
                | {"meaning": kind.meaning}
            )
    raise NotFound("Problem")
