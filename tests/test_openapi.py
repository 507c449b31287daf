"""The OpenAPI document is valid and whole, and the server does what it says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import validate

from tests.support.accounts import cookies_of, log_in, make_accounts
from tests.support.databases import Databases, SQLiteFiles
from tests.support.lesson import ROOT
from tests.support.servers import LiveServer

SCHEMATHESIS = ROOT / "tests" / "support" / "schemathesis.toml"
OPERATIONS = {
    ("POST", "/tasks"): "create_task",
    ("GET", "/tasks"): "list_tasks",
    ("GET", "/tasks/count"): "count_tasks",
    ("GET", "/events"): "follow_changes",
    ("GET", "/tasks/{task_id}"): "get_task",
    ("PATCH", "/tasks/{task_id}"): "update_task",
    ("DELETE", "/tasks/{task_id}"): "delete_task",
    ("GET", "/tasks/{task_id}/history"): "list_task_history",
    ("POST", "/tasks/batch"): "run_batch",
    ("GET", "/trash"): "list_trash",
    ("POST", "/trash/{task_id}/restore"): "restore_task",
    ("DELETE", "/trash/{task_id}"): "purge_task",
    ("POST", "/lists"): "create_list",
    ("GET", "/lists"): "list_lists",
    ("GET", "/lists/{list_id}"): "get_list",
    ("PATCH", "/lists/{list_id}"): "update_list",
    ("DELETE", "/lists/{list_id}"): "delete_list",
    ("GET", "/tags"): "list_tags",
    ("PATCH", "/tags/{tag}"): "rename_tag",
    ("POST", "/changes/{seq}/undo"): "undo_change",
    ("GET", "/changes"): "list_changes",
    ("GET", "/setup"): "get_setup",
    ("POST", "/setup"): "set_up",
    ("POST", "/register"): "register",
    ("POST", "/login"): "log_in",
    ("POST", "/logout"): "log_out",
    ("GET", "/me"): "get_me",
    ("PATCH", "/me"): "update_me",
    ("GET", "/sessions"): "list_sessions",
    ("DELETE", "/sessions"): "end_other_sessions",
    ("GET", "/sessions/{session_id}"): "get_session",
    ("DELETE", "/sessions/{session_id}"): "end_session",
    ("POST", "/tokens"): "create_token",
    ("GET", "/tokens"): "list_tokens",
    ("GET", "/tokens/{token_id}"): "get_token",
    ("DELETE", "/tokens/{token_id}"): "revoke_token",
    ("GET", "/users"): "list_users",
    ("POST", "/users"): "create_user",
    ("GET", "/users/{user_id}"): "get_user",
    ("PATCH", "/users/{user_id}"): "update_user",
    ("DELETE", "/users/{user_id}"): "delete_user",
    ("GET", "/audit"): "list_audit",
    ("GET", "/healthz"): "is_alive",
    ("GET", "/readyz"): "is_ready",
    ("GET", "/metrics"): "read_metrics",
    ("GET", "/problems/{name}"): "explain_problem",
}
"""Clients are generated from these names: to rename one is to break them."""
OTHER_TYPES = {("/events", "200"): "text/event-stream", ("/metrics", "200"): "text/plain"}
DOCS = {("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/redoc")}
OF_EVERY_ANSWER = {
    *("content-length", "content-type", "date", "server", "connection"),
    *("x-content-type-options", "x-frame-options", "referrer-policy", "content-security-policy"),
    *("cross-origin-opener-policy", "cross-origin-resource-policy", "permissions-policy"),
}
"""HTTP's own headers, and those for browsers alone; clients have no use for a description."""

CREATE = {"op": "create", "task": {"title": "a", "tags": ["home", "garden"]}}
DELETE = {"op": "delete", "id": 3, "if_version": 9}
TEXT = {"content": "{}", "headers": {"Content-Type": "text/plain"}}
ASKED: list[tuple[int, str, str, dict[str, Any]]] = [
    (201, "POST", "/tasks", {"json": {"title": "a"}, "headers": {"Idempotency-Key": "k"}}),
    (200, "POST", "/changes/4/undo", {}),
    (404, "POST", "/changes/999/undo", {}),
    (415, "POST", "/changes/4/undo", TEXT),
    (422, "POST", "/changes/0/undo", {}),
    (400, "POST", "/tasks", {"json": {"title": "a"}, "headers": {"Idempotency-Key": ""}}),
    (403, "POST", "/tasks", {"json": {"title": "a"}, "headers": {"Origin": "http://a.example"}}),
    (413, "POST", "/tasks", {"json": {"title": "a" * 2**20}}),
    (415, "POST", "/tasks", TEXT),
    (422, "POST", "/tasks", {"json": {}}),
    (200, "GET", "/tasks?limit=1", {}),
    (304, "GET", "/tasks", {"headers": {"If-None-Match": "*"}}),
    (401, "GET", "/tasks", {"headers": {"Via": "1.1 a.example"}}),
    (200, "GET", "/tasks/1", {}),
    (304, "GET", "/tasks/1", {"headers": {"If-None-Match": "*"}}),
    (404, "GET", "/tasks/9", {}),
    (422, "GET", "/tasks/0", {}),
    (200, "PATCH", "/tasks/1", {"json": {"done": True}}),
    (412, "PATCH", "/tasks/1", {"json": {"done": True}, "headers": {"If-Match": "x"}}),
    (415, "PATCH", "/tasks/1", TEXT),
    (412, "DELETE", "/tasks/1", {"headers": {"If-Match": "x"}}),
    (204, "DELETE", "/tasks/1", {}),
    (200, "GET", "/trash?limit=1", {}),
    (304, "GET", "/trash", {"headers": {"If-None-Match": "*"}}),
    (415, "POST", "/trash/1/restore", TEXT),
    (200, "POST", "/trash/1/restore", {}),
    (404, "POST", "/trash/1/restore", {}),
    (409, "POST", "/changes/1/undo", {}),
    (204, "DELETE", "/tasks/2", {}),
    (204, "DELETE", "/trash/2", {}),
    (404, "DELETE", "/trash/2", {}),
    (410, "POST", "/changes/2/undo", {}),
    (200, "POST", "/tasks/batch", {"json": {"operations": [CREATE, CREATE]}}),
    (404, "POST", "/tasks/batch", {"json": {"operations": [{"op": "delete", "id": 99}]}}),
    (412, "POST", "/tasks/batch", {"json": {"operations": [DELETE]}}),
    (415, "POST", "/tasks/batch", TEXT),
    (422, "POST", "/tasks/batch", {"json": {"operations": []}}),
    (200, "GET", "/tags?limit=1", {}),
    (304, "GET", "/tags", {"headers": {"If-None-Match": "*"}}),
    (200, "PATCH", "/tags/home", {"json": {"tag": "house"}}),
    (404, "PATCH", "/tags/home", {"json": {"tag": "house"}}),
    (415, "PATCH", "/tags/house", TEXT),
    (422, "PATCH", "/tags/house", {"json": {"tag": ""}}),
    (201, "POST", "/lists", {"json": {"name": "a"}}),
    (201, "POST", "/lists", {"json": {"name": "b"}}),
    (415, "POST", "/lists", TEXT),
    (422, "POST", "/lists", {"json": {}}),
    (200, "GET", "/lists?limit=1", {}),
    (304, "GET", "/lists", {"headers": {"If-None-Match": "*"}}),
    (200, "GET", "/lists/1", {}),
    (304, "GET", "/lists/1", {"headers": {"If-None-Match": "*"}}),
    (404, "GET", "/lists/9", {}),
    (200, "PATCH", "/lists/1", {"json": {"archived": True}}),
    (412, "PATCH", "/lists/1", {"json": {"name": "c"}, "headers": {"If-Match": "x"}}),
    (415, "PATCH", "/lists/1", TEXT),
    (412, "DELETE", "/lists/1", {"headers": {"If-Match": "x"}}),
    (204, "DELETE", "/lists/1", {}),
    (404, "DELETE", "/lists/1", {}),
    (200, "GET", "/tasks/1/history?limit=1", {}),
    (404, "GET", "/tasks/9/history", {}),
    (200, "GET", "/tasks/count", {}),
    (200, "GET", "/changes?after=0", {}),
    (410, "GET", "/changes?after=99", {}),
    (404, "GET", "/problems/none", {}),
    *((422, "GET", f"{path}?x=", {}) for path in ("/tasks", "/tasks/1", "/tasks/1/history")),
    *((422, "GET", f"{path}?x=", {}) for path in ("/tasks/count", "/changes", "/healthz")),
    *((422, "GET", f"{path}?x=", {}) for path in ("/readyz", "/problems/validation")),
    *((422, "GET", f"{path}?x=", {}) for path in ("/lists", "/lists/2", "/tags", "/trash")),
]

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The document, which is the same on every database."""
    with LiveServer(f"sqlite:///{tmp_path_factory.mktemp('document')}/tasks.db") as server:
        answer = httpx2.get(f"{server.url}/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    document: Document = answer.json()
    return document


def operations(document: Document) -> Iterator[tuple[tuple[str, str], Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield (method.upper(), path), operation


def examples(node: Any) -> Iterator[tuple[Document, Any]]:
    """Every example below `node`, with the schema that it is an example of."""
    if isinstance(node, list):
        for child in node:
            yield from examples(child)
    if not isinstance(node, dict):
        return
    schema = node.get("schema", node)
    if "example" in node:
        yield schema, node["example"]
    given = node.get("examples", [])
    values = given if isinstance(given, list) else [entry["value"] for entry in given.values()]
    yield from ((schema, value) for value in values)
    for name, child in node.items():
        if name not in ("example", "examples"):
            yield from examples(child)


def test_the_document_is_valid_openapi(document: Document) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_the_names_of_the_operations_stay(document: Document) -> None:
    assert {key: one["operationId"] for key, one in operations(document)} == OPERATIONS


def test_every_route_but_the_docs_is_in_the_document(
    server: LiveServer, document: Document
) -> None:
    routes = {
        (method, route.path)
        for route in server.app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes - DOCS == {key for key, _ in operations(document)}


def test_everything_is_described(document: Document) -> None:
    for key, operation in operations(document):
        assert operation["summary"], key
        assert operation["description"].endswith("."), key
        assert all(one.get("description") for one in operation.get("parameters", ())), key
        for status, answer in operation["responses"].items():
            place = (*key, status)
            assert answer["description"], place
            assert "X-Request-ID" in answer["headers"], place
            for header in answer["headers"].values():
                assert header["description"], place
                assert header["schema"], place
            is_problem = status[0] in "45"
            for media_type, content in answer.get("content", {}).items():
                assert content["schema"], place
                json = f"application/{'problem+' * is_problem}json"
                assert media_type == OTHER_TYPES.get((key[1], status), json), place
            if is_problem:
                assert answer["content"]["application/problem+json"]["examples"], place


def test_who_gets_in_is_described(server: LiveServer, document: Document) -> None:
    """It is decided before the body and what the path names are looked at; so neither matters."""
    make_accounts(server.database_url, {"username": "ada"})
    with httpx2.Client(base_url=server.url) as client:
        session = {"Cookie": cookies_of(log_in(client, "ada"))}
        client.cookies.clear()
        wanted = {"name": "t", "scopes": ["read", "write"]}
        made = client.post("/tokens", json=wanted, headers=session)
        ways = {
            "": {},
            "token": {"Authorization": f"Bearer {made.json()['token']}"},
            "session": session,
        }

        def refused(method: str, path: str, way: str) -> bool:
            with client.stream(method, path, headers=ways[way]) as answer:
                return answer.status_code in (401, 403)

        for (method, path), operation in operations(document):
            if path in ("/login", "/register", "/logout"):  # they say 401 and 403 of other things
                continue
            let_in = {name for each in operation["security"] for name in each or ("open mode",)}
            known = re.sub("{[^}]*}", "999", path)
            for way in ways:
                may = not let_in or way in let_in
                assert refused(method, known, way) is not may, (method, path, way)


def test_every_example_is_one(document: Document) -> None:
    found = list(examples(document))
    assert len(found) > 50
    for schema, example in found:
        whole = {**schema, "components": document["components"]}
        OAS31Validator(whole, format_checker=oas31_format_checker).validate(example)


def test_what_people_keep_has_examples(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for name in (
        *("TaskCreate", "TaskUpdate", "ListCreate", "ListUpdate", "TagUpdate", "TagPublic"),
        *("CreateOperation", "UpdateOperation", "DeleteOperation"),
    ):
        assert name in schemas
        assert list(examples(resolved(schemas[name], schemas))), name
    for name in (
        *("TaskPublic", "ListPublic", "TrashedTaskPublic", "Batch", "BatchResults"),
        *("ChangePublic", "Changes", "Undone"),
    ):
        assert "example" in schemas[name], name


def resolved(schema: Document, schemas: Document) -> Document:
    """The schema with those that it refers to at once."""
    return {
        **schema,
        "properties": {
            name: schemas[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for name, one in schema["properties"].items()
        },
    }


def test_the_schema_of_a_title_takes_what_the_server_takes(
    client: httpx2.Client, document: Document
) -> None:
    schema = {"$ref": "#/components/schemas/TaskCreate", "components": document["components"]}
    taken = ["a", " a\t", "\u0085a\u3000", "a b", "\u200b", *("🗒" * n for n in (499, 500))]
    taken += [f" {'a' * 500}\n"]
    refused = ["", " \u2003", "a\tb", "a\0", "\x1ca", "a\x7f", "\x9f", "🗒" * 501, f" {'a' * 501} "]
    for title in taken + refused:
        answer = client.post("/tasks", json={"title": title})
        assert answer.status_code == (201 if title in taken else 422), title
        assert OAS31Validator(schema).is_valid({"title": title}) == (title in taken), title


def test_every_answer_is_in_the_document_with_its_headers(
    client: httpx2.Client, document: Document
) -> None:
    for _ in range(3):
        client.post("/tasks", json={"title": "a"})
    for status, method, target, options in ASKED:
        answer = client.request(method, target, **options)
        assert answer.status_code == status, (method, target)
        path = documented(document, target.partition("?")[0])
        responses = document["paths"][path][method.lower()]["responses"]
        assert str(status) in responses, (method, target)
        described = {name.lower() for name in responses[str(status)]["headers"]}
        assert set(answer.headers) - OF_EVERY_ANSWER <= described, (method, target, status)


def documented(document: Document, path: str) -> str:
    """The path in the document that a path means: one without parameters, if there is one."""
    for there in sorted(document["paths"], key=lambda each: "{" in each):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", there), path):
            return str(there)
    pytest.fail(f"{path} is not in the document")


@pytest.mark.timeout(3600)
def test_schemathesis_finds_nothing(
    server: LiveServer, client: httpx2.Client, databases: Databases, long: bool
) -> None:
    # What the others send is mostly refused before a database hears of it.
    is_whole = long or isinstance(databases, SQLiteFiles)
    phases = f"examples,{'coverage,' * is_whole}fuzzing,stateful"
    amount = ["--seed", "1"] if is_whole else ["--seed", "1", "--max-examples", "3"]
    if long:
        amount = ["--max-examples", "1000"]
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", SCHEMATHESIS),
            *("run", f"{server.url}/openapi.json"),
            *("--phases", phases, "--checks", "all"),
            # tests/support/schemathesis_hooks.py has these two, with what they can't know.
            *("--exclude-checks", "positive_data_acceptance,use_after_free"),
            *("--generation-database", "none", "--no-color", *amount),
        ],
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    changes = client.get("/changes", params={"after": 0, "limit": 500}).json()["changes"]
    reached = {"create", "delete", *(("update", "restore") if is_whole else ())}
    assert {change["action"] for change in changes} >= reached
    assert {change["kind"] for change in changes} == {"task", "list"}
