"""Routes that FastAPI describes and that run without it.

A route is written as FastAPI has it: a signature of path, query, header and body parameters and
`Depends`. FastAPI reads that signature once, for the OpenAPI document. But solving it for each
request costs about 80 µs (`docs/decisions/0002-compiled-routes.md`), and its own readers
answer 500 to a lone surrogate. So `Route` turns the signature into a list of steps once, and runs
those, with our strict readers.

What a signature may hold: a `Request`, path parameters of type int or str, headers of type
`str | None`, one model of query parameters, one model as the body, and dependencies made of the
same. Anything else stops the start.
"""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from taskhold.errors import FieldError, Validation
from taskhold.http.answers import Answer
from taskhold.http.body import read_json
from taskhold.http.query import NoParameters, QueryReader
from taskhold.http.request import MIB, Request
from taskhold.metrics import Requests

LARGE = 65_536
"""Bytes of a body that takes so long to read, about a millisecond, that others shall go on."""

Read = Callable[[Request], Any]
"""Reads one argument of a request; what it returns is awaited if it can be."""

Counting = dict[str, Requests]
"""Where requests to a route are counted, by method."""
_ID = re.compile(r"[1-9][0-9]{0,18}")
_LARGEST_ID = 2**63 - 1


class Route(APIRoute):
    """A route whose signature is compiled into steps."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if isinstance(options.get("response_model"), DefaultPlaceholder):
            options["response_model"] = None  # not what the endpoint returns: an Answer is no model
        options["operation_id"] = options.get("operation_id") or endpoint.__name__
        super().__init__(path, endpoint, **options)
        self.handle_request = _compile(self.dependant)
        self.counting: Counting = {}


def _compile(dependant: Dependant) -> Callable[[Request], Awaitable[Answer]]:
    plan = _Plan()
    plan.add_dependencies(dependant)
    arguments = plan.add_parameters(dependant)
    plan.check_query()
    endpoint = dependant.call
    assert endpoint is not None
    if not inspect.iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__qualname__} has to be an async def")
    return plan.written_out(endpoint, arguments)


class _Plan:
    """The steps of one route, in order: dependencies first, so that 401 comes before 422.

    Each is a line of a function that is written out and evaluated once, as `dataclasses` does it:
    a loop over the steps costs as much again as what they do.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._names: dict[str, Any] = {}
        self._known: dict[Any, str] = {}
        self._reads_query = False

    def add_dependencies(self, dependant: Dependant) -> None:
        for dependency in dependant.dependencies:
            call = dependency.call
            if call in self._known:
                continue
            if inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call):
                raise TypeError(f"{call.__qualname__} yields: what follows would run too late")
            self.add_dependencies(dependency)
            arguments = self.add_parameters(dependency)
            self._known[call] = self._add(call, arguments)

    def add_parameters(self, dependant: Dependant) -> dict[str, str]:
        """The steps that read what `dependant` asks for: its arguments, by the names of values."""
        arguments = {
            dependency.name: self._known[dependency.call]
            for dependency in dependant.dependencies
            if dependency.name
        }
        if dependant.request_param_name:
            arguments[dependant.request_param_name] = "request"
        for field in dependant.path_params:
            arguments[field.name] = self._read(_path(field.alias, field.field_info.annotation))
        for field in dependant.header_params:
            arguments[field.name] = self._read(_header(field.alias))
        for field in dependant.query_params:
            self._reads_query = True
            arguments[field.name] = self._read(_query(_model(field.field_info.annotation)))
        for field in dependant.body_params:
            arguments[field.name] = self._read(_body(_model(field.field_info.annotation)))
        if dependant.cookie_params or dependant.response_param_name:
            raise TypeError(f"{dependant.call} asks for what a compiled route has not")
        return arguments

    def check_query(self) -> None:
        """Refuse every query parameter where the route has none."""
        if not self._reads_query:
            self._read(_query(NoParameters))

    def written_out(
        self, endpoint: Any, arguments: dict[str, str]
    ) -> Callable[[Request], Awaitable[Answer]]:
        """All steps, and the endpoint at their end."""
        body = [*self._lines, f"return await {_call('endpoint', arguments)}"]
        source = "async def handle(request):\n" + "".join(f"    {line}\n" for line in body)
        names = self._names | {"endpoint": endpoint}
        exec(source, names)  # noqa: S102, the names of our own parameters
        handle: Callable[[Request], Awaitable[Answer]] = names["handle"]
        return handle

    def _read(self, read: Read) -> str:
        return self._add(read, {"request": "request"})

    def _add(self, function: Any, arguments: dict[str, str]) -> str:
        """A step that calls a function; the name of its value."""
        number = len(self._lines)
        value, name = f"value_{number}", f"step_{number}"
        self._names[name] = function
        awaited = "await " if inspect.iscoroutinefunction(function) else ""
        self._lines.append(f"{value} = {awaited}{_call(name, arguments)}")
        return value


def _call(name: str, arguments: dict[str, str]) -> str:
    return f"{name}({', '.join(f'{name}={value}' for name, value in arguments.items())})"


def _model(annotation: Any) -> type[BaseModel]:
    if not (inspect.isclass(annotation) and issubclass(annotation, BaseModel)):
        raise TypeError(f"{annotation} is not a model")
    return annotation


def _path(name: str, annotation: Any) -> Read:
    def text(request: Request) -> str:
        value: str = request.path_params[name]
        return value

    def number(request: Request) -> int:
        value: str = request.path_params[name]
        if _ID.fullmatch(value) and (found := int(value)) <= _LARGEST_ID:
            return found
        message = "should be a whole number from 1 to 9223372036854775807"
        raise Validation([FieldError("path", name, message, "int_parsing")])

    return number if annotation is int else text


def _header(alias: str) -> Read:
    name = alias.lower().encode()

    def header(request: Request) -> str | None:
        value = request.fields.get(name)
        return None if value is None else value.decode("latin-1")

    return header


def _query(model: type[BaseModel]) -> Read:
    reader = QueryReader(model)

    def query(request: Request) -> BaseModel:
        return reader.read(request.scope["query_string"])

    return query


def _body(model: type[BaseModel]) -> Read:
    largest = getattr(model, "largest_body", MIB)

    async def body(request: Request) -> BaseModel:
        content = await request.read(largest)
        if len(content) > LARGE:
            return await asyncio.to_thread(read_json, model, content)
        return read_json(model, content)

    return body
