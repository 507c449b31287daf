"""Many operations on tasks in one request: all of them, or nothing at all."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.support.accounts import log_in, make_accounts
from tests.support.journal import changes_after, tasks_and_journal_agree
from tests.support.problems import check_problem
from tests.support.tasks import (
    add,
    add_list,
    change,
    cursor,
    everything,
    get,
    tasks_make_a_tree,
    undo,
)

Operation = dict[str, Any]
MIB = 1024 * 1024
FULL: dict[str, Any] = {
    "title": "Move house",
    "done": True,
    "notes": "two\nvans",
    "due": "2026-12-01T09:00:00+01:00",
    "priority": "high",
    "tags": ["Home", "DIY"],
    "position": "m",
}


def run(client: httpx2.Client, *operations: Any, **headers: str) -> httpx2.Response:
    return client.post("/tasks/batch", json={"operations": operations}, headers=headers)


def creating(title: str = "a", **fields: Any) -> Operation:
    return {"op": "create", "task": {"title": title} | fields}


def updating(task_id: int | str, if_version: int | None = None, **changes: Any) -> Operation:
    operation: Operation = {"op": "update", "id": task_id, "changes": changes}
    return operation if if_version is None else operation | {"if_version": if_version}


def deleting(task_id: Any, **rest: Any) -> Operation:
    return {"op": "delete", "id": task_id} | rest


def is_refused(answer: httpx2.Response, status: int, number: int, field: str | None = None) -> None:
    """With a problem like that of a single request, and the number of the operation."""
    assert answer.status_code == status, answer.text
    check_problem(answer)
    problem = answer.json()
    assert problem["operation"] == number
    if field is not None:
        assert [each["field"] for each in problem["errors"]] == [field]
        assert all(each["in"] == "body" for each in problem["errors"])


def test_each_operation_gives_what_its_single_request_would(client: httpx2.Client) -> None:
    home = add_list(client)
    here, child, other = add(client), add(client, list_id=home), add(client)
    seq = cursor(client)
    answer = run(
        client,
        creating(**FULL, list_id=home),
        updating(here, title="b", done=True, list_id=home),
        updating(child, if_version=1, parent_id=here),
        updating(other),
        updating(here, if_version=2, tags=["x"], due=None),
        deleting(other, if_version=1),
        creating("under", parent_id="#0"),
        updating("#6", parent_id="#1", done=True),
        deleting(child),
        creating("last"),
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert FULL.items() <= results[0].items()
    assert (results[0]["list_id"], results[0]["version"]) == (home, 1)
    assert (results[1]["id"], results[1]["title"], results[1]["version"]) == (here, "b", 2)
    assert (results[2]["parent_id"], results[2]["version"]) == (here, 2)
    assert (results[3]["id"], results[3]["version"]) == (other, 1), "nothing differs"
    assert (results[4]["tags"], results[4]["version"]) == (["x"], 3)
    assert (results[5], results[8]) == (None, None)
    assert results[6]["parent_id"] == results[0]["id"]
    assert (results[7]["parent_id"], results[7]["list_id"]) == (here, home)
    for number in (0, 4, 7, 9):
        task = results[number]
        assert get(client, task["id"]) == task, "the last result of a task is what there is"
        assert task["created_at"] <= results[0]["created_at"] == task["updated_at"], "one time"
    changes = changes_after(client, seq)
    assert {each["operation"] for each in changes} == {seq + 1}
    assert [each["action"] for each in changes] == [
        *("create", "update", "update", "update", "delete"),
        *("create", "update", "delete", "create"),
    ]
    assert {each["at"] for each in changes} == {results[0]["created_at"]}
    tasks_make_a_tree(client)


def test_references_name_what_an_earlier_operation_gave(client: httpx2.Client) -> None:
    here = add(client)
    answer = run(client, updating(here, title="b"), creating(parent_id="#0"), deleting("#1"))
    assert answer.status_code == 200
    deep = run(client, creating(), *(creating(parent_id=f"#{n}") for n in range(7)))
    assert [each["parent_id"] for each in deep.json()["results"][1:]] == [
        each["id"] for each in deep.json()["results"][:-1]
    ]
    before, seq = everything(client), cursor(client)
    refused: list[tuple[list[Operation], int, str]] = [
        ([updating("#0", done=True)], 0, "id"),  # itself
        ([creating(parent_id="#0")], 0, "parent_id"),
        ([deleting("#1"), creating()], 0, "id"),  # a later one
        ([creating(parent_id="#1"), creating()], 0, "parent_id"),
        ([creating(), updating("#0", parent_id="#2"), creating()], 1, "parent_id"),
        ([creating(), updating("#199", done=True)], 1, "id"),  # one that there is not
        ([creating(), updating("#999", done=True)], 1, "id"),
        ([deleting(here), updating("#0", done=True)], 1, "id"),  # one that gave nothing
        ([creating(), deleting("#0"), creating(parent_id="#1")], 2, "parent_id"),
        ([creating(), deleting("#0"), creating(parent_id="#0")], 2, "parent_id"),  # gone again
    ]
    for operations, number, field in refused:
        is_refused(run(client, *operations), 422, number, field)
    is_refused(run(client, creating(), deleting("#0"), updating("#0", done=True)), 404, 2)
    malformed = ("#", "#-1", "#01", "#1000", "# 0", "#0 ", "0", "#a", "##0", "#\u0660", "", "#1.0")
    references: list[Any] = [*malformed, 0, -1, 2**63, 1.0, True, None, [], {}]
    for reference in references:
        is_refused(run(client, creating(), deleting(reference)), 422, 1, "id")
        if reference is not None:
            is_refused(run(client, creating(), creating(parent_id=reference)), 422, 1, "parent_id")
            is_refused(
                run(client, creating(), updating("#0", parent_id=reference)), 422, 1, "parent_id"
            )
    is_refused(run(client, creating(list_id="#0")), 422, 0, "list_id")
    assert everything(client) == before
    assert cursor(client) == seq
    assert client.post("/tasks", json={"title": "a", "parent_id": "#0"}).status_code == 422


FAILURES: list[tuple[Callable[[int], Operation], int]] = [
    (lambda here: updating(here, if_version=99, done=True), 412),
    (lambda here: deleting(here, if_version=99), 412),
    (lambda _: updating(99_999, done=True), 404),
    (lambda _: deleting(99_999), 404),
    (lambda _: creating(list_id=99_999), 422),
    (lambda _: creating(parent_id=99_999), 422),
    (lambda here: updating(here, parent_id=here), 422),
    (lambda _: creating(title=" "), 422),
]


def test_a_batch_that_fails_anywhere_leaves_nothing_behind(client: httpx2.Client) -> None:
    """No task, change, trash, tag or list that is counted differently, no key, and no id used."""
    home, work = add_list(client), add_list(client)
    here = add(client, list_id=home, tags=["x"])
    add(client, parent_id=here, tags=["y"])
    gone = add(client, list_id=home, tags=["z"])
    good = [
        creating("new", tags=["fresh"], list_id=work),
        updating(here, tags=["X", "changed"], list_id=work, done=True),
        deleting(gone),
        creating("under", parent_id="#0", tags=["fresh"]),
        updating("#0", title="renamed"),
        deleting("#3"),
    ]
    before, seq = everything(client), cursor(client)
    for number in range(len(good) + 1):
        for bad, status in FAILURES if number in (0, len(good)) else FAILURES[number % 8 :][:2]:
            answer = run(
                client,
                *good[:number],
                bad(here),
                *good[number:] if "#" not in str(good[number:]) else [],
                **{"Idempotency-Key": "k"},
            )
            is_refused(answer, status, number)
            assert everything(client) == before, (number, status)
            assert cursor(client) == seq
    answer = run(client, *good, **{"Idempotency-Key": "k"})
    assert answer.status_code == 200, "the key is free again"
    assert "idempotent-replayed" not in answer.headers
    assert client.get("/tasks", params={"q": "new"}).json() == []
    undo(client, cursor(client))
    assert [each["tag"] for each in client.get("/tags").json()] == ["x", "y", "z"]
    tasks_make_a_tree(client)


@pytest.mark.database("sqlite")
def test_ids_of_a_batch_that_failed_show_nowhere(client: httpx2.Client) -> None:
    """And on one file, where nobody else counts, the next task has the next id."""
    for _ in range(3):
        is_refused(run(client, creating(), creating(), deleting(99)), 404, 2)
    assert add(client) == 1
    for task_id in (2, 3):
        for path in (f"/tasks/{task_id}", f"/tasks/{task_id}/history"):
            assert client.get(path).json() == {"detail": "Task not found"}
    tasks_and_journal_agree(client)


def test_if_version_is_that_before_the_operation(client: httpx2.Client) -> None:
    here = add(client)
    seq = cursor(client)
    stale = run(client, updating(here, done=True), updating(here, if_version=1, title="b"))
    is_refused(stale, 412, 1)
    assert stale.json()["type"] == "/problems/version-conflict"
    assert (stale.json()["current"]["version"], stale.json()["current"]["done"]) == (2, True)
    assert (get(client, here)["version"], cursor(client)) == (1, seq)
    for wrong in (0, -1, "1", 1.0, True):
        is_refused(run(client, updating(here, done=True) | {"if_version": wrong}), 422, 0)
    fine = run(
        client,
        updating(here, if_version=1, done=True),
        updating(here, if_version=2, done=True),  # nothing differs, and it counts nothing
        updating(here, if_version=2, title="b"),
        deleting(here, if_version=3),
    )
    assert fine.status_code == 200
    null = creating() | {"op": "update", "id": "#0", "changes": {}, "if_version": None}
    del null["task"]
    assert run(client, creating(), null).status_code == 200


@pytest.mark.database("sqlite")
def test_a_bad_operation_is_told_by_its_number_and_its_field(client: httpx2.Client) -> None:
    """The field is named as in the single request that would do the same."""
    here = add(client)
    fields: list[tuple[str, Any]] = [
        *(("title", wrong) for wrong in ("", "x" * 501, "a\x00", 5, None)),
        *(("done", wrong) for wrong in ("yes", 1, None)),
        *(("notes", wrong) for wrong in ("x" * 50_001, "\x00", None)),
        *(("due", wrong) for wrong in ("tomorrow", "2026-02-30", "2026-12-01T09:00", 5)),
        *(("priority", wrong) for wrong in ("urgent", 1, None)),
        *(("tags", wrong) for wrong in (["a", "A"], [str(n) for n in range(21)], "a", None)),
        *(("tags", wrong) for wrong in (["a", ""], ["a", 5])),
        *(("position", wrong) for wrong in ("", "!", "z" * 101)),
        *(("list_id", wrong) for wrong in ("1", 0, 2**63, 99)),
        *(
            (name, 1)
            for name in ("id", "version", "created_at", "completed_at", "titel", "operation")
        ),
    ]
    for field, wrong in fields:
        sent = {field.partition(".")[0]: wrong}
        alone = client.post("/tasks", json={"title": "a"} | sent)
        is_refused(run(client, creating(), creating(**sent)), 422, 1, field)
        answer = run(
            client,
            creating(),
            deleting(here),
            creating(),
            {"op": "create", "task": {"title": "a"} | sent},
        )
        is_refused(answer, 422, 3, field)
        assert answer.json() == alone.json() | {"operation": 3}, (field, wrong)
        if (field, wrong) != ("position", None):
            changed = client.patch(f"/tasks/{here}", json=sent)
            answer = run(client, updating(here, **sent))
            assert answer.json() == changed.json() | {"operation": 0}, (field, wrong)
    several = run(client, creating(), {"op": "create", "task": {"title": "", "done": 5}}, {"op": 1})
    assert [each["field"] for each in several.json()["errors"]] == ["title", "done"]
    assert several.json()["operation"] == 1

    shapes: list[tuple[Any, str]] = [
        ({"op": "SECRET", "task": {"title": "a"}}, "op"),
        ({"op": None}, "op"),
        ({"op": ["create"]}, "op"),
        ({"task": {"title": "a"}}, "op"),
        ({}, "op"),
        ({"op": "create"}, "task"),
        ({"op": "create", "task": "SECRET"}, "task"),
        ({"op": "create", "task": {}}, "title"),
        ({"op": "create", "task": {"title": "a"}, "SECRET": 1}, "SECRET"),
        ({"op": "update", "changes": {}}, "id"),
        ({"op": "update", "id": here}, "changes"),
        ({"op": "update", "id": here, "changes": None}, "changes"),
        ({"op": "update", "id": here, "changes": {}, "if_version": "1"}, "if_version"),
        ({"op": "update", "id": here, "changes": {}, "task": {}}, "task"),
        ({"op": "delete", "id": here, "changes": {}}, "changes"),
        ({"op": "delete"}, "id"),
    ]
    for operation, field in shapes:
        answer = run(client, creating(), operation)
        is_refused(answer, 422, 1, field)
        assert field == "SECRET" or "SECRET" not in answer.text, "what was sent is told back"
    for wrong in (None, 5, "create", [], [creating()]):
        is_refused(run(client, creating(), wrong), 422, 1)
    tasks_and_journal_agree(client)
    assert cursor(client) == 1


@pytest.mark.database("sqlite")
def test_one_to_two_hundred_operations(client: httpx2.Client) -> None:
    for operations in ([], [creating()] * 201):
        answer = run(client, *operations)
        assert answer.status_code == 422
        check_problem(answer)
        assert [each["field"] for each in answer.json()["errors"]] == ["operations"]
        assert "operation" not in answer.json()
    assert cursor(client) == 0
    bodies: list[Any] = [{}, {"operations": None}, {"operations": {}}, {"operations": "a"}]
    for body in bodies:
        answer = client.post("/tasks/batch", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "operations")
    answer = client.post("/tasks/batch", json={"operations": [creating()], "dry_run": True})
    assert answer.json()["errors"][0]["field"] == "dry_run"
    assert len(run(client, *[creating()] * 200).json()["results"]) == 200
    assert (
        len(run(client, *(deleting(number) for number in range(1, 201))).json()["results"]) == 200
    )
    assert client.get("/tasks/count").json() == {"count": 0}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert client.request(method, "/tasks/batch").status_code in (404, 405, 422), method


@pytest.mark.database("sqlite")
def test_a_body_may_hold_sixteen_mebibytes(client: httpx2.Client) -> None:
    body = json.dumps({"operations": [creating(notes="x" * 50_000)] * 30}).encode()
    assert len(body) > MIB
    headers = {"Content-Type": "application/json"}
    full = body + b" " * (16 * MIB - len(body))
    answer = client.post("/tasks/batch", content=full, headers=headers)
    assert answer.status_code == 200
    assert len(answer.json()["results"][29]["notes"]) == 50_000
    assert client.post("/tasks", content=body, headers=headers).status_code == 413

    def in_chunks() -> Any:
        yield full
        yield b" "

    for too_large in (full + b" ", in_chunks()):
        try:
            refused = client.post("/tasks/batch", content=too_large, headers=headers)
        except httpx2.WriteError:  # it was answered before all was sent, and the rest not read
            continue
        assert refused.status_code == 413
        check_problem(refused)
        assert "16 MiB" in refused.json()["detail"]
    assert client.get("/tasks/count").json() == {"count": 30}


def test_a_key_does_the_batch_once(client: httpx2.Client) -> None:
    here = add(client)
    operations = [creating(), updating(here, title="b"), creating(parent_id="#0"), deleting("#2")]
    first = run(client, *operations, **{"Idempotency-Key": "k"})
    assert first.status_code == 200
    seq, seen = cursor(client), everything(client)
    again = run(client, *operations, **{"Idempotency-Key": "k"})
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (cursor(client), everything(client)) == (seq, seen)
    assert {each["key"] for each in changes_after(client, 1)} == {"k"}
    other = run(client, *operations[:1], **{"Idempotency-Key": "k"})
    assert other.json()["type"] == "/problems/idempotency-mismatch"


def test_one_undo_reverses_the_whole_batch_and_another_does_it_again(
    client: httpx2.Client,
) -> None:
    home = add_list(client)
    here, child = add(client, list_id=home, tags=["x"]), add(client)
    gone = add(client, parent_id=child)
    before, first = everything(client), cursor(client)
    run(
        client,
        creating("new", list_id=home),
        updating(child, parent_id="#0", done=True),
        updating(here, tags=["y"]),
        updating(here, tags=["z"], parent_id=child),
        deleting(gone),
        creating("short", parent_id=here),
        updating("#5", title="shorter"),
        deleting("#5"),
    ).raise_for_status()
    after, seq = everything(client), cursor(client)
    for some in (first + 1, seq - 2, seq):  # any of its changes names it
        operation = undo(client, some)
        now = everything(client)
        for kind in ("tasks", "lists"):
            assert list(map(uncounted, now[kind])) == list(map(uncounted, before[kind])), kind
        assert now["tags"] == before["tags"]
        assert {each["undoes"] for each in changes_after(client, operation - 1)} == {first + 1}
        tasks_make_a_tree(client)
        again = undo(client, operation)
        now = everything(client)
        for kind in ("tasks", "lists"):
            assert list(map(uncounted, now[kind])) == list(map(uncounted, after[kind])), kind
        assert {each["undoes"] for each in changes_after(client, again - 1)} == {operation}
        tasks_make_a_tree(client)
    undo(client, cursor(client))
    refused = client.post(f"/changes/{first + 1}/undo")
    assert refused.status_code == 409, "it is undone already"


def uncounted(shown: dict[str, Any]) -> dict[str, Any]:
    return shown | {"version": 0, "updated_at": ""}


def test_a_batch_reaches_no_other_account(client: httpx2.Client, database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    log_in(client, "ada")
    hers, list_id = add(client), add_list(client)
    log_in(client, "bob")
    mine = add(client)
    for number, operation in enumerate(
        [
            updating(hers, done=True),
            deleting(hers),
            creating(parent_id=hers),
            creating(list_id=list_id),
            updating(mine, parent_id=hers),
            updating(mine, list_id=list_id),
        ]
    ):
        is_refused(run(client, operation), 404 if number < 2 else 422, 0)
    change(client, mine, done=True)
    assert tasks_and_journal_agree(client).keys() == {mine}
    log_in(client, "ada")
    assert get(client, hers)["version"] == 1
    assert tasks_and_journal_agree(client).keys() == {hers}
