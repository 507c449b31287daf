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
_POLICY = (
    b"content-security-policy",
    (
        b"default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        # Redoc puts its styles into empty style elements and one with the style of its scroll bars
        # (the second hash changes with its version: the browser's console says the new one).
        b"style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
        b"'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; "
        b"worker-src blob:; "  # Redoc's search
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)
"""Nothing from another host: Redoc would load its maker's logo from a CDN."""


@router.get("/openapi.json", response_model=None)
async def show_openapi(request: Request) -> Answer:
    """The OpenAPI document."""
    return json_answer(request.app.openapi())


@router.get("/docs", response_model=None)
async def show_docs() -> Answer:
    """The API to try out, with Swagger UI."""
    return Answer(200, _page("docs.html"), [_HTML, _POLICY])


@router.get("/redoc", response_model=None)
async def show_redoc() -> Answer:
    """The API to read, with Redoc."""
    return Answer(200, _page("redoc.html"), [_HTML, _POLICY])


def assets() -> Mount:
    """The pages' scripts and styles, from the package."""
    return Mount("/docs-assets", StaticFiles(packages=[("taskhold", "docs_assets")]))


def _page(name: str) -> bytes:
    return resources.files("taskhold.http").joinpath(name).read_bytes()
