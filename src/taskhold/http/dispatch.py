"""From a method and a path to a route: looked up, not tried one after the other."""

from collections.abc import Iterable
from typing import NamedTuple

from taskhold.errors import MethodNotAllowed
from taskhold.http.route import Route


class _Place(NamedTuple):
    """A path with its routes by method."""

    parts: tuple[str, ...]
    routes: dict[str, Route]

    def match(self, parts: list[str]) -> dict[str, str] | None:
        values = {}
        for mine, given in zip(self.parts, parts, strict=True):
            if mine.startswith("{") and given:
                values[mine[1:-1]] = given
            elif mine != given:
                return None
        return values


class Dispatch:
    """All routes. Literal paths win over those with parameters: /tasks/count over /tasks/{id}."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._literal: dict[str, dict[str, Route]] = {}
        self._by_length: dict[int, list[_Place]] = {}
        places: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_method = places.setdefault(route.path, {})
            for method in route.methods or ():
                by_method[method] = route
            if "GET" in by_method:
                by_method["HEAD"] = by_method["GET"]
        for path, by_method in places.items():
            if "{" in path:
                parts = tuple(path.split("/"))
                self._by_length.setdefault(len(parts), []).append(_Place(parts, by_method))
            else:
                self._literal[path] = by_method

    def find(self, method: str, path: str, parts: list[str]) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters; None where no route has the path.

        Raises MethodNotAllowed, with every method that the path has.
        """
        by_method, values = self._literal.get(path), {}
        if by_method is None:
            for place in self._by_length.get(len(parts), ()):
                matched = place.match(parts)
                if matched is not None:
                    by_method, values = place.routes, matched
                    break
            else:
                return None
        route = by_method.get(method)
        if route is None:
            raise MethodNotAllowed(", ".join(sorted(by_method)))
        return route, values
