"""A page costs as many SQL statements whether it shows nothing or much."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from taskhold.journal import operations as journal
from taskhold.store import Tx
from taskhold.store.postgres.transaction import PostgresTx
from taskhold.store.query import Query
from taskhold.store.sqlite.store import SQLiteTx
from tests.support.tasks import wait_until

PATHS = [
    *("/tasks", "/tasks?limit=500", "/tasks?sort=-due", "/tasks?sort=title&done=false"),
    *("/tasks?tag=home", "/tasks?tag=home&tag=garden&priority=high", "/tasks?list_id=1"),
    *("/tasks?parent_id=none&sort=position", "/tasks?due_before=2030-01-01&list_id=none"),
    *("/tasks?q=paint", "/tasks?q=paint%20wall&sort=-title", "/tasks?limit=5", "/tasks?offset=3"),
    *("/tasks/count", "/tasks/count?tag=home&q=paint", "/lists", "/tags", "/trash"),
]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """What the server asks its database from now on."""
    heard: list[Query] = []

    def heard_by(method: Callable[..., Any]) -> Callable[..., Any]:
        async def ask(tx: Tx, query: Query, /, *rows: Any, **parameters: Any) -> Any:
            heard.append(query)
            return await method(tx, query, *rows, **parameters)

        return ask

    for kind, names in ((SQLiteTx, ("one", "all", "run", "many")), (PostgresTx, ("all", "run"))):
        for name in names:
            monkeypatch.setattr(kind, name, heard_by(getattr(kind, name)))
    return heard


def test_a_page_costs_as_many_statements_whatever_it_shows(
    statements: list[Query], client: httpx2.Client, database_url: str
) -> None:
    def asked(path: str) -> list[Query]:
        statements.clear()
        assert client.get(path).status_code == 200
        return statements.copy()

    # the server's own upkeep is done for an hour with what it asks last
    wait_until(lambda: journal.OLD in statements)
    has_trips = database_url.startswith("postgresql")
    # is there an account; the newest change; the page
    assert len(asked("/tasks")) == (4 if has_trips else 3)  # the page is tried first there
    for name in ("Home", "Work"):
        client.post("/lists", json={"name": name})
    add_tasks(client, 10)
    assert client.delete("/tasks/1").status_code == 204
    few = {path: asked(path) for path in PATHS}
    assert len(few["/tasks"]) == (2 if has_trips else 3)  # the newest change is in the page there
    add_tasks(client, 60)
    assert client.delete("/tasks/3").status_code == 204
    many = {path: asked(path) for path in PATHS}
    assert {path: len(many[path]) for path in PATHS} == {path: len(few[path]) for path in PATHS}
    assert len(client.get("/tasks").json()) == 20
    assert all(client.get(path).json() for path in PATHS)
    for path in ("/changes?after=0", "/tasks/2/history?offset=0"):
        assert len(asked(f"{path}&limit=1")) == len(asked(f"{path}&limit=500"))


def add_tasks(client: httpx2.Client, count: int) -> None:
    operations = []
    for number in range(count):
        task: dict[str, Any] = {"title": f"Paint wall {number}", "due": "2026-12-01"}
        task |= {"priority": "high"}
        task |= {"tags": ["home", "garden", f"{number}"]} if number % 2 else {"list_id": 1}
        if number > 10:
            task |= {"parent_id": f"#{number % 10}", "list_id": None if number % 2 else 1}
        operations.append({"op": "create", "task": task})
    made = client.post("/tasks/batch", json={"operations": operations})
    assert made.status_code == 200, made.text
