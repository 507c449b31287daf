"""What the server has counted, for Prometheus."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import PlainTextResponse

from taskhold import __version__
from taskhold.accounts.access import OPEN_USER, CurrentUser
from taskhold.accounts.errors import Forbidden
from taskhold.http.answers import Answer
from taskhold.http.openapi import problems
from taskhold.http.request import Request
from taskhold.http.route import Route
from taskhold.http.store import StoreDep
from taskhold.metrics import CONTENT_TYPE, Metrics, Sample

router = APIRouter(route_class=Route, tags=["server"])


def metrics(request: Request) -> Metrics:
    """The app's."""
    found: Metrics = request.app.state.metrics
    return found


MetricsDep = Annotated[Metrics, Depends(metrics)]


def watcher(user: CurrentUser) -> None:
    """Raises Forbidden for everybody but admins and their tokens, and the callers of open mode."""
    if user is not OPEN_USER and not user.admin:
        raise Forbidden("Only an admin, or an admin's token, may read this.")


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    response_model=None,
    response_description="The numbers, in Prometheus' text format.",
    responses=problems(403),
)
async def read_metrics(
    _: Annotated[None, Depends(watcher)], request: Request, store: StoreDep, metrics: MetricsDep
) -> Answer:
    """Read what the server has counted, for Prometheus. For admins and their tokens."""
    samples = [
        Sample("taskhold_info", "This Taskhold.", 1, {"version": __version__}),
        *(Sample(*each) for each in store.sizes()),
        *request.app.state.backups.samples(),
    ]
    return Answer(200, metrics.text(samples), [(b"content-type", CONTENT_TYPE)])
