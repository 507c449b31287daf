"""Tags: which are the same, how many open tasks bear them, and renaming one in all its tasks."""

from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.journal import changes_after, tasks_and_journal_agree, walk
from tests.support.problems import check_problem
from tests.support.tasks import add, change, cursor, get, remove, undo

E_ACUTE, E_AND_ACUTE = "caf\u00e9", "cafe\u0301"
"""One text, composed and decomposed."""
SAME = [
    (E_ACUTE, E_AND_ACUTE),
    ("Straße", "STRASSE"),
    ("ΣΑΣ", "σας"),
    ("ǰ", "J\u030c"),
    ("\u212a", "k"),
]
DIFFERENT = [("a", "ä"), ("a b", "a  b"), ("1", "¹"), ("i", "ı")]  # noqa: RUF001


def rename(client: httpx2.Client, tag: str, to: str, **headers: str) -> httpx2.Response:
    path = f"/tags/{quote(tag, safe='')}"
    return client.patch(path, json={"tag": to}, headers=headers)


def tags(client: httpx2.Client) -> dict[str, int]:
    """The open count of each tag."""
    return {each["tag"]: each["open_count"] for each in walk(client, "/tags")}


def test_a_tag_is_renamed_in_every_task_that_bears_it_in_one_operation(
    client: httpx2.Client,
) -> None:
    first = add(client, tags=["a", "old", "b"])
    second = add(client, tags=["OLD"], done=True)
    third = add(client, tags=["older", "ol"])
    seq = cursor(client)
    answer = rename(client, "oLd", "new")
    assert (answer.status_code, answer.json()) == (200, {"tag": "new", "open_count": 1})
    assert get(client, first)["tags"] == ["a", "new", "b"]
    assert get(client, second)["tags"] == ["new"]
    assert get(client, third)["tags"] == ["older", "ol"]
    assert [get(client, each)["version"] for each in (first, second, third)] == [2, 2, 1]
    changes = changes_after(client, seq)
    assert [(each["id"], each["operation"]) for each in changes] == [
        (first, seq + 1),
        (second, seq + 1),
    ]
    assert [each["id"] for each in walk(client, "/tasks", tag="NEW")] == [first, second]
    assert [each["id"] for each in walk(client, "/tasks", q="new")] == [first, second]
    assert walk(client, "/tasks", tag="old") == []
    assert rename(client, "old", "new").json() == {"detail": "Tag not found"}
    tasks_and_journal_agree(client)


def test_renaming_onto_another_tag_makes_the_two_one(client: httpx2.Client) -> None:
    """A task that bears both keeps the first of both places, and no tag is there twice."""
    cases = [
        (["old"], ["new"]),
        (["new"], ["new"]),
        (["NEW"], ["NEW"]),  # is not touched: it doesn't bear the old one
        (["a", "old", "b", "new", "c"], ["a", "new", "b", "c"]),
        (["a", "New", "b", "old", "c"], ["a", "new", "b", "c"]),
        (["OLD", "nEw"], ["new"]),
        ([f"t{number}" for number in range(18)] + ["new", "old"], None),
    ]
    ids = [add(client, tags=before) for before, _ in cases]
    seq = cursor(client)
    answer = rename(client, "old", "new")
    assert answer.status_code == 200
    assert answer.json() == {"tag": "new", "open_count": len(cases)}
    for task_id, (before, after) in zip(ids, cases, strict=True):
        task = get(client, task_id)
        assert task["tags"] == (after or [*before[:18], "new"]), before
        assert task["version"] == (2 if task["tags"] != before else 1)
    assert len({each["operation"] for each in changes_after(client, seq)}) == 1
    assert tags(client)["new"] == len(cases)
    undo(client, cursor(client))
    for task_id, (before, _) in zip(ids, cases, strict=True):
        assert get(client, task_id)["tags"] == before
    assert tags(client)["old"] == 5
    tasks_and_journal_agree(client)


def test_renaming_changes_the_case_alone(client: httpx2.Client) -> None:
    ids = [add(client, tags=[spelling]) for spelling in ("home", "HOME", "Home")]
    assert rename(client, "HOME", "Home").json() == {"tag": "Home", "open_count": 3}
    assert [get(client, each)["tags"] for each in ids] == [["Home"]] * 3
    assert [get(client, each)["version"] for each in ids] == [2, 2, 1]
    seq = cursor(client)
    assert rename(client, "home", "Home").json() == {"tag": "Home", "open_count": 3}
    assert cursor(client) == seq, "nothing differed, so nothing is journaled"
    assert rename(client, "home", E_ACUTE).json()["tag"] == E_ACUTE
    assert rename(client, E_ACUTE, E_AND_ACUTE).json()["tag"] == E_AND_ACUTE
    assert tags(client) == {E_AND_ACUTE: 3}


@pytest.mark.database("sqlite")
def test_any_tag_can_stand_in_a_path_and_in_a_filter(client: httpx2.Client) -> None:
    for tag in (
        *("a/b", "/", "a%b", "%2F", "%", "a?b#c", "a&b=c", "a b", "+", ";", "..a", "...", "\\"),
        *(
            "買い物",
            "🗒️",
            E_AND_ACUTE,
            "'\"",
            "{tag}",
            "count",
            "null",
            "\u200b",
            "x" * 50,
            "🗒" * 50,
        ),
    ):
        task_id = add(client, tags=["first", tag])
        assert [each["id"] for each in walk(client, "/tasks", tag=tag)] == [task_id], tag
        answer = rename(client, tag, "then")
        assert (answer.status_code, answer.json()) == (200, {"tag": "then", "open_count": 1}), tag
        assert get(client, task_id)["tags"] == ["first", "then"], tag
        remove(client, f"/tasks/{task_id}")


def test_no_path_to_a_tag_is_a_fault_of_the_server(client: httpx2.Client) -> None:
    add(client, tags=["a"])
    for path in ("%00", "a%00", "%FF", "%ED%A0%80", "x" * 4000, "%F0%9F%97%92" * 400, "b", "%20a"):
        answer = client.patch(f"/tags/{path}", json={"tag": "b"})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Tag not found"}), path
    assert client.patch("/tags/a/b", json={"tag": "b"}).status_code == 404
    assert tags(client) == {"a": 1}


def test_tags_equal_after_nfc_and_case_folding_are_one(client: httpx2.Client) -> None:
    for one, other in SAME:
        refused = client.post("/tasks", json={"title": "a", "tags": [one, other]})
        assert refused.status_code == 422, (one, other)
        check_problem(refused)
        assert refused.json()["errors"][0]["field"] == "tags"
        ids = [add(client, tags=[one]), add(client, tags=[other])]
        assert [each["id"] for each in walk(client, "/tasks", tag=one)] == ids
        assert [each["id"] for each in walk(client, "/tasks", tag=[one, other])] == ids
        assert tags(client) == {one: 2}, "spelled as the oldest task has it"
        change(client, ids[0], tags=[other])
        assert tags(client) == {other: 2}
        for each in ids:
            remove(client, f"/tasks/{each}")
    for one, other in DIFFERENT:
        task_id = add(client, tags=[one, other])
        assert get(client, task_id)["tags"] == [one, other]
        assert tags(client) == {one: 1, other: 1}
        remove(client, f"/tasks/{task_id}")


@pytest.mark.database("sqlite")
def test_twenty_tags_of_fifty_characters_and_not_one_more(client: httpx2.Client) -> None:
    most = [f"{number:02}" + "🗒" * 48 for number in range(20)]
    task_id = add(client, tags=most)
    assert get(client, task_id)["tags"] == most
    bad: list[tuple[Any, str]] = [
        ([*most, "one more"], "tags"),
        (["x" * 51], "tags"),
        (["a", ""], "tags"),
        *(([tag], "tags") for tag in (" a", "a\u3000", "a,b", "a\x00b", "a\nb", "\x85", "\u2028")),
        ([5], "tags"),
        ([None], "tags"),
        (None, "tags"),
        ("a", "tags"),
        (["a", "b", "A"], "tags"),
    ]
    for wanted, field in bad:
        for answer in (
            client.post("/tasks", json={"title": "a", "tags": wanted}),
            client.patch(f"/tasks/{task_id}", json={"tags": wanted}),
        ):
            assert answer.status_code == 422, wanted
            check_problem(answer)
            assert answer.json()["errors"][0]["field"] == field, wanted
    for new in ("x" * 51, "", " a", "a,b", "a\x00", 5, None):
        answer = client.patch("/tags/00" + quote("🗒" * 48), json={"tag": new})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "tag"), new
    assert client.patch("/tags/a", json={}).json()["errors"][0]["code"] == "required"
    many = "&".join(f"tag={number}" for number in range(21))
    assert client.get(f"/tasks?{many}").status_code == 422
    assert client.get("/tasks?tag=a,b").status_code == 422
    assert get(client, task_id)["version"] == 1


def test_open_count_is_right_after_whatever_happens_to_the_tasks(client: httpx2.Client) -> None:
    task = add(client, tags=["a", "b"])
    add(client, tags=["A"], done=True)
    steps: list[tuple[str, Any, dict[str, int]]] = [
        ("made", lambda: None, {"a": 1, "b": 1}),
        ("done", lambda: change(client, task, done=True), {"a": 0, "b": 0}),
        ("undone", lambda: undo(client, cursor(client)), {"a": 1, "b": 1}),
        ("title", lambda: change(client, task, title="b"), {"a": 1, "b": 1}),
        (
            "both",
            lambda: change(client, task, done=True, tags=["b", "c"]),
            {"A": 0, "b": 0, "c": 0},
        ),
        ("open", lambda: change(client, task, done=False), {"A": 0, "b": 1, "c": 1}),
        ("deleted", lambda: remove(client, f"/tasks/{task}"), {"A": 0}),
        ("restored", lambda: client.post(f"/trash/{task}/restore"), {"A": 0, "b": 1, "c": 1}),
        ("renamed", lambda: rename(client, "a", "C"), {"b": 1, "c": 1}),
        ("undone again", lambda: undo(client, cursor(client)), {"A": 0, "b": 1, "c": 1}),
        ("deleted again", lambda: remove(client, f"/tasks/{task}"), {"A": 0}),
        ("and undone", lambda: undo(client, cursor(client)), {"A": 0, "b": 1, "c": 1}),
        ("no tags", lambda: change(client, task, tags=[]), {"A": 0}),
        (
            "in a batch",
            lambda: client.post(
                "/tasks/batch",
                json={
                    "operations": [
                        {"op": "create", "task": {"title": "a", "tags": ["d"]}},
                        {"op": "update", "id": "#0", "changes": {"done": True}},
                        {"op": "update", "id": task, "changes": {"tags": ["D"]}},
                    ]
                },
            ),
            {"A": 0, "D": 1},
        ),
        ("the batch undone", lambda: undo(client, cursor(client)), {"A": 0}),
    ]
    for what, step, expected in steps:
        etag = client.get("/tags").headers["etag"]
        step()
        assert tags(client) == expected, what
        again = client.get("/tags", headers={"If-None-Match": etag})
        assert again.status_code == (304 if what == "made" else 200), what
    tasks_and_journal_agree(client)


def test_tags_come_in_pages_by_their_folded_names(client: httpx2.Client) -> None:
    names = ["b", "Ä", "a", "C", "ß", "z", "_", "1", "買"]
    for start in range(0, len(names), 4):
        add(client, tags=names[start : start + 4])
    ordered = ["1", "_", "a", "b", "C", "ß", "z", "Ä", "買"]
    for limit in (1, 2, 4, 500):
        assert [each["tag"] for each in walk(client, "/tags", limit=limit)] == ordered
    page = client.get("/tags", params={"limit": 2, "offset": 3})
    assert [each["tag"] for each in page.json()] == ordered[3:5]
    assert client.get("/tags", params={"limit": 501}).status_code == 422


def test_a_key_renames_once(client: httpx2.Client) -> None:
    add(client, tags=["old"])
    first = rename(client, "old", "new", **{"Idempotency-Key": "k"})
    again = rename(client, "old", "new", **{"Idempotency-Key": "k"})
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = rename(client, "new", "old", **{"Idempotency-Key": "k"})
    assert other.json()["type"] == "/problems/idempotency-mismatch"
    assert cursor(client) == 2


TAGS = st.sampled_from(["a", "A", "b", "B", "c", "ß", "SS", E_ACUTE, E_AND_ACUTE])


def folded(tag: str) -> str:
    """What the same tags have in common, told in another way than the server does it."""
    return tag.replace(E_AND_ACUTE, E_ACUTE).casefold()


def each_once(wanted: list[str]) -> list[str]:
    return list({folded(tag): tag for tag in wanted}.values())


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    borne=st.lists(st.tuples(st.lists(TAGS, max_size=5).map(each_once), st.booleans()), max_size=4),
    old=TAGS,
    new=TAGS,
)
def test_a_renaming_is_undone_to_the_letter(
    client: httpx2.Client, borne: list[tuple[list[str], bool]], old: str, new: str
) -> None:
    ids = [add(client, tags=some, done=done) for some, done in borne]
    before, seq = (tags(client), walk(client, "/tasks")), cursor(client)
    answer = rename(client, old, new)
    bearing = [folded(old) in map(folded, some) for some, _ in borne]
    assert answer.status_code == (200 if any(bearing) else 404)
    for task_id, (some, _), bore in zip(ids, borne, bearing, strict=True):
        now = get(client, task_id)["tags"]
        assert len({folded(tag) for tag in now}) == len(now)
        if bore:
            merged = [new if folded(tag) in (folded(old), folded(new)) else tag for tag in some]
            assert now == list(dict.fromkeys(merged))
        else:
            assert now == some
    if cursor(client) > seq:
        undo(client, cursor(client))
    assert tags(client) == before[0]
    borne_now = [each["tags"] for each in walk(client, "/tasks")]
    assert borne_now == [each["tags"] for each in before[1]]
    for task_id in ids:
        remove(client, f"/tasks/{task_id}")
