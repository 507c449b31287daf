"""Is it alive, is it ready, and what does a problem mean."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from taskhold.errors import NotFound, kinds_of_problem
from taskhold.http.answers import Answer, json_answer
from taskhold.http.openapi import problems
from taskhold.http.route import Route
from taskhold.http.store import StoreDep

router = APIRouter(route_class=Route, tags=["server"])

_FOR_EVERYBODY = problems(public=True)


class Status(BaseModel):
    """All is well; a problem says what isn't."""

    status: Literal["ok"] = "ok"


class ProblemMeaning(BaseModel):
    """What the `type` of a problem means."""

    type: str = Field(examples=["/problems/validation"])
    title: str
    status: int
    meaning: str


@router.get(
    "/healthz",
    response_model=Status,
    responses=_FOR_EVERYBODY,
    response_description="It runs.",
)
async def is_alive() -> Answer:
    """Tell whether the process lives; it needs no login and no database."""
    return json_answer({"status": "ok"})


@router.get(
    "/readyz",
    response_model=Status,
    responses=_FOR_EVERYBODY,
    response_description="It can serve.",
)
async def is_ready(store: StoreDep) -> Answer:
    """Tell whether the database answers and is migrated; it needs no login."""
    await store.check()
    return json_answer({"status": "ok"})


@router.get(
    "/problems/{name}",
    response_model=ProblemMeaning,
    response_description="What it means.",
    responses=problems(404, public=True),
)
async def explain_problem(
    name: Annotated[str, Path(description="The last part of the `type`.", examples=["validation"])],
) -> Answer:
    """Explain what the `type` of a problem means."""
    for kind in kinds_of_problem():
        if kind.name == name:
            return json_answer(
                {"type": f"/problems/{name}", "title": kind.title, "status": kind.status}
                | {"meaning": kind.meaning}
            )
    raise NotFound("Problem")
