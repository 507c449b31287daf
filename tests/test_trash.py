"""The trash: what comes back and how, what is forgotten for good, and whose it is."""

from typing import Any

import httpx2
import pytest

from taskhold.store.schema import Stored
from tests.support.accounts import log_in, make_accounts
from tests.support.journal import changes_after, tasks_and_journal_agree, walk
from tests.support.problems import check_problem
from tests.support.sql import run_sql
from tests.support.tasks import (
    add,
    add_list,
    change,
    cursor,
    everything,
    get,
    remove,
    tasks_make_a_tree,
    undo,
    wait_until,
)

NOT_FOUND = (404, {"detail": "Task not found"})


def trashed(client: httpx2.Client, **parameters: Any) -> list[int]:
    return [each["id"] for each in walk(client, "/trash", **parameters)]


def restore(client: httpx2.Client, task_id: int) -> dict[str, Any]:
    """The task as a restore that has to succeed gives it."""
    answer = client.post(f"/trash/{task_id}/restore")
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()
    assert task == get(client, task_id)
    assert answer.headers["etag"] == client.get(f"/tasks/{task_id}").headers["etag"]
    return task


def test_a_task_comes_back_under_its_id_with_what_went_with_it(client: httpx2.Client) -> None:
    home = add_list(client)
    older = add(client, "older than its parent")
    fields = {
        "notes": "two\nlines",
        "due": "2026-12-01T09:00:00+01:00",
        "priority": "high",
        "tags": ["Home", "b"],
        "position": "m5",
    }
    top = add(client, "Äpfel", list_id=home, done=True, **fields)
    change(client, older, parent_id=top)
    child = add(client, parent_id=top, tags=["home"])
    low = add(client, parent_id=child)
    early = add(client, parent_id=top)
    remove(client, f"/tasks/{early}")
    tags_before, before = (
        client.get("/tags").json(),
        {each["id"]: each for each in walk(client, "/tasks")},
    )
    remove(client, f"/tasks/{top}")
    assert walk(client, "/tasks") == []
    assert client.get("/tags").json() == []
    assert walk(client, "/tasks", q="apfel") == []
    for task_id in before:
        for answer in (
            client.get(f"/tasks/{task_id}"),
            client.patch(f"/tasks/{task_id}", json={"done": True}),
            client.delete(f"/tasks/{task_id}"),
        ):
            assert (answer.status_code, answer.json()) == NOT_FOUND
    in_trash = client.get("/trash").json()
    assert in_trash[0] == before[top] | {"deleted_at": in_trash[0]["deleted_at"]}
    assert trashed(client)[-1] == early, "the newest comes first"

    seq = cursor(client)
    restored = restore(client, top)
    changes = changes_after(client, seq)
    assert [each["id"] for each in changes[:1]] == [top]
    assert {(each["action"], each["operation"], each["before"]) for each in changes} == {
        ("restore", seq + 1, None)
    }
    for task_id, task in before.items():
        now = get(client, task_id)
        assert now["updated_at"] >= task["updated_at"]
        counted = {"version": task["version"] + 1, "updated_at": now["updated_at"]}
        assert now == task | counted
    assert restored["completed_at"] == before[top]["completed_at"]
    assert client.get("/tags").json() == tags_before
    assert [each["id"] for each in walk(client, "/tasks", q="apfel")] == [top]
    assert [each["id"] for each in walk(client, "/tasks", tag="home")] == [top, child]
    assert trashed(client) == [early], "what was deleted before stays"
    assert low in before
    tasks_make_a_tree(client)


def test_where_its_parent_or_its_list_is_gone_it_stands_alone(client: httpx2.Client) -> None:
    home, work = add_list(client), add_list(client)
    top = add(client, list_id=home)
    child = add(client, parent_id=top)
    low = add(client, parent_id=child)

    remove(client, f"/tasks/{child}")
    remove(client, f"/tasks/{top}")
    alone = restore(client, child)
    assert (alone["parent_id"], alone["list_id"]) == (None, home), "its list is still there"
    assert get(client, low)["parent_id"] == child
    assert restore(client, top)["list_id"] == home
    assert tasks_make_a_tree(client) == {top: 1, child: 1, low: 2}

    change(client, child, parent_id=top)
    remove(client, f"/tasks/{child}")
    change(client, top, list_id=work)
    back = restore(client, child)
    assert (back["parent_id"], back["list_id"]) == (top, work), "its parent has moved meanwhile"
    assert get(client, low)["list_id"] == work

    remove(client, f"/lists/{work}")
    remove(client, f"/lists/{home}")
    back = restore(client, top)
    assert (back["parent_id"], back["list_id"]) == (None, None)
    assert [get(client, each)["parent_id"] for each in (child, low)] == [top, child]
    assert tasks_make_a_tree(client) == {top: 1, child: 2, low: 3}

    remove(client, f"/tasks/{child}")
    remove(client, f"/tasks/{top}")
    remove(client, f"/trash/{top}")
    assert restore(client, child)["parent_id"] is None
    tasks_make_a_tree(client)


def test_a_child_comes_back_before_its_parent(client: httpx2.Client) -> None:
    home = add_list(client)
    top = add(client, list_id=home)
    child = add(client, parent_id=top)
    low, other = add(client, parent_id=child), add(client, parent_id=top)
    remove(client, f"/tasks/{top}")
    back = restore(client, child)
    assert (back["parent_id"], back["list_id"]) == (None, home)
    assert get(client, low)["parent_id"] == child
    assert trashed(client) == [top, other]
    restore(client, top)
    assert trashed(client) == []
    assert tasks_make_a_tree(client) == {top: 1, child: 1, low: 2, other: 2}


def test_only_what_is_in_the_trash_can_be_restored_or_purged(client: httpx2.Client) -> None:
    here, gone, purged = add(client), add(client), add(client)
    for task_id in (gone, purged):
        remove(client, f"/tasks/{task_id}")
    remove(client, f"/trash/{purged}")
    seq = cursor(client)
    for task_id in (here, purged, 99, 2**63 - 1):
        for answer in (
            client.post(f"/trash/{task_id}/restore"),
            client.delete(f"/trash/{task_id}"),
        ):
            assert (answer.status_code, answer.json()) == NOT_FOUND, task_id
    for path in ("0", "-1", "01", "1.0", "a", "%00", str(2**63), "9" * 4000):
        for answer in (client.post(f"/trash/{path}/restore"), client.delete(f"/trash/{path}")):
            assert answer.status_code == 422, path
            assert answer.json()["errors"][0]["field"] == "task_id"
    for body, status in ((b"[]", 422), (b'{"a":1}', 422), (b"{", 400), (b"null", 422)):
        answer = client.post(
            f"/trash/{gone}/restore", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, body
        check_problem(answer)
    assert client.post(f"/trash/{gone}/restore", content=b"x").status_code == 415
    assert cursor(client) == seq
    assert client.post(f"/trash/{gone}/restore", json={}).status_code == 200
    assert trashed(client) == []


SECRET = "vergissmeinnicht"  # noqa: S105


def test_what_is_purged_is_told_nowhere_any_more(client: httpx2.Client, database_url: str) -> None:
    """Not in the trash, the journal, a history, an answer that is kept, a search, or a row."""
    secret, other = SECRET, add(client, "another task")
    key = iter(range(100))

    def keyed(method: str, path: str, body: Any = None) -> dict[str, Any]:
        request = {
            "method": method,
            "url": path,
            "json": body,
            "headers": {"Idempotency-Key": f"{next(key)}"},
        }
        answer = client.request(**request)
        assert answer.is_success, answer.text
        return request

    shows = [
        keyed("POST", "/tasks", {"title": secret, "notes": f"a {secret}", "tags": [secret]}),
        keyed("PATCH", "/tasks/2", {"notes": f"once more {secret}"}),
        keyed(
            "POST",
            "/tasks/batch",
            {
                "operations": [
                    {"op": "update", "id": other, "changes": {"notes": "stays"}},
                    {"op": "create", "task": {"title": f"under {secret}", "parent_id": 2}},
                ]
            },
        ),
        keyed("POST", f"/changes/{cursor(client)}/undo"),
        keyed("POST", f"/changes/{cursor(client)}/undo"),
    ]
    shows_nothing = [keyed("DELETE", "/tasks/2")]
    shows.append(keyed("POST", "/trash/2/restore"))
    shows_nothing.append(keyed("DELETE", "/tasks/2"))
    looks_alike = {"title": '{"id":2,"title":', "tags": ['{"id":2']}
    shows_others = [keyed("PATCH", f"/tasks/{other}", looks_alike)]
    assert trashed(client) == [2, 3]
    seq = cursor(client)
    assert client.delete("/trash/2", headers={"Idempotency-Key": "purge"}).status_code == 204
    again = client.delete("/trash/2", headers={"Idempotency-Key": "purge"})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (204, "true")

    purges = changes_after(client, seq)
    assert [(each["action"], each["id"], each["operation"]) for each in purges] == [
        ("purge", 2, seq + 1),
        ("purge", 3, seq + 1),
    ]
    for change_ in changes_after(client, 0):
        purged = change_["id"] in (2, 3)
        assert (change_["before"] is change_["after"] is None) == purged, change_
    for task_id in (2, 3):
        history = walk(client, f"/tasks/{task_id}/history")
        assert history[0]["action"] == "purge"
        assert {each["before"] or each["after"] for each in history} == {None}
        for each in history:
            answer = client.post(f"/changes/{each['seq']}/undo")
            assert answer.status_code == 410, each
            check_problem(answer)
    assert trashed(client) == []
    for path in ("/changes?after=0", "/tasks", "/trash", "/tags", "/tasks/2/history"):
        assert secret not in client.get(path).text, path
    assert walk(client, "/tasks", q=secret[:5]) == []
    for request in shows:
        answer = client.request(**request)
        assert answer.status_code == 410, request
        check_problem(answer)
        assert "idempotent-replayed" not in answer.headers
        assert secret not in answer.text
    for request in (*shows_nothing, *shows_others):
        answer = client.request(**request)
        assert answer.headers["idempotent-replayed"] == "true"
    assert get(client, other)["notes"] == "stays"
    assert cursor(client) == seq + 2, "repeating did nothing again"
    tasks_and_journal_agree(client)
    for table in Stored.metadata.tables:
        rows = run_sql(database_url, f'SELECT * FROM "{table}"')  # noqa: S608
        assert secret not in str(rows), table
    if database_url.startswith("sqlite:"):
        waiting = "SELECT * FROM search_pending"
        wait_until(lambda: secret not in str(run_sql(database_url, waiting)))
    assert client.post("/tasks", json={"title": "new"}).json()["id"] == 4


def test_purging_a_parent_takes_what_went_with_it_and_nothing_else(client: httpx2.Client) -> None:
    top = add(client)
    early, child = add(client, parent_id=top), add(client, parent_id=top)
    low = add(client, parent_id=child)
    remove(client, f"/tasks/{early}")
    remove(client, f"/tasks/{top}")
    remove(client, f"/trash/{child}")
    assert trashed(client) == [top, early]
    restore(client, top)
    assert tasks_make_a_tree(client) == {top: 1}
    remove(client, f"/tasks/{top}")
    remove(client, f"/trash/{top}")
    assert trashed(client) == [early]
    assert restore(client, early)["parent_id"] is None
    for task_id in (child, low, top):
        assert client.post(f"/trash/{task_id}/restore").status_code == 404


def test_keys_restore_and_purge_once(client: httpx2.Client) -> None:
    task_id = add(client)
    remove(client, f"/tasks/{task_id}")
    first = client.post(f"/trash/{task_id}/restore", headers={"Idempotency-Key": "k"})
    remove(client, f"/tasks/{task_id}")
    again = client.post(f"/trash/{task_id}/restore", headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert trashed(client) == [task_id], "the repeat restored nothing"
    assert client.delete("/trash/99", headers={"Idempotency-Key": "p"}).status_code == 404
    for _ in range(2):
        answer = client.delete(f"/trash/{task_id}", headers={"Idempotency-Key": "p"})
        assert answer.status_code == 204


def test_the_trash_comes_in_pages_newest_first_with_parents_first(client: httpx2.Client) -> None:
    home = add_list(client)
    single = [add(client) for _ in range(3)]
    top = add(client)
    children = [add(client, parent_id=top) for _ in range(3)]
    low = add(client, parent_id=children[1])
    listed = [add(client, list_id=home) for _ in range(2)]
    remove(client, f"/tasks/{single[0]}")
    remove(client, f"/tasks/{top}")
    remove(client, f"/tasks/{single[1]}")
    remove(client, f"/lists/{home}")
    remove(client, f"/tasks/{single[2]}")
    order = trashed(client)
    assert order[0] == single[2]
    assert set(order[1:3]) == set(listed)
    assert order[3:5] == [single[1], top]
    assert set(order[5:9]) == {*children, low}
    assert order.index(children[1]) < order.index(low)
    assert order[9:] == [single[0]]
    for limit in (1, 2, 3, 500):
        assert trashed(client, limit=limit) == order, limit
    for offset in range(0, 12, 3):
        page = client.get("/trash", params={"limit": 3, "offset": offset})
        assert [each["id"] for each in page.json()] == order[offset : offset + 3]
        assert ("next" in page.links) == (offset + 3 < len(order))
    times = [each["deleted_at"] for each in walk(client, "/trash")]
    assert times == sorted(times, reverse=True)

    page = client.get("/trash", params={"limit": 4})
    following = page.links["next"]["url"]
    restore(client, order[0])
    remove(client, f"/tasks/{order[0]}")  # what changes on a page before skips nothing here
    rest = [each["id"] for each in client.get(following).json()]
    assert rest == order[4:8]
    for query in ("limit=0", "limit=501", "offset=-1", "after=x", "sort=id", "done=true", "q=a"):
        answer = client.get(f"/trash?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["in"]) == (422, "query"), query
    assert client.get(following + "&offset=1").status_code == 422
    assert client.get(following.replace("/trash", "/tasks")).status_code == 422

    tag = client.get("/trash").headers["etag"]
    assert client.get("/trash", headers={"If-None-Match": tag}).status_code == 304
    remove(client, f"/trash/{order[0]}")
    assert client.get("/trash", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.database("sqlite")
def test_undoing_a_restore_trashes_it_again(client: httpx2.Client) -> None:
    top = add(client)
    child = add(client, parent_id=top)
    remove(client, f"/tasks/{top}")
    restore(client, top)
    undo(client, cursor(client))
    assert trashed(client) == [top, child]
    restore(client, top)
    assert tasks_make_a_tree(client) == {top: 1, child: 2}


def test_another_accounts_trash_is_not_there(client: httpx2.Client, database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    log_in(client, "ada")
    hers = add(client, "hers")
    remove(client, f"/tasks/{hers}")
    seen = everything(client)
    log_in(client, "bob")
    mine = add(client, "mine")
    remove(client, f"/tasks/{mine}")
    assert trashed(client) == [mine]
    for answer in (client.post(f"/trash/{hers}/restore"), client.delete(f"/trash/{hers}")):
        assert (answer.status_code, answer.json()) == NOT_FOUND
    remove(client, f"/trash/{mine}")
    log_in(client, "ada")
    assert everything(client) == seen
    assert restore(client, hers)["title"] == "hers"
