"""The OpenAPI document and the two pages that show it, with assets of our own."""

from importlib import resources

from fastapi import APIRouter
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from taskhold.http.answers import Answer, json_answer
from taskhold.http.request import Request
from taskhold.http.route import Route

router = APIRouter(route_class=Route, include_in_schema=False)

_HTML = (b"content-type", b"text/html; charset=utf-8")


@router.get("/openapi.json", response_model=None)
async def show_openapi(request: Request) -> Answer:
    """The OpenAPI document."""
    return json_answer(request.app.openapi())


@router.get("/docs", response_model=None)
async def show_docs() -> Answer:
    """The API to try out, with Swagger UI."""
    return Answer(200, _page("docs.html"), [_HTML])


@router.get("/redoc", response_model=None)
async def show_redoc() -> Answer:
    """The API to read, with Redoc."""
    return Answer(200, _page("redoc.html"), [_HTML])


def assets() -> Mount:
    """The pages' scripts and styles, from the package."""
    return Mount("/docs-assets", StaticFiles(packages=[("taskhold", "docs_assets")]))


def _page(name: str) -> bytes:
    return resources.files("taskhold").joinpath("docs_assets", name).read_bytes()
