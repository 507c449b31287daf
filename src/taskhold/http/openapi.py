"""What the OpenAPI document says beyond what FastAPI reads from the signatures."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from taskhold.errors import Problem, kinds_of_problem
from taskhold.shapes import LARGEST_ID

Responses = dict[int | str, dict[str, Any]]

_REQUEST_ID = {
    "description": "Names this request in the server's log; the client's own, if it sent one.",
    "schema": {"type": "string"},
}
_HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "The version of what is shown, for If-Match and If-None-Match.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where the new object is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": 'The next page, as `<…>; rel="next"`; absent on the last.',
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true` where this is the kept answer to an earlier request with the key.",
        "schema": {"type": "string", "const": "true"},
    },
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": {"type": "integer"},
    },
    "WWW-Authenticate": {
        "description": "How to say who you are.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "Only the client's own cache may keep it, and has to ask whether it holds.",
        "schema": {"type": "string", "const": "private, no-cache"},
    },
    "Vary": {
        "description": "What else in a request decides about the answer.",
        "schema": {"type": "string"},
    },
    "Set-Cookie": {
        "description": "The session's cookie.",
        "schema": {"type": "string"},
    },
    "Accept": {
        "description": "The media type that a POST takes.",
        "schema": {"type": "string"},
    },
    "Accept-Patch": {
        "description": "The media types that a PATCH takes (RFC 5789).",
        "schema": {"type": "string"},
    },
}
_WITH = {"ETag": ("ETag", "Cache-Control", "Vary")}
"""Headers that come together."""
_OF_STATUS = {
    401: ["WWW-Authenticate"],
    412: ["ETag"],
    415: ["Accept", "Accept-Patch"],
    429: ["Retry-After"],
    503: ["Retry-After"],
    507: ["Retry-After"],
}


def answers(status: int, *names: str) -> Responses:
    """An answer with these headers."""
    return {status: _headers(*names)}


def _headers(*names: str) -> dict[str, Any]:
    sent = [each for name in names for each in _WITH.get(name, (name,))]
    return {"headers": {name: _HEADERS[name] for name in sent}}


def not_modified() -> Responses:
    """304, for routes with an ETag."""
    return {304: {"description": "The client has it: If-None-Match names it.", **_headers("ETag")}}


def problems(*statuses: int, public: bool = False) -> Responses:
    """The problems that a route may answer, beside those that every route may."""
    kinds = kinds_of_problem()
    found: Responses = {}
    of_every_route = {422, 500, 503} if public else {401, 422, 500, 503}
    for status in sorted({*of_every_route, *statuses}):
        named = [kind for kind in kinds if kind.status == status]
        found[status] = {
            "description": " / ".join(kind.title for kind in named) or "Not found",
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": _examples(named) or {"not-found": _NOT_FOUND},
                }
            },
            **_headers(*_OF_STATUS.get(status, [])),
        }
    return found


def write_problems(*statuses: int) -> Responses:
    """The problems that a write may answer."""
    return problems(400, 403, 507, *statuses)


_NOT_FOUND = {"value": {"detail": "Task not found"}}


def _examples(kinds: Iterable[type[Problem]]) -> dict[str, Any]:
    examples = {}
    for kind in kinds:
        value: dict[str, Any] = {
            "type": f"/problems/{kind.name}",
            "title": kind.title,
            "status": kind.status,
            "detail": kind.meaning.partition(". ")[0],
        }
        if kind.name == "validation":
            error = {"in": "body", "field": "title", "message": "is required", "code": "required"}
            value |= {"detail": "title: is required", "errors": [error]}
        examples[str(kind.name)] = {"summary": kind.title, "value": value}
    return examples


_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "What went wrong (RFC 9457). A plain 404 or 405 has `detail` alone.",
    "required": ["detail"],
    "properties": {
        "type": {"type": "string", "description": "Names the kind; a GET on it explains it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence that a person can act on."},
        "errors": {
            "type": "array",
            "description": "What a validation problem found.",
            "items": {
                "type": "object",
                "required": ["in", "field", "message", "code"],
                "properties": {
                    "in": {"enum": ["body", "query", "path", "header"]},
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
        "current": {
            "description": "The present state, where If-Match named another version.",
            "anyOf": [
                {"$ref": "#/components/schemas/TaskPublic"},
                {"$ref": "#/components/schemas/ListPublic"},
            ],
        },
        "conflict": {
            "type": "object",
            "description": "The later change that is in the way of an undo.",
            "required": ["seq"],
            "properties": {"seq": {"type": "integer"}},
        },
        "operation": {"type": "integer", "description": "Which one of a batch failed."},
    },
}


_SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token, `thk_…`: from `taskhold token add`, the page, or `POST /tokens`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "taskhold",
        "description": "The cookie that `POST /login` sets. Over https its name begins with "
        "`__Host-`, below a path with `__Secure-`.",
    },
}
ANYBODY_KNOWN: list[dict[str, list[str]]] = [{"token": []}, {"session": []}, {}]
"""A token, a session, or neither in open mode: alternatives, as OpenAPI has them."""
WHO_LOGGED_IN: list[dict[str, list[str]]] = [{"session": []}]


def complete(
    app: FastAPI,
    examples: Mapping[str, Any],
    security: Mapping[Callable[..., Any], list[dict[str, list[str]]]],
) -> None:
    """Make `app.openapi()` say all of it.

    `examples` are of schemas, by name: FastAPI takes every null out of what it describes itself.
    `security` says of dependencies who gets past them; the first that a route has counts.
    """
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = describe()
            _add(document)
            document["components"]["securitySchemes"] = _SECURITY
            for route in app.routes:
                if isinstance(route, APIRoute) and route.include_in_schema:
                    asked = set(_dependencies(route.dependant))
                    let_in = next((security[call] for call in security if call in asked), [])
                    for method in route.methods or ():
                        document["paths"][route.path][method.lower()]["security"] = let_in
            for name, example in examples.items():
                document["components"]["schemas"][name]["example"] = example
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _dependencies(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    for each in dependant.dependencies:
        yield each.call
        yield from _dependencies(each)


def _add(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _count_exactly(document)
    for operations in document["paths"].values():
        for method, operation in operations.items():
            for answer in operation["responses"].values():
                answer.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID
            for parameter in operation.get("parameters", ()):
                _drop_null(parameter["schema"])
            content = operation.get("requestBody", {}).get("content", {})
            if method == "patch":
                content["application/merge-patch+json"] = content["application/json"]


def _count_exactly(node: Any) -> None:
    """FastAPI makes floats of all bounds, and the largest id is none."""
    if isinstance(node, list):
        for child in node:
            _count_exactly(child)
    elif isinstance(node, dict):
        for name, child in node.items():
            if name in ("minimum", "maximum") and isinstance(child, float):
                node[name] = min(int(child), LARGEST_ID)
            else:
                _count_exactly(child)


def _drop_null(schema: dict[str, Any]) -> None:
    """A parameter is absent or has a value; there is no null to send."""
    if "anyOf" in schema:
        kinds = [choice for choice in schema.pop("anyOf") if choice != {"type": "null"}]
        schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})
