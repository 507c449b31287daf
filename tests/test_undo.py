"""Undo: every operation is reversed whole, by the journal, unless something later is in the way."""

from collections.abc import Callable
from typing import Any

import httpx2

from tests.support.accounts import log_in, make_accounts
from tests.support.journal import changes_after, tasks_and_journal_agree, walk
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

Shown = dict[str, Any]


def shown(client: httpx2.Client) -> Shown:
    """All that a client can see, but for versions and the times that go with them."""
    seen = everything(client)
    for kind in ("tasks", "lists", "trash"):
        for each in seen[kind]:
            for counted in ("version", "updated_at", "deleted_at"):
                each.pop(counted, None)
    seen["trash"] = {each["id"] for each in seen["trash"]}
    return seen


def is_refused(client: httpx2.Client, undone: int, /, **conflict: Any) -> None:
    """By a 409 that names the change in the way, and nothing is done."""
    before, newest = everything(client), cursor(client)
    answer = client.post(f"/changes/{undone}/undo")
    assert answer.status_code == 409, answer.text
    check_problem(answer)
    problem = answer.json()
    assert problem["type"] == "/problems/undo-conflict"
    assert problem["conflict"].keys() == {
        *("seq", "at", "actor", "action", "kind", "id", "operation")
    }
    assert conflict.items() <= problem["conflict"].items(), problem
    assert (everything(client), cursor(client)) == (before, newest)


EVERY_FIELD: dict[str, Any] = {
    "title": "other",
    "done": True,
    "notes": "some\nnotes",
    "due": "2026-12-01T09:00:00+01:00",
    "priority": "high",
    "tags": ["Y", "x", "z"],
    "list_id": 2,
    "parent_id": 2,
    "position": "Z",
}


def change_of(**fields: Any) -> Callable[[httpx2.Client], httpx2.Response]:
    return lambda client: client.patch("/tasks/3", json=fields)


ACTIONS: dict[str, Callable[[httpx2.Client], httpx2.Response]] = {
    **{f"changing {name}": change_of(**{name: value}) for name, value in EVERY_FIELD.items()},
    "clearing": change_of(title="a", due=None, notes="", tags=[], done=False),
    "changing all": change_of(**EVERY_FIELD | {"parent_id": None}),
    "leaving its list": change_of(list_id=None),
    "a new task": lambda client: client.post("/tasks", json={"title": "new", "tags": ["x", "n"]}),
    "a subtask": lambda client: client.post("/tasks", json={"title": "new", "parent_id": 4}),
    "deletion": lambda client: client.delete("/tasks/3"),
    "deletion of a subtask": lambda client: client.delete("/tasks/4"),
    "restoring": lambda client: client.post("/trash/6/restore"),
    "a new list": lambda client: client.post("/lists", json={"name": "new"}),
    "renaming a list": lambda client: client.patch("/lists/1", json={"name": "b"}),
    "archiving a list": lambda client: client.patch(
        "/lists/1", json={"archived": True, "name": "c"}
    ),
    "deleting a list": lambda client: client.delete("/lists/1"),
    "deleting an empty list": lambda client: client.delete("/lists/3"),
    "renaming a tag": lambda client: client.patch("/tags/x", json={"tag": "new"}),
    "respelling a tag": lambda client: client.patch("/tags/x", json={"tag": "X"}),
    "merging tags": lambda client: client.patch("/tags/x", json={"tag": "y"}),
    "a batch": lambda client: client.post(
        "/tasks/batch",
        json={
            "operations": [
                {"op": "create", "task": {"title": "new", "list_id": 2, "tags": ["x"]}},
                {"op": "update", "id": 3, "changes": {"parent_id": "#0", "done": True}},
                {"op": "delete", "id": 5},
                {"op": "update", "id": 3, "changes": {"parent_id": None, "list_id": None}},
            ]
        },
    ),
}


def test_every_action_is_undone_and_done_again(client: httpx2.Client) -> None:
    """Undoing is the identity on all but versions, times and the journal; so is undoing twice."""
    for name in ("Home", "Work", "Empty"):
        add_list(client, name)
    add(client, "elsewhere", list_id=2, tags=["y"])  # 1
    add(client, "top", list_id=1)  # 2
    add(client, "subject", list_id=1, notes="n", due="2026-12-01", tags=["x", "y"])  # 3
    add(client, "child", parent_id=3, tags=["X"], done=True)  # 4
    add(client, "low", parent_id=4)  # 5
    add(client, "gone", list_id=1, tags=["x"])  # 6
    add(client, "gone too", parent_id=6)
    remove(client, "/tasks/6")
    versions: dict[tuple[str, int], tuple[int, Shown]] = {}

    def check() -> None:
        """No version of anything is ever given to another state of it."""
        tasks_make_a_tree(client)
        for kind in ("tasks", "lists"):
            for each in walk(client, f"/{kind}"):
                known = {name: value for name, value in each.items() if name != "open_count"}
                last = versions.setdefault((kind, each["id"]), (each["version"], known))
                assert each["version"] >= last[0], (kind, each)
                assert each["version"] > last[0] or known == last[1], (kind, each)
                versions[kind, each["id"]] = (each["version"], known)

    def is_as(expected: Shown, made: set[int], what: str) -> None:
        """But for what the action made: undoing that puts it into the trash."""
        check()
        now = shown(client)
        assert now.pop("trash") == expected["trash"] | made, what
        assert now == {kind: expected[kind] for kind in now}, what

    for name, action in ACTIONS.items():
        before, seq = shown(client), cursor(client)
        answer = action(client)
        assert answer.is_success, (name, answer.text)
        after = shown(client)
        assert after != before, name
        changes = changes_after(client, seq)
        made = {each["id"] for each in changes if each["action"] == "create"}
        made = {each["id"] for each in after["tasks"]} & made - {
            each["id"] for each in before["tasks"]
        }
        check()
        undone = undo(client, cursor(client))
        is_as(before, made, name)
        assert {each["undoes"] for each in changes_after(client, undone - 1)} == {seq + 1}
        redone = undo(client, undone)
        is_as(after, set(), name)
        undo(client, redone)
        is_as(before, made, name)
        is_refused(client, seq + 1)


def test_an_undo_is_told_and_can_be_undone_once(client: httpx2.Client) -> None:
    task_id = add(client)
    change(client, task_id, title="b", priority="low")
    answer = client.post("/changes/2/undo", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    (made,) = answer.json()["changes"]
    assert made == {
        "seq": 3,
        "at": made["at"],
        "actor": "open",
        "action": "update",
        "kind": "task",
        "id": task_id,
        "before": made["before"],
        "after": get(client, task_id),
        "operation": 3,
        "key": "k",
        "undoes": 2,
    }
    assert (made["before"]["title"], made["after"]["title"]) == ("b", "a")
    assert made["after"]["version"] == 3
    is_refused(client, 2, seq=3, action="update", kind="task", id=task_id, operation=3)
    assert undo(client, 3) == 4
    is_refused(client, 3, seq=4)
    assert undo(client, 2) == 5, "it holds again, and can be undone again"
    assert get(client, task_id)["title"] == "a"
    tasks_and_journal_agree(client)


def test_step_by_step_back_and_forth(client: httpx2.Client) -> None:
    """Three edits of one field are undone from the last to the first, and done again."""
    task_id = add(client, "0")
    for title in ("1", "2", "3"):
        change(client, task_id, title=title)
    edits = [2, 3, 4]
    for _ in range(2):
        for seq in edits[:-1]:
            is_refused(client, seq)
        undone = []
        for seq, title in zip(edits[::-1], "210", strict=True):
            undone.append(undo(client, seq))
            assert get(client, task_id)["title"] == title
            is_refused(client, seq)
        for seq in undone[:-1]:
            is_refused(client, seq)
        edits = []
        for seq, title in zip(undone[::-1], "123", strict=True):
            edits.append(undo(client, seq))
            assert get(client, task_id)["title"] == title
    undo(client, edits[2])
    change(client, task_id, title="4")
    is_refused(client, edits[1], seq=cursor(client))
    undo(client, cursor(client))
    undo(client, edits[1])
    assert get(client, task_id)["title"] == "1"
    tasks_and_journal_agree(client)


def test_only_a_later_change_of_the_same_field_is_in_the_way(client: httpx2.Client) -> None:
    work = add_list(client, "Work")
    under, other = add(client, "under"), add(client, "other", list_id=work)
    values: dict[str, list[Any]] = {
        "title": ["b", "c"],
        "done": [True, False],
        "notes": ["b", ""],
        "due": ["2026-12-01", "2026-12-01T00:00:00Z"],
        "priority": ["high", "low"],
        "tags": [["b"], ["B"]],
        "position": ["b", "c"],
        "parent_id": [under, None],
    }
    task_id = add(client)
    for field, (value, _) in values.items():
        before = get(client, task_id)
        change(client, task_id, **{field: value})
        seq = cursor(client)
        for another, (_, then) in values.items():
            if another != field:
                change(client, task_id, **{another: then})
        undo(client, seq)
        now = get(client, task_id)
        assert now[field] == before[field]
        for another, (_, then) in values.items():
            assert another == field or now[another] == then, "what came later is kept"

    for field, (value, then) in values.items():
        original = change(client, task_id, **{field: then})[field]
        changed = client.patch(f"/tasks/{task_id}", json={field: value})
        seq = cursor(client)
        change(client, task_id, **{field: then})
        is_refused(client, seq, id=task_id, seq=cursor(client))
        change(client, task_id, **{field: value})  # it is as the change left it, by hand
        assert get(client, task_id)[field] == changed.json()[field]
        is_refused(client, seq, seq=cursor(client))
        undo(client, seq + 2)
        undo(client, seq + 1)
        undo(client, seq)
        assert get(client, task_id)[field] == original

    seq = cursor(client)
    change(client, other, done=True)
    completed = get(client, other)["completed_at"]
    change(client, other, title="b")
    assert undo(client, seq + 1)
    assert get(client, other)["completed_at"] is None
    undo(client, cursor(client))
    assert get(client, other)["completed_at"] == completed, "the time at which it was done"
    tasks_make_a_tree(client)


def test_a_later_deletion_or_restore_is_in_the_way_of_what_it_lost(client: httpx2.Client) -> None:
    top = add(client, "top")
    task_id = add(client, parent_id=top)
    change(client, task_id, title="b")
    titled = cursor(client)
    change(client, task_id, parent_id=None)
    change(client, task_id, parent_id=top)
    moved = cursor(client)
    remove(client, f"/tasks/{task_id}")
    deleted = cursor(client)
    is_refused(client, titled, seq=deleted, action="delete")
    client.post(f"/trash/{task_id}/restore")
    is_refused(client, deleted, action="restore")
    undo(client, titled)
    assert get(client, task_id)["title"] == "a", "deleting and restoring lost nothing of it"
    remove(client, f"/tasks/{task_id}")
    remove(client, f"/tasks/{top}")
    client.post(f"/trash/{task_id}/restore")  # to the top, since its parent is gone
    is_refused(client, moved, action="restore")
    undo(client, cursor(client))
    undo(client, deleted + 4)
    tasks_make_a_tree(client)


def test_a_new_task_with_later_subtasks_stays(client: httpx2.Client) -> None:
    top = add(client)
    created = cursor(client)
    child = add(client, parent_id=top)
    low = add(client, parent_id=child)
    is_refused(client, created, action="create", id=child)
    is_refused(client, created + 1, id=low)
    change(client, low, parent_id=None)
    undo(client, created + 1)
    assert client.get(f"/tasks/{child}").status_code == 404
    undo(client, created)
    assert [each["id"] for each in walk(client, "/trash")] == [top, child]
    assert tasks_make_a_tree(client) == {low: 1}
    home = add_list(client)
    made = cursor(client)
    change(client, low, list_id=home)
    is_refused(client, made, kind="task", id=low)
    undo(client, cursor(client))
    undo(client, made)
    assert walk(client, "/lists") == []
    tasks_make_a_tree(client)


def test_no_undo_brings_a_task_to_where_it_cant_be(client: httpx2.Client) -> None:
    """A list or a parent that is gone, or has moved to another list."""
    home, work = add_list(client, "Home"), add_list(client, "Work")
    top, task_id = add(client, list_id=home), add(client, list_id=home)
    child = add(client, parent_id=task_id)
    change(client, task_id, list_id=work)
    moved = cursor(client)
    remove(client, f"/lists/{home}")
    is_refused(client, moved, kind="list", id=home, action="delete")
    undo(client, cursor(client))
    undo(client, moved)
    change(client, task_id, parent_id=top)
    change(client, task_id, parent_id=None)
    moved = cursor(client)
    remove(client, f"/tasks/{top}")
    is_refused(client, moved, kind="task", id=top, action="delete")
    client.post(f"/trash/{top}/restore")
    change(client, top, list_id=work)
    is_refused(client, moved)
    change(client, top, list_id=home)
    undo(client, moved)
    assert tasks_make_a_tree(client) == {top: 1, task_id: 2, child: 3}


def test_a_deletion_is_undone_where_there_is_still_room(client: httpx2.Client) -> None:
    home = add_list(client)
    top = add(client, list_id=home)
    child = add(client, parent_id=top)
    low = add(client, parent_id=child)
    remove(client, f"/tasks/{child}")
    deleted = cursor(client)
    change(client, top, list_id=None)
    undo(client, deleted)
    assert get(client, low)["list_id"] is None, "its parent has moved meanwhile"
    undo(client, cursor(client))
    remove(client, f"/tasks/{top}")
    undo(client, deleted)
    assert tasks_make_a_tree(client) == {child: 1, low: 2}


def test_what_was_purged_or_never_was_cant_be_undone(client: httpx2.Client) -> None:
    task_id, other = add(client), add(client)
    change(client, task_id, title="b")
    client.post(
        "/tasks/batch",
        json={
            "operations": [
                {"op": "update", "id": other, "changes": {"done": True}},
                {"op": "delete", "id": task_id},
            ]
        },
    ).raise_for_status()
    remove(client, f"/trash/{task_id}")
    newest = cursor(client)
    before = everything(client)
    for seq in (1, 3, 4, 5, newest):
        answer = client.post(f"/changes/{seq}/undo")
        assert answer.status_code == 410, seq
        check_problem(answer)
        assert answer.json()["type"] == "/problems/purged"
    for seq in (newest + 1, 99_999, 2**63 - 1):
        answer = client.post(f"/changes/{seq}/undo")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Change not found"}), seq
    for path in ("0", "-1", "01", "1.0", "a", "%00", str(2**63), "9" * 4000):
        answer = client.post(f"/changes/{path}/undo")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "seq"), path
    for body, status in ((b"[]", 422), (b'{"a":1}', 422), (b"{", 400)):
        headers = {"Content-Type": "application/json"}
        answer = client.post("/changes/2/undo", content=body, headers=headers)
        assert answer.status_code == status, body
    assert client.post("/changes/2/undo", content=b"x").status_code == 415
    assert client.get("/changes/2/undo").status_code == 405
    assert (everything(client), cursor(client)) == (before, newest)
    is_refused(client, 2, id=other)
    assert client.post("/changes/2/undo", json={}).status_code == 409


def test_a_key_undoes_once(client: httpx2.Client) -> None:
    task_id = add(client)
    change(client, task_id, title="b")
    headers = {"Idempotency-Key": "k"}
    first = client.post("/changes/2/undo", headers=headers)
    change(client, task_id, title="c")
    again = client.post("/changes/2/undo", headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert get(client, task_id)["title"] == "c"
    other = client.post("/changes/4/undo", headers=headers)
    assert other.json()["type"] == "/problems/idempotency-mismatch"
    assert client.post("/changes/2/undo", headers={"Idempotency-Key": "l"}).status_code == 409
    undo(client, 4)
    refused_before = client.post("/changes/2/undo", headers={"Idempotency-Key": "l"})
    assert refused_before.status_code == 409, "a refusal is not kept, but it is still undone"
    undo(client, 3)
    assert client.post("/changes/2/undo", headers={"Idempotency-Key": "l"}).status_code == 200


def test_no_version_is_given_twice(client: httpx2.Client) -> None:
    """What is back by undoing an old deletion counts on from the version that it had last."""
    top = add(client)
    child = add(client, parent_id=top)
    remove(client, f"/tasks/{top}")
    deleted = cursor(client)
    restored = client.post(f"/trash/{child}/restore")
    seq = cursor(client)
    assert (restored.json()["version"], restored.json()["parent_id"]) == (2, None)
    undo(client, seq)
    undo(client, deleted)
    back = client.get(f"/tasks/{child}", headers={"If-None-Match": restored.headers["etag"]})
    assert (back.status_code, back.json()["parent_id"], back.json()["version"]) == (200, top, 3)

    list_id = add_list(client)
    remove(client, f"/lists/{list_id}")
    deleted = cursor(client)
    back_again = undo(client, deleted)
    renamed = client.patch(f"/lists/{list_id}", json={"name": "b"})
    undo(client, cursor(client))
    undo(client, back_again)
    undo(client, deleted)
    back = client.get(f"/lists/{list_id}")
    assert (renamed.json()["version"], back.json()["version"]) == (3, 5)
    tasks_make_a_tree(client)


def test_what_is_under_a_task_goes_along_to_where_an_undo_puts_it(client: httpx2.Client) -> None:
    """Also where the tree has changed between the two."""
    one, two, three = add_list(client), add_list(client), add_list(client)
    inner, outer, top = (
        add(client, list_id=one),
        add(client, list_id=two),
        add(client, list_id=three),
    )
    client.post(
        "/tasks/batch",
        json={
            "operations": [
                {"op": "update", "id": inner, "changes": {"parent_id": outer}},
                {"op": "update", "id": top, "changes": {"list_id": two}},
            ]
        },
    ).raise_for_status()
    moved = cursor(client)
    change(client, outer, parent_id=top)
    low = add(client, parent_id=inner)
    before = shown(client)
    undone = undo(client, moved)
    assert [get(client, each)["list_id"] for each in (inner, low, top, outer)] == [
        *(one, one, three, three)
    ]
    tasks_make_a_tree(client)
    undo(client, undone)
    assert shown(client) == before
    tasks_make_a_tree(client)

    client.post(
        "/tasks/batch",
        json={
            "operations": [
                {"op": "update", "id": inner, "changes": {"title": "b"}},
                {"op": "update", "id": top, "changes": {"list_id": one}},
            ]
        },
    ).raise_for_status()
    undo(client, cursor(client))
    alone = add(client, "alone", list_id=three)
    client.post(
        "/tasks/batch",
        json={
            "operations": [
                {"op": "update", "id": alone, "changes": {"title": "b"}},
                {"op": "update", "id": top, "changes": {"list_id": three}},
            ]
        },
    ).raise_for_status()
    moved = cursor(client)
    change(client, alone, parent_id=top)
    undo(client, moved)
    assert (get(client, alone)["title"], get(client, alone)["list_id"]) == ("alone", two)
    tasks_make_a_tree(client)


def test_no_undo_reaches_another_account(client: httpx2.Client, database_url: str) -> None:
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    log_in(client, "ada")
    hers = add(client, "hers", tags=["x"])
    change(client, hers, title="changed by her")
    change(client, hers, title="and again")
    seen, journal = everything(client), changes_after(client, 0)
    log_in(client, "bob")
    mine = add(client, "mine")
    change(client, mine, title="b")
    for seq in (3, 4):
        answer = client.post(f"/changes/{seq}/undo")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Change not found"})
    assert undo(client, 2) == 3, "each counts from 1"
    assert get(client, mine)["title"] == "mine"
    tasks_and_journal_agree(client)
    log_in(client, "ada")
    assert (everything(client), changes_after(client, 0)) == (seen, journal)
    undo(client, 3)
    assert get(client, hers)["title"] == "changed by her"


def test_a_batch_that_moves_a_tree_and_changes_its_root_again_is_undone(
    client: httpx2.Client,
) -> None:
    """What stands under the root goes back in another step than the root itself."""
    home = add_list(client)
    root = add(client, "root", list_id=home)
    below = add(client, "below", parent_id=root)
    add(client, "below that", parent_id=below)
    before = shown(client)
    batch = [
        {"op": "update", "id": root, "changes": {"list_id": None}},
        {"op": "update", "id": root, "changes": {"title": "renamed"}},
    ]
    answer = client.post("/tasks/batch", json={"operations": batch})
    assert answer.status_code == 200, answer.text
    after = shown(client)
    undo(client, cursor(client))
    assert shown(client) == before
    undo(client, cursor(client))
    assert shown(client) == after
    tasks_make_a_tree(client)
    tasks_and_journal_agree(client)
