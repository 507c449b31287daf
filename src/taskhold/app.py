"""The application: everything put together, nothing opened yet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

import taskhold.tables  # noqa: F401  an account is removed from each of them
from taskhold import __version__
from taskhold.accounts.access import current_user, open_mode_allowed, signed_in
from taskhold.accounts.passwords import Passwords
from taskhold.accounts.routes import router as accounts_router
from taskhold.accounts.usage import Usage
from taskhold.audit.routes import router as audit_router
from taskhold.care.schedule import Backups
from taskhold.http import docs, health, metrics, openapi
from taskhold.http.cors import Cors
from taskhold.http.dispatch import Dispatch
from taskhold.http.frame import Frame
from taskhold.http.route import Route
from taskhold.http.site import Site
from taskhold.journal.feed import Feed
from taskhold.journal.models import EXAMPLE_CHANGE, EXAMPLE_UNDOING
from taskhold.journal.routes import router as journal_router
from taskhold.lists.routes import router as lists_router
from taskhold.metrics import Metrics
from taskhold.sessions.routes import router as sessions_router
from taskhold.settings import Settings
from taskhold.store import open_store
from taskhold.tags.routes import router as tags_router
from taskhold.tasks.models import EXAMPLE_TASK
from taskhold.tasks.routes import router as tasks_router
from taskhold.tokens.routes import router as tokens_router
from taskhold.trash.models import EXAMPLE_TRASHED_TASK
from taskhold.trash.routes import router as trash_router
from taskhold.undo.routes import router as undo_router
from taskhold.upkeep import Upkeep
from taskhold.web.help import routes as help_routes
from taskhold.web.routes import routes as page_routes

DESCRIPTION = """\
A task server that keeps what you save: a 2xx to a write leaves only after the change is on disk.

Send an `Idempotency-Key` with a write to make repeating it safe, and `If-Match` to change only
what you have read. Follow everything that happens with `/changes`.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """An app with these settings, or those of the environment. Opens the store on first use."""
    settings = settings or Settings.from_environment()
    app = FastAPI(
        title="Taskhold",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=_lifespan,
        openapi_url=None,
        telemetry=_NO_TELEMETRY,
    )
    app.state.settings = settings
    app.state.open_mode = open_mode_allowed(settings)
    app.state.is_set_up = False
    """Once there is an account, there always is."""
    app.state.site = Site(settings)
    app.state.passwords = Passwords()
    app.state.usage = Usage()
    app.state.store = open_store(settings.database_url)
    for router in (
        tasks_router,
        lists_router,
        tags_router,
        trash_router,
        journal_router,
        undo_router,
        sessions_router,
        tokens_router,
        accounts_router,
        audit_router,
        health.router,
        metrics.router,
        docs.router,
    ):
        app.router.routes.extend(router.routes)
    app.router.routes += [docs.assets(), *help_routes(), *page_routes()]
    openapi.complete(
        app,
        _EXAMPLES,
        {signed_in: openapi.WHO_LOGGED_IN, current_user: openapi.ANYBODY_KNOWN},
    )
    routes = [route for route in app.router.routes if isinstance(route, Route)]
    counted = app.state.metrics = _counting(routes)
    app.state.store.meters = counted.store
    app.state.feed = Feed(app.state.store, counted.server.streams)
    app.state.backups = Backups(settings, counted.server)
    # Set here instead of built on the first request: FastAPI's own stack costs 20 µs a request
    # and answers some errors as plain text. Frame does what it does.
    app.middleware_stack = Frame(
        Dispatch(routes),
        app.router,
        cors=Cors(settings.other_origins),
        counting_others=counted.others,
        log_requests=settings.log_requests,
        public_url=settings.public_url,
    )
    return app


def _counting(routes: list[Route]) -> Metrics:
    """What counts the requests to each route, by method; HEAD comes with GET."""
    methods = [
        (route, method)
        for route in routes
        for named in sorted(route.methods or ())
        for method in ((named, "HEAD") if named == "GET" else (named,))
    ]
    counted = Metrics((method, route.path) for route, method in methods)
    for route, method in methods:
        route.counting[method] = counted.requests[method, route.path]
    return counted


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await app.state.store.start()
    upkeep = Upkeep(app.state.store, app.state.settings, app.state.backups)
    upkeep.start()
    yield
    await upkeep.stop()
    await app.state.store.stop()


_EXAMPLES: dict[str, Any] = {
    "TaskPublic": EXAMPLE_TASK,
    "TrashedTaskPublic": EXAMPLE_TRASHED_TASK,
    "BatchResults": {"results": [EXAMPLE_TASK, None]},
    "ChangePublic": EXAMPLE_CHANGE,
    "Changes": {"changes": [EXAMPLE_CHANGE], "cursor": EXAMPLE_CHANGE["seq"], "more": False},
    "Undone": {"changes": [EXAMPLE_UNDOING]},
}
"""Of what has nulls in it."""
_NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
