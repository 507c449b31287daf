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

Values = list[Any]
Step = Callable[[Request, Values], Any]
"""Appends one value to those before it; what it returns is awaited if it can be."""

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
    steps = plan.steps

    async def handle(request: Request) -> Answer:
        values: Values = []
        for step, is_async in steps:
            value = step(request, values)
            values.append(await value if is_async else value)
        answer: Answer = await endpoint(**{name: values[index] for name, index in arguments})
        return answer

    return handle


class _Plan:
    """The steps of one route, in order: dependencies first, so that 401 comes before 422."""

    def __init__(self) -> None:
        self.steps: list[tuple[Step, bool]] = []
        self._known: dict[Any, int] = {}
        self._reads_query = False

    def add_dependencies(self, dependant: Dependant) -> None:
        for dependency in dependant.dependencies:
            if dependency.call in self._known:
                continue
            self.add_dependencies(dependency)
            arguments = self.add_parameters(dependency)
            self._known[dependency.call] = self._add(*_call(dependency.call, arguments))

    def add_parameters(self, dependant: Dependant) -> list[tuple[str, int]]:
        """The steps that read what `dependant` asks for: its arguments, as places of values."""
        arguments = [
            (dependency.name, self._known[dependency.call])
            for dependency in dependant.dependencies
            if dependency.name
        ]
        if dependant.request_param_name:
            arguments.append((dependant.request_param_name, self._add(_the_request)))
        for field in dependant.path_params:
            annotation = field.field_info.annotation
            arguments.append((field.name, self._add(_path(field.alias, annotation))))
        arguments += [
            (field.name, self._add(_header(field.alias))) for field in dependant.header_params
        ]
        for field in dependant.query_params:
            self._reads_query = True
            arguments.append((field.name, self._add(_query(_model(field.field_info.annotation)))))
        for field in dependant.body_params:
            step = _body(_model(field.field_info.annotation))
            arguments.append((field.name, self._add(step, is_async=True)))
        if dependant.cookie_params or dependant.response_param_name:
            raise TypeError(f"{dependant.call} asks for what a compiled route has not")
        return arguments

    def check_query(self) -> None:
        """Refuse every query parameter where the route has none."""
        if not self._reads_query:
            self._add(_query(NoParameters))

    def _add(self, step: Step, is_async: bool = False) -> int:
        self.steps.append((step, is_async))
        return len(self.steps) - 1


def _call(function: Any, arguments: list[tuple[str, int]]) -> tuple[Step, bool]:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function.__qualname__} yields: what follows would run too late")

    def step(_: Request, values: Values) -> Any:
        return function(**{name: values[index] for name, index in arguments})

    return step, inspect.iscoroutinefunction(function)


def _model(annotation: Any) -> type[BaseModel]:
    if not (inspect.isclass(annotation) and issubclass(annotation, BaseModel)):
        raise TypeError(f"{annotation} is not a model")
    return annotation


def _the_request(request: Request, _: Values) -> Request:
    return request


def _path(name: str, annotation: Any) -> Step:
    def text(request: Request, _: Values) -> str:
        value: str = request.path_params[name]
        return value

    def number(request: Request, _: Values) -> int:
        value: str = request.path_params[name]
        if _ID.fullmatch(value) and (found := int(value)) <= _LARGEST_ID:
            return found
        message = "should be a whole number from 1 to 9223372036854775807"
        raise Validation([FieldError("path", name, message, "int_parsing")])

    return number if annotation is int else text


def _header(alias: str) -> Step:
    name = alias.lower().encode()

    def step(request: Request, _: Values) -> str | None:
        value = request.fields.get(name)
        return None if value is None else value.decode("latin-1")

    return step


def _query(model: type[BaseModel]) -> Step:
    reader = QueryReader(model)

    def step(request: Request, _: Values) -> BaseModel:
        return reader.read(request.scope["query_string"])

    return step


def _body(model: type[BaseModel]) -> Step:
    largest = getattr(model, "largest_body", MIB)

    async def step(request: Request, _: Values) -> BaseModel:
        content = await request.read(largest)
        if len(content) > LARGE:
            return await asyncio.to_thread(read_json, model, content)
        return read_json(model, content)

    return step
