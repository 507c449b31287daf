"""Pages of tasks, and the cursors in their links."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2

Tasks = list[dict[str, Any]]


def walk(client: httpx2.Client, **parameters: Any) -> Iterator[Tasks]:
    """The pages of `/tasks`, from the first to the one without a Link."""
    page = client.get("/tasks", params=parameters)
    assert page.status_code == 200, page.text
    yield page.json()
    pages = 1
    while following := page.links.get("next", {}).get("url"):
        pages += 1
        assert pages < 5000, "the pages have no end"
        page = client.get(following)
        assert page.status_code == 200, page.text
        yield page.json()


def cursor_of(answer: httpx2.Response) -> str:
    return httpx2.URL(answer.links["next"]["url"]).params["after"]


def encode(content: Any) -> str:
    """A cursor, or what looks like one."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def decode(cursor: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(cursor + "=="))


def check_refused(answer: httpx2.Response) -> None:
    """It is the cursor that is refused."""
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["in"], error["field"]) == ("query", "after")
