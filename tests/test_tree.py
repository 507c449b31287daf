"""Where tasks stand: under which task, in which list, behind which other one."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.support.journal import changes_after, walk
from tests.support.problems import check_problem
from tests.support.servers import ServerProcess
from tests.support.tasks import (
    MOST_LEVELS,
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


def line(client: httpx2.Client, levels: int, **fields: Any) -> list[int]:
    """So many tasks, each under the one before."""
    ids = [add(client, **fields)]
    while len(ids) < levels:
        ids.append(add(client, parent_id=ids[-1]))
    return ids


def move(client: httpx2.Client, task_id: int, **place: int | None) -> httpx2.Response:
    return client.patch(f"/tasks/{task_id}", json=place)


def batch(client: httpx2.Client, *operations: dict[str, Any]) -> httpx2.Response:
    return client.post("/tasks/batch", json={"operations": operations})


def moving(task_id: int | str, parent_id: int | str | None) -> dict[str, Any]:
    """An operation of a batch that puts a task under another one."""
    return {"op": "update", "id": task_id, "changes": {"parent_id": parent_id}}


def is_refused(answer: httpx2.Response, code: str, field: str = "parent_id") -> None:
    """By a 422 that names the field."""
    assert answer.status_code == 422, answer.text
    check_problem(answer)
    errors = [(each["field"], each["code"]) for each in answer.json()["errors"]]
    assert errors == [(field, code)]


def test_a_subtask_is_found_by_its_parent(client: httpx2.Client) -> None:
    top = add(client)
    children = [add(client, parent_id=top) for _ in range(3)]
    low = add(client, parent_id=children[0])
    assert [each["id"] for each in walk(client, "/tasks", parent_id=top)] == children
    assert [each["id"] for each in walk(client, "/tasks", parent_id="none")] == [top]
    assert client.get(f"/tasks/count?parent_id={children[0]}").json() == {"count": 1}
    done = change(client, top, done=True)
    assert done["completed_at"]
    assert not any(get(client, each)["done"] for each in [*children, low]), "they are left as is"
    assert change(client, low, parent_id=None)["parent_id"] is None
    assert tasks_make_a_tree(client) == {top: 1} | dict.fromkeys(children, 2) | {low: 1}


def test_there_are_at_most_eight_levels(client: httpx2.Client) -> None:
    deep = line(client, MOST_LEVELS)
    two, three = line(client, 2), line(client, 3)
    before = everything(client)
    refused = [
        client.post("/tasks", json={"title": "a", "parent_id": deep[-1]}),
        move(client, two[0], parent_id=deep[6]),
        move(client, three[0], parent_id=deep[5]),
        move(client, deep[0], parent_id=two[0]),
        batch(client, moving(three[0], deep[5])),
        batch(client, moving(two[0], three[-1]), moving(three[0], deep[3])),
        batch(client, moving(two[0], deep[5]), moving(three[0], two[1])),
    ]
    for answer in refused:
        is_refused(answer, "too_deep")
    assert everything(client) == before
    move(client, three[0], parent_id=deep[4])
    assert max(tasks_make_a_tree(client).values()) == MOST_LEVELS
    above = add(client)
    is_refused(move(client, deep[0], parent_id=above), "too_deep")
    move(client, deep[4], parent_id=above)  # half of the line is no longer too deep
    assert tasks_make_a_tree(client)[deep[-1]] == 5


@pytest.mark.database("sqlite")
def test_no_undo_and_no_restore_makes_more_levels(client: httpx2.Client) -> None:
    """An undo is refused; what is restored comes to the top."""
    deep, three = line(client, MOST_LEVELS - 1), line(client, 3)
    move(client, three[0], parent_id=deep[4])
    move(client, three[0], parent_id=None)
    moved_out = cursor(client)
    below = add(client, parent_id=three[2])
    before = everything(client)
    answer = client.post(f"/changes/{moved_out}/undo")
    assert answer.status_code == 409
    check_problem(answer)
    assert answer.json()["conflict"]["id"] == deep[4]
    assert everything(client) == before

    remove(client, f"/tasks/{below}")
    undo(client, moved_out)
    assert tasks_make_a_tree(client)[three[2]] == MOST_LEVELS
    remove(client, f"/tasks/{three[0]}")
    deleted = cursor(client)
    assert client.post(f"/trash/{three[0]}/restore").json()["parent_id"] == deep[4]
    undo(client, cursor(client))
    change(client, deep[0], parent_id=add(client))
    assert client.post(f"/trash/{three[0]}/restore").json()["parent_id"] is None
    undo(client, cursor(client))
    undo(client, deleted)
    assert get(client, three[0])["parent_id"] is None
    tasks_make_a_tree(client)


def test_no_task_comes_under_itself_however_it_is_tried(client: httpx2.Client) -> None:
    ids = line(client, 5)
    other = add(client)
    seq = cursor(client)
    before = everything(client)
    for number, task_id in enumerate(ids):
        for under in ids[number:]:
            is_refused(move(client, task_id, parent_id=under), "cycle")
            is_refused(batch(client, moving(task_id, under)), "cycle")
    for operations in (
        [moving(other, ids[4]), moving(ids[0], other)],
        [moving(ids[2], None), moving(ids[1], other), moving(other, ids[1])],
        [{"op": "create", "task": {"title": "a"}}, moving("#0", "#0")],
        [{"op": "create", "task": {"title": "a", "parent_id": ids[4]}}, moving(ids[0], "#0")],
        [
            {"op": "create", "task": {"title": "a"}},
            {"op": "create", "task": {"title": "a", "parent_id": "#0"}},
            moving("#0", "#1"),
        ],
    ):
        answer = batch(client, *operations)
        is_refused(answer, "cycle")
        assert answer.json()["operation"] == len(operations) - 1
    assert everything(client) == before
    assert cursor(client) == seq

    # The other way round is none: the line is turned over.
    turned = [moving(each, None) for each in ids]
    turned += [moving(low, high) for high, low in zip(ids[::-1], ids[-2::-1], strict=False)]
    assert batch(client, *turned).status_code == 200
    assert tasks_make_a_tree(client) == dict(zip(ids[::-1], range(1, 6), strict=True)) | {other: 1}
    undo(client, cursor(client))
    assert tasks_make_a_tree(client) == dict(zip(ids, range(1, 6), strict=True)) | {other: 1}


@pytest.mark.database("sqlite")
def test_no_undo_puts_a_task_under_itself(client: httpx2.Client) -> None:
    first, second, third = add(client), add(client), add(client)
    change(client, first, parent_id=second)
    batch(client, moving(first, None), {"op": "update", "id": third, "changes": {"title": "b"}})
    moved = cursor(client)
    change(client, third, parent_id=first)
    change(client, second, parent_id=third)
    before = everything(client)
    answer = client.post(f"/changes/{moved}/undo")
    assert answer.status_code == 409
    check_problem(answer)
    assert answer.json()["conflict"]["id"] == second
    assert everything(client) == before, "nothing of it, not even the title"
    change(client, second, parent_id=None)
    undo(client, moved)
    assert tasks_make_a_tree(client) == {second: 1, first: 2, third: 3}


@pytest.mark.database("sqlite")
def test_what_is_restored_never_comes_under_itself(client: httpx2.Client) -> None:
    top, middle, low = line(client, 3)
    remove(client, f"/tasks/{middle}")
    is_refused(move(client, top, parent_id=middle), "not_found")
    is_refused(move(client, top, parent_id=low), "not_found")
    client.post(f"/trash/{low}/restore")
    move(client, top, parent_id=low)
    client.post(f"/trash/{middle}/restore")
    assert tasks_make_a_tree(client) == {low: 1, top: 2, middle: 3}


@pytest.mark.database("sqlite")
def test_a_parent_or_a_list_has_to_be_there(client: httpx2.Client) -> None:
    task, gone, gone_list = add(client), add(client), add_list(client)
    remove(client, f"/tasks/{gone}")
    remove(client, f"/lists/{gone_list}")
    for field, missing in (
        *(("parent_id", each) for each in (gone, 99, 2**63 - 1)),
        *(("list_id", each) for each in (gone_list, 99, 2**63 - 1)),
    ):
        is_refused(client.post("/tasks", json={"title": "a", field: missing}), "not_found", field)
        is_refused(move(client, task, **{field: missing}), "not_found", field)
    for field in ("parent_id", "list_id"):
        for wrong in (0, -1, 2**63, "1", 1.0, True, "#0", [1]):
            for answer in (
                client.post("/tasks", json={"title": "a", field: wrong}),
                client.patch(f"/tasks/{task}", json={field: wrong}),
            ):
                assert answer.status_code == 422, wrong
                assert answer.json()["errors"][0]["field"] == field
    assert client.post("/tasks", json={"title": "a", "parent_id": None}).status_code == 201


Request = tuple[str, str, dict[str, Any] | None]
ROUNDS = 10


def moves(task_id: int, parent_id: int) -> Request:
    return "PATCH", f"/tasks/{task_id}", {"parent_id": parent_id}


def batches(*operations: dict[str, Any]) -> Request:
    return "POST", "/tasks/batch", {"operations": operations}


def test_two_requests_at_once_never_make_a_cycle(
    serve: Callable[..., ServerProcess], long: bool
) -> None:
    """Each alone is right; together they would put tasks under each other, or too deep."""
    with serve().client() as one, serve().client() as other, ThreadPoolExecutor(2) as pool:
        together = threading.Barrier(2)

        def send(client: httpx2.Client, request: Request) -> int:
            method, path, body = request
            together.wait(20)
            return client.request(method, path, json=body).status_code

        def race(*requests: Request) -> tuple[int, ...]:
            """The statuses of two requests that are sent at once, by two clients."""
            return tuple(pool.map(send, (one, other), requests))

        for _ in range(ROUNDS * 20 if long else ROUNDS):
            first, second = add(one), add(one)
            statuses = race(moves(first, second), moves(second, first))
            assert sorted(statuses) == [200, 422]

            first, middle, last = line(one, 3)
            second, third = line(one, 2)
            statuses = race(
                batches(moving(second, middle), moving(last, None)),
                batches(moving(last, None), moving(first, third)),
            )
            assert sorted(statuses) == [200, 422]

            first, second = line(one, 2)
            change(one, second, parent_id=None)
            undoes = ("POST", f"/changes/{cursor(one)}/undo", None)
            assert race(undoes, moves(first, second)) in ((200, 422), (409, 200))

            first, second = line(one, 2)
            remove(one, f"/tasks/{second}")
            restores = ("POST", f"/trash/{second}/restore", None)
            assert race(restores, moves(first, second)) == (200, 422)

            deep, more = line(one, 4), line(one, 4)
            adds = ("POST", "/tasks", {"title": "a", "parent_id": more[-1]})
            assert race(moves(more[0], deep[-1]), adds) in ((200, 422), (422, 201))

            top, child = add(one), add(one)
            removes = ("DELETE", f"/tasks/{top}", None)
            assert race(removes, moves(child, top)) in ((204, 422), (204, 200))
        tasks_make_a_tree(one)


def test_moving_a_parent_moves_what_is_under_it_in_one_operation(client: httpx2.Client) -> None:
    home, work = add_list(client), add_list(client)
    ids = line(client, 4, list_id=home)
    ids.append(add(client, parent_id=ids[0], done=True, tags=["x"]))
    alone = add(client, list_id=home)
    assert [get(client, each)["list_id"] for each in ids] == [home] * 5
    for place in ({"list_id": work}, {"list_id": None}, {"parent_id": add(client, list_id=work)}):
        before, seq = {each: get(client, each) for each in ids}, cursor(client)
        moved = change(client, ids[0], **place)
        assert moved["list_id"] == place.get("list_id", work)
        changes = changes_after(client, seq)
        assert {each["operation"] for each in changes} == {seq + 1}
        assert sorted(each["id"] for each in changes) == sorted(ids)
        for each in ids[1:]:
            now = get(client, each)
            counted = {"updated_at": moved["updated_at"], "version": before[each]["version"] + 1}
            assert now == before[each] | counted | {"list_id": moved["list_id"]}
        tasks_make_a_tree(client)
        undo(client, seq + 1)
        assert [get(client, each)["list_id"] for each in ids] == [
            before[each]["list_id"] for each in ids
        ]
        undo(client, cursor(client))
        tasks_make_a_tree(client)

    seq = cursor(client)
    top = add(client, list_id=work)
    change(client, ids[0], parent_id=top)
    assert [each["id"] for each in changes_after(client, seq + 1)] == [ids[0]], "the same list"
    assert get(client, alone)["version"] == 1


def test_a_subtask_is_always_in_the_list_of_its_parent(client: httpx2.Client) -> None:
    home, work = add_list(client), add_list(client)
    top, loose = add(client, list_id=home), add(client)
    child = add(client, parent_id=top, list_id=home)
    assert get(client, child)["list_id"] == home
    for answer in (
        client.post("/tasks", json={"title": "a", "parent_id": top, "list_id": work}),
        client.post("/tasks", json={"title": "a", "parent_id": loose, "list_id": work}),
        move(client, child, list_id=work),
        move(client, child, list_id=None),
        move(client, child, list_id=home, parent_id=loose),
        move(client, loose, list_id=work, parent_id=top),
    ):
        is_refused(answer, "other_list", "list_id")
    assert move(client, child, list_id=home).json()["version"] == 1, "that is where it is"
    assert change(client, loose, parent_id=top)["list_id"] == home
    assert change(client, loose, parent_id=None)["list_id"] == home, "it stays in the list"
    assert change(client, child, parent_id=None, list_id=work)["list_id"] == work
    assert change(client, loose, parent_id=child, list_id=work)["list_id"] == work
    tasks_make_a_tree(client)


def test_a_new_task_stands_behind_the_last_of_its_list(client: httpx2.Client) -> None:
    home, work = add_list(client), add_list(client)
    places: list[dict[str, Any]] = [{}, {"list_id": home}, {"list_id": work}]
    made: dict[int | None, list[int]] = {None: [], home: [], work: []}
    for number in range(9):
        place = places[number % 3]
        made[place.get("list_id")].append(add(client, **place))
    made[home].append(add(client, parent_id=made[home][0]))
    change(client, made[work][0], position="m5")
    made[work].append(made[work].pop(0))
    made[work].append(add(client, list_id=work))
    made[home].append(add(client, list_id=home, position=None))
    for list_id, ids in made.items():
        found = walk(client, "/tasks", list_id=list_id or "none", sort="position")
        assert [each["id"] for each in found] == ids
        positions = [each["position"] for each in found]
        assert positions == sorted(set(positions)), "two have the same"
        assert positions[0] == ("a0" if list_id != work else "a1")


@pytest.mark.database("sqlite")
def test_positions_stay_short_whatever_is_last(client: httpx2.Client) -> None:
    """Two hundred are appended behind the usual and behind every kind of key of a client's."""
    for last in (None, "0", "Z", "Zz", "az", "z", "zz", "yzz", "Hello", "0" * 100, "z" * 90):
        remove_all(client)
        if last is not None:
            add(client, position=last)
        answer = batch(client, *[{"op": "create", "task": {"title": "a"}}] * 200)
        made = [each["position"] for each in answer.json()["results"]]
        keys = [last, *made] if last else made
        assert keys == sorted(set(keys)), last
        assert max(map(len, made)) <= (len(last) + 4 if last else 3), last


@pytest.mark.database("sqlite")
def test_the_longest_key_of_all_has_none_behind_it_but_its_own(client: httpx2.Client) -> None:
    longest = "z" * 100
    first = add(client, position=longest)
    ids = [first, add(client), add(client, position=longest), add(client)]
    assert [get(client, each)["position"] for each in ids] == [longest] * 4
    for sort, expected in (("position", ids), ("-position", ids[::-1])):
        for limit in (1, 3, 500):
            found = walk(client, "/tasks", sort=sort, limit=limit)
            assert [each["id"] for each in found] == expected, "ties go by id"
    change(client, first, position="0")
    assert walk(client, "/tasks", sort="position")[0]["id"] == first


def test_keys_of_clients_sort_by_their_bytes(client: httpx2.Client) -> None:
    keys = ["0", "00", "0z", "9", "A", "Z", "Zz", "a", "a0", "a00", "aA", "aa", "b", "z" * 100]
    shuffled = keys[::2] + keys[1::2]
    for key in shuffled:
        add(client, position=key)
    assert [each["position"] for each in walk(client, "/tasks", sort="position", limit=3)] == keys
    task_id = add(client, position="5")
    for bad in ("", "!", "a b", "a\n", "é", "a-", "z" * 101, 5, "\u0660", "a\x00", ["a"]):
        for answer in (
            client.post("/tasks", json={"title": "a", "position": bad}),
            client.patch(f"/tasks/{task_id}", json={"position": bad}),
        ):
            assert answer.status_code == 422, bad
            assert [each["field"] for each in answer.json()["errors"]] == ["position"]
    assert client.patch(f"/tasks/{task_id}", json={"position": None}).status_code == 422


def remove_all(client: httpx2.Client) -> None:
    ids = [each["id"] for each in walk(client, "/tasks")]
    for some in (ids[start : start + 200] for start in range(0, len(ids), 200)):
        answer = batch(client, *({"op": "delete", "id": each} for each in some))
        assert answer.status_code == 200
