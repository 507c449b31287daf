"""Lists: what they show, how they sort, and what happens to the tasks in them."""

from typing import Any

import httpx2
import pytest

from tests.support.journal import changes_after, walk
from tests.support.problems import check_problem
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
)

HOME = {"name": "Home"}


def list_ids(client: httpx2.Client, **parameters: Any) -> list[int]:
    return [each["id"] for each in walk(client, "/lists", **parameters)]


def open_count(client: httpx2.Client, list_id: int) -> int:
    """As the list shows it, and the collection of lists too."""
    shown = client.get(f"/lists/{list_id}").json()
    assert shown in client.get("/lists").json()
    count: int = shown["open_count"]
    return count


def test_a_list_is_made_read_changed_and_removed(client: httpx2.Client) -> None:
    made = client.post("/lists", json={"name": "\u2003 Home\n"})
    assert made.status_code == 201
    shown = made.json()
    assert made.headers["location"] == "/lists/1"
    assert shown == {
        "id": 1,
        "name": "Home",
        "archived": False,
        "open_count": 0,
        "created_at": shown["created_at"],
        "updated_at": shown["created_at"],
        "version": 1,
    }
    assert client.get("/lists/1").json() == shown
    changed = client.patch("/lists/1", json={"name": "Haus", "archived": True})
    assert changed.status_code == 200
    assert changed.json() == shown | {
        "name": "Haus",
        "archived": True,
        "version": 2,
        "updated_at": changed.json()["updated_at"],
    }
    same = client.patch("/lists/1", json={"name": " Haus "})
    assert (same.json(), same.headers["etag"]) == (changed.json(), changed.headers["etag"])
    remove(client, "/lists/1")
    for answer in (
        client.get("/lists/1"),
        client.patch("/lists/1", json={}),
        client.delete("/lists/1"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "List not found"})
    assert client.post("/lists", json=HOME).json()["id"] == 2, "an id was used again"
    actions = [(each["action"], each["kind"], each["id"]) for each in changes_after(client, 0)]
    assert actions == [(action, "list", 1) for action in ("create", "update", "delete")] + [
        ("create", "list", 2)
    ]
    tasks_make_a_tree(client)


@pytest.mark.database("sqlite")
def test_what_makes_no_list_is_refused_by_its_field(client: httpx2.Client) -> None:
    add_list(client)
    refused: list[tuple[Any, str]] = [
        *(({"name": name}, "name") for name in ("", " \u3000", "a\x00b", "a\nb", "x" * 501, 5)),
        *(({"name": "a", "archived": archived}, "archived") for archived in ("yes", 1, None)),
        *(({"name": "a", field: 1}, field) for field in ("id", "open_count", "version", "nmae")),
        ([], ""),
    ]
    for body, field in refused:
        for answer in (client.post("/lists", json=body), client.patch("/lists/1", json=body)):
            assert answer.status_code == 422, body
            check_problem(answer)
            assert [each["field"] for each in answer.json()["errors"]] == [field], body
    assert client.post("/lists", json={}).json()["errors"][0]["field"] == "name"
    assert client.patch("/lists/1", json={"name": None}).json()["errors"][0]["field"] == "name"
    assert client.post("/lists", json={"name": "🗒" * 500}).status_code == 201
    for query in ("sort=title", "archived=maybe", "limit=0", "limit=501", "archive=true"):
        answer = client.get(f"/lists?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["in"]) == (422, "query"), query


def test_lists_come_in_pages_sorted_and_filtered(client: httpx2.Client) -> None:
    names = ["b", "Äpfel", "a", "B", "apfel", "b", "Zebra", "z", "ä"]
    for number, name in enumerate(names):
        add_list(client, name, archived=number % 3 == 0)
    by_name = [3, 9, 5, 2, 4, 1, 6, 8, 7]  # folded, then by their bytes, then by id
    archived = [1, 4, 7]
    orders = {"id": sorted(by_name), "name": by_name}
    for sort, order in orders.items():
        for limit in (1, 2, 4, 500):
            assert list_ids(client, sort=sort, limit=limit) == order
            assert list_ids(client, sort=f"-{sort}", limit=limit) == order[::-1]
            for wanted in (True, False):
                chosen = [each for each in order if (each in archived) == wanted]
                found = list_ids(client, sort=sort, limit=limit, archived=wanted)
                assert found == chosen, (sort, limit, wanted)
    page = client.get("/lists", params={"sort": "name", "limit": 2, "archived": "false"})
    following = page.links["next"]["url"]
    assert client.get(following.replace("sort=name", "sort=-name")).status_code == 422
    assert client.get(following.replace("archived=false", "archived=true")).status_code == 422
    assert client.get("/lists?limit=2&offset=3&sort=name").json()[0]["id"] == by_name[3]
    client.patch("/lists/4", json={"archived": False})
    assert list_ids(client, archived=True) == [1, 7]


def test_open_count_is_right_after_whatever_happens_to_the_tasks(client: httpx2.Client) -> None:
    home, work = add_list(client), add_list(client)
    task, done = add(client, list_id=home), add(client, list_id=home, done=True)
    child = add(client, parent_id=task)
    steps: list[tuple[str, Any, int, int]] = [
        ("as made", lambda: None, 2, 0),
        ("done", lambda: change(client, task, done=True), 1, 0),
        ("not done", lambda: change(client, done, done=False), 2, 0),
        ("moved, with what is under it", lambda: change(client, task, list_id=work), 1, 1),
        ("undone", lambda: undo(client, cursor(client)), 2, 0),
        ("deleted", lambda: remove(client, f"/tasks/{task}"), 1, 0),
        ("restored", lambda: client.post(f"/trash/{task}/restore"), 2, 0),
        ("a child at the top", lambda: change(client, child, parent_id=None, list_id=None), 1, 0),
        ("and back", lambda: change(client, child, parent_id=task), 2, 0),
        (
            "in a batch",
            lambda: client.post(
                "/tasks/batch",
                json={
                    "operations": [
                        {"op": "create", "task": {"title": "a", "list_id": work}},
                        {"op": "delete", "id": done},
                    ]
                },
            ),
            1,
            1,
        ),
        ("the batch undone", lambda: undo(client, cursor(client)), 2, 0),
    ]
    for what, step, at_home, at_work in steps:
        before = client.get("/lists").headers["etag"]
        step()
        assert (open_count(client, home), open_count(client, work)) == (at_home, at_work), what
        again = client.get("/lists", headers={"If-None-Match": before})
        assert again.status_code == (304 if what == "as made" else 200), what
    assert client.get(f"/lists/{home}").json()["version"] == 1
    tasks_make_a_tree(client)


def test_an_etag_tells_the_open_count_but_a_change_of_it_is_no_conflict(
    client: httpx2.Client,
) -> None:
    made = client.post("/lists", json=HOME)
    path = made.headers["location"]
    first = made.headers["etag"]
    assert client.get(path, headers={"If-None-Match": first}).status_code == 304
    add(client, list_id=1)
    shown = client.get(path, headers={"If-None-Match": first})
    assert (shown.status_code, shown.json()["open_count"]) == (200, 1), "304 hid the number"
    assert client.get(path, headers={"If-None-Match": shown.headers["etag"]}).status_code == 304
    for tag in (first, f"W/{first}", f'"other", {first}', "*"):
        answer = client.patch(path, json={"archived": False}, headers={"If-Match": tag})
        assert answer.status_code == 200, tag
    renamed = client.patch(path, json={"name": "Haus"}, headers={"If-Match": first})
    assert (renamed.status_code, renamed.json()["version"]) == (200, 2)
    assert renamed.headers["etag"] == client.get(path).headers["etag"]
    later = renamed.headers["etag"].replace('.2.1"', '.20.1"')  # begins like the present one
    assert later.endswith('.20.1"')
    for tag in (first, shown.headers["etag"], later, '"2"', "2", ""):
        for answer in (
            client.patch(path, json={"name": "c"}, headers={"If-Match": tag}),
            client.delete(path, headers={"If-Match": tag}),
        ):
            assert answer.status_code == 412, tag
            assert answer.json()["current"] == renamed.json()
    remove(client, "/tasks/1")
    assert client.delete(path, headers={"If-Match": renamed.headers["etag"]}).status_code == 204


@pytest.mark.database("sqlite")
def test_a_conflict_over_a_list_carries_the_etag_of_its_present_state(
    client: httpx2.Client,
) -> None:
    add(client, list_id=add_list(client))
    refused = client.patch("/lists/1", json={"name": "c"}, headers={"If-Match": '"old"'})
    assert refused.status_code == 412
    assert refused.headers["etag"] == client.get("/lists/1").headers["etag"]


def test_a_key_makes_or_removes_a_list_once(client: httpx2.Client) -> None:
    for method, path, body in (
        ("POST", "/lists", {"name": "Home"}),
        ("PATCH", "/lists/1", {"name": "Haus"}),
        ("DELETE", "/lists/1", None),
    ):
        key = {"Idempotency-Key": method}
        first = client.request(method, path, headers=key, json=body)
        assert first.is_success
        seq = cursor(client)
        again = client.request(method, path, headers=key, json=body)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers.get("etag") == first.headers.get("etag")
        assert cursor(client) == seq
        assert changes_after(client, seq - 1)[0]["key"] == method


def test_deleting_a_list_trashes_its_tasks_and_what_is_under_them(client: httpx2.Client) -> None:
    home, work = add_list(client, "Home"), add_list(client, "Work")
    older = add(client)
    top = add(client, list_id=home, tags=["x"])
    change(client, older, parent_id=top)
    low = add(client, parent_id=add(client, parent_id=top))
    alone, elsewhere, nowhere = add(client, list_id=home), add(client, list_id=work), add(client)
    before, seq = everything(client), cursor(client)
    remove(client, f"/lists/{home}")
    gone = [each for each in before["tasks"] if each["list_id"] == home]
    assert [each["id"] for each in walk(client, "/tasks")] == [elsewhere, nowhere]
    assert {each["id"] for each in walk(client, "/trash")} == {each["id"] for each in gone}
    assert list_ids(client) == [work]
    assert walk(client, "/tags") == []
    changes = changes_after(client, seq)
    assert {each["operation"] for each in changes} == {seq + 1}
    assert [(each["kind"], each["id"]) for each in changes[-1:]] == [("list", home)]
    order = [each["id"] for each in changes]
    assert order.index(low) < order.index(low - 1) < order.index(top), "a parent went first"
    assert order.index(older) < order.index(top)
    for field, value in (("list_id", home), ("parent_id", top)):
        refused = client.post("/tasks", json={"title": "a", field: value})
        assert refused.json()["errors"][0]["field"] == field
        refused = client.patch(f"/tasks/{nowhere}", json={field: value})
        assert refused.json()["errors"][0]["field"] == field

    restored = client.post(f"/trash/{top}/restore").json()
    assert (restored["list_id"], restored["tags"]) == (None, ["x"])
    assert get(client, low)["list_id"] is None
    assert [each["id"] for each in walk(client, "/trash")] == [alone]
    tasks_make_a_tree(client)
    undo(client, cursor(client))

    undo(client, seq + 1)
    after = everything(client)
    assert after["trash"] == []
    for name in ("tasks", "lists"):
        counted = [each | {"version": 0, "updated_at": ""} for each in after[name]]
        assert counted == [each | {"version": 0, "updated_at": ""} for each in before[name]]
    tasks_make_a_tree(client)
