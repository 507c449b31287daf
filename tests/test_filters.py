"""Filters, orders and pages of tasks, against what a plain loop over all tasks gives."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskhold.folding import fold, fold_title
from taskhold.tags.models import fold_tag
from taskhold.tasks import filters
from taskhold.tasks.models import PRIORITIES
from taskhold.tasks.routes import TaskPage
from tests.support.databases import Databases
from tests.support.pages import check_refused, cursor_of, decode, encode, walk
from tests.support.problems import check_problem
from tests.support.servers import LiveServer

Task = dict[str, Any]
Chosen = dict[str, Any]

SORTS = get_args(TaskPage.model_fields["sort"].annotation)
TITLES = ("Äpfel", "apfel", "Apfel", "Birnen", "birnen kaufen", "Straße", "STRASSE", "zum Schluss")
DUES = (
    None,
    "2026-03-28",
    "2026-03-29",
    "2026-03-29T00:00:00Z",
    "2026-03-28T23:30:00-05:00",
    "2026-03-29T02:30:00+14:00",
    "2026-03-29T00:00:00+01:00",
    "2026-03-30",
    "2026-03-29T22:00:00.000001Z",
)
TAGS = ("home", "Garden", "später")
TIME_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")
COUNT = 64


def fields(number: int) -> Task:
    """Those of one of the tasks. Each has few values, so that pairs of them come together."""
    return {
        "title": TITLES[number % 8],
        "done": number % 3 == 0,
        "notes": ("", "two\ncoats of paint", "ÄPFEL und Birnen")[number // 8 % 3],
        "due": DUES[number * 7 % 9],
        "priority": PRIORITIES[number // 4 % 4],
        "tags": [tag for part, tag in enumerate(TAGS) if number >> part & 1],
        "position": ("a0", "a1", "B", "Zz")[number * 5 % 4],
    }


class Filtered:
    """A server with tasks that nobody touches any more."""

    def __init__(self, client: httpx2.Client) -> None:
        self.client = client
        for name in ("Home", "Work"):
            client.post("/lists", json={"name": name})
        for begin in range(0, COUNT, 16):  # the tasks of one request share their times
            self.create(range(begin, begin + 16))
        for number in (7, 3, 5):
            client.patch(f"/tasks/{number}", json={"done": True, "notes": "again"})
        self.tasks: list[Task] = client.get("/tasks?limit=500").json()
        assert len(self.tasks) == COUNT

    def create(self, numbers: range) -> None:
        operations = []
        for number in numbers:
            task = fields(number)
            if number % 5 == 0 and number > 15:
                parent = number % 15 + 1
                task |= {"parent_id": parent, "list_id": (None, 1, 2)[(parent - 1) % 3]}
            else:
                task |= {"list_id": (None, 1, 2)[number % 3]}
            operations.append({"op": "create", "task": task})
        answer = self.client.post("/tasks/batch", json={"operations": operations})
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def filtered(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filtered]:
    with (
        databases.fresh(tmp_path_factory.mktemp("filtered")) as url,
        LiveServer(url) as server,
        httpx2.Client(base_url=server.url, timeout=30) as client,
    ):
        yield Filtered(client)


@pytest.fixture(params=[filters.FEW, 8], ids=["few", "many"])
def left(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a filter leaves: never more than a page sorts, or more than that now and then."""
    monkeypatch.setattr(filters, "FEW", request.param)


VALUES: dict[str, list[Any]] = {
    "done": ["true", "false"],
    "list_id": ["none", "2", "9"],
    "parent_id": ["none", "6", "99"],
    "priority": ["none", "high", "low"],
    "tag": [["home"], ["SPA\u0308TER", "garden"], ["other"]],
    "due": ["none"],
    "due_after": ["2026-03-29", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00-04:00", "2026-03-30"],
    "due_before": ["2026-03-30", "2026-03-29T00:00:00.5Z", "2026-03-28T10:00:00Z", "2026-03-29"],
    "q": ["apfel", "APF coats", "s", "aga", "nothing"],
}


def moment(due: str, zone: str) -> datetime:
    """When it is; a day begins at midnight in the zone."""
    at = datetime.fromisoformat(due)
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def is_before(due: str, bound: str, zone: str) -> bool:
    if len(due) == len(bound) == len("2026-03-29"):
        return due < bound
    return moment(due, zone) < moment(bound, zone)


def is_chosen(task: Task, chosen: Chosen) -> bool:
    """Whether every filter leaves the task."""
    due, zone = task["due"], chosen.get("tz", "UTC")
    texts = [fold(text) for text in (task["title"], task["notes"], *task["tags"])]
    words = [fold(word) for word in chosen.get("q", "").split()]
    return all(
        (
            chosen.get("done", "true" if task["done"] else "false") == str(task["done"]).lower(),
            chosen.get("list_id", str(task["list_id"] or "none")) == str(task["list_id"] or "none"),
            chosen.get("parent_id", str(task["parent_id"] or "none"))
            == str(task["parent_id"] or "none"),
            chosen.get("priority", task["priority"]) == task["priority"],
            {fold_tag(tag) for tag in chosen.get("tag", [])} <= {*map(fold_tag, task["tags"])},
            "due" not in chosen or due is None,
            "due_after" not in chosen
            or (due is not None and not is_before(due, chosen["due_after"], zone)),
            "due_before" not in chosen
            or (due is not None and is_before(due, chosen["due_before"], zone)),
            all(any(word in text for text in texts) for word in words),
        )
    )


def in_order(tasks: list[Task], sort: str) -> list[Task]:
    descends = sort.startswith("-")
    name = sort.removeprefix("-")

    def key(task: Task) -> Any:
        value = task[name]
        if name == "due":
            never = (value is None) != descends
            return never, None if value is None else moment(value, "UTC"), task["id"]
        if name == "title":
            return fold_title(value), value.encode(), task["id"]
        return PRIORITIES.index(value) if name == "priority" else value, task["id"]

    return sorted(tasks, key=key, reverse=descends)


def expected(filtered: Filtered, chosen: Chosen, sort: str = "id") -> list[Task]:
    return in_order([task for task in filtered.tasks if is_chosen(task, chosen)], sort)


@pytest.mark.usefixtures("left")
def test_each_filter_alone_and_with_each_other_one_leaves_what_it_says(
    filtered: Filtered, left: None
) -> None:
    alone: list[Chosen] = [{name: value} for name, values in VALUES.items() for value in values]
    pairs = [
        {one: first, other: second}
        for one, other in itertools.combinations(VALUES, 2)
        for first, second in itertools.product(VALUES[one][:2], VALUES[other][:2])
    ]
    wrong = {}
    for chosen in [*alone, *pairs]:
        given: Chosen = chosen | {"limit": 500}
        listed = filtered.client.get("/tasks", params=given).json()
        if listed != expected(filtered, chosen):
            wrong[str(chosen)] = [task["id"] for task in listed]
    assert wrong == {}
    found = {str(chosen): len(expected(filtered, chosen)) for chosen in alone}
    empty = {chosen for chosen, count in found.items() if not count}
    assert empty == {
        *("{'list_id': '9'}", "{'parent_id': '99'}", "{'tag': ['other']}", "{'q': 'nothing'}")
    }
    assert max(found.values()) < COUNT


ANY_FILTERS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}
) | st.fixed_dictionaries(
    {
        "due_after": st.sampled_from(VALUES["due_after"]),
        "due_before": st.sampled_from(VALUES["due_before"]),
        "tz": st.sampled_from(TIME_ZONES),
    }
)


@pytest.mark.usefixtures("left")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    chosen=ANY_FILTERS,
    zone=st.sampled_from(TIME_ZONES),
    sort=st.sampled_from(SORTS),
    limit=st.sampled_from([1, 3, 7, 20, COUNT, 500]),
)
def test_pages_by_link_and_by_offset_are_what_is_chosen_in_its_order(
    filtered: Filtered, chosen: Chosen, zone: str, sort: str, limit: int
) -> None:
    chosen = {"tz": zone} | chosen
    tasks = expected(filtered, chosen, sort)
    parts = [tasks[begin : begin + limit] for begin in range(0, len(tasks), limit)] or [[]]
    given = chosen | {"sort": sort, "limit": limit}
    assert list(walk(filtered.client, **given)) == parts
    for number, part in enumerate(parts[:4]):
        skipping: Chosen = given | {"offset": number * limit}
        assert filtered.client.get("/tasks", params=skipping).json() == part
    counted = filtered.client.get("/tasks/count", params=chosen).json()
    assert counted == {"count": len(tasks)}


@pytest.mark.usefixtures("left")
def test_a_due_filter_and_an_order_by_due_go_together(filtered: Filtered) -> None:
    """Two bounds, or one, or none; both ways; and with what is never due."""
    for chosen in (
        {"due_after": "2026-03-29"},
        {"due_before": "2026-03-29T02:00:00Z", "tz": "America/New_York"},
        {"due_after": "2026-03-28", "due_before": "2026-03-31", "tz": "Pacific/Kiritimati"},
        {"due": "none"},
        {"due": "none", "priority": "none"},
        {"done": "false"},
    ):
        for sort in ("due", "-due"):
            (whole,) = walk(filtered.client, limit=500, sort=sort, **chosen)
            assert whole == expected(filtered, chosen, sort)
            for limit in (1, 4):
                parts = walk(filtered.client, limit=limit, sort=sort, **chosen)
                assert list(itertools.chain.from_iterable(parts)) == whole, (chosen, sort)


REFUSED = {
    "done=maybe": "done",
    "done=": "done",
    "list_id=0": "list_id",
    "list_id=x": "list_id",
    "list_id=": "list_id",
    "list_id=-1": "list_id",
    "list_id=01": "list_id",
    "list_id=1.0": "list_id",
    "list_id=%D9%A1": "list_id",
    "list_id=None": "list_id",
    f"list_id={2**63}": "list_id",
    f"list_id={'9' * 4000}": "list_id",
    "parent_id=0": "parent_id",
    "parent_id=1,2": "parent_id",
    "tag=": "tag",
    "tag=a&tag=b,c": "tag",
    "tag=%20a": "tag",
    "tag=a%00": "tag",
    f"tag={'x' * 51}": "tag",
    "&".join(f"tag={number}" for number in range(21)): "tag",
    "priority=urgent": "priority",
    "priority=3": "priority",
    "priority=High": "priority",
    "due=2026-12-01": "due",
    "due=None": "due",
    "due_after=tomorrow": "due_after",
    "due_after=none": "due_after",
    "due_after=2026-02-29": "due_after",
    "due_after=2026-12-01T18:00:00": "due_after",
    "due_after=2026-12-01T18:00:00+01:00": "due_after",  # a plus sign that is not quoted is a space
    "due_before=": "due_before",
    "due_before=2026-12-01T18:00Z": "due_before",
    "tz=Mars/Olympus": "tz",
    "tz=": "tz",
    "tz=%2B01:00": "tz",
    "tz=../../etc/passwd": "tz",
    "tz=Europe/Berlin%00": "tz",
    "tz=localtime": "tz",
    f"q={'x' * 201}": "q",
    "sort=foo": "sort",
    "sort=": "sort",
    "sort=--id": "sort",
    "sort=%2Bid": "sort",
    "sort=id,title": "sort",
    "limit=0": "limit",
    "limit=501": "limit",
    "limit=1_0": "limit",
    "offset=-1": "offset",
    "offset=1000001": "offset",
    "titel=x": "titel",
    "Done=true": "Done",
    "tags=home": "tags",
    "list=1": "list",
    "tag[]=home": "tag[]",
    "done=true&done=true": "done",
    "q=a&q=b": "q",
    "list_id=1&list_id=none": "list_id",
    "sort=id&sort=title": "sort",
    "tz=UTC&tz=UTC": "tz",
    "q=%FF": "",
    "q=%ED%A0%80": "",
    "&".join(f"tag={number}" for number in range(101)): "",
}


def test_what_can_t_be_meant_is_refused_by_its_name(filtered: Filtered) -> None:
    client = filtered.client
    wrong = {}
    for query, field in REFUSED.items():
        answers = [client.get(f"/tasks?{query}")]
        if field not in {"sort", "limit", "offset"}:
            answers.append(client.get(f"/tasks/count?{query}"))
        for answer in answers:
            found: list[Any] = [answer.status_code]
            if answer.status_code == 422:
                check_problem(answer)
                found = [(error["in"], error["field"]) for error in answer.json()["errors"]]
            if found != [("query", field)]:
                wrong[query] = found
    assert wrong == {}
    for name in ("sort", "limit", "offset", "after"):
        answer = client.get("/tasks/count", params={name: "1"})
        assert answer.status_code == 422
        assert [error["code"] for error in answer.json()["errors"]] == ["unknown"]
    answer = client.get("/tasks?list_id=x&priority=y&foo=z&due_after=tomorrow")
    assert {error["field"] for error in answer.json()["errors"]} == {
        *("list_id", "priority", "foo", "due_after")
    }


def test_a_tag_that_is_sent_again_is_one_filter(filtered: Filtered) -> None:
    once = filtered.client.get("/tasks?tag=home&limit=500").json()
    assert filtered.client.get("/tasks?tag=home&tag=HOME&tag=home&limit=500").json() == once


SELECTIONS: list[Chosen] = [
    {},
    {"sort": "-id"},
    {"sort": "due"},
    {"sort": "-due"},
    {"sort": "priority"},
    {"sort": "title"},
    {"done": "true"},
    {"done": "false"},
    {"list_id": "1"},
    {"list_id": "2"},
    {"list_id": "none"},
    {"parent_id": "none"},
    {"priority": "none"},
    {"priority": "low"},
    {"tag": ["home"]},
    {"tag": ["Garden"]},
    {"tag": ["home", "Garden"]},
    {"due": "none"},
    {"due_after": "2026-03-28"},
    {"due_before": "2026-03-31"},
    {"due_after": "2026-03-28", "tz": "Asia/Kathmandu"},
    {"q": "apfel"},
    {"q": "a"},
]


def test_a_cursor_is_good_for_its_filters_and_its_order_alone(filtered: Filtered) -> None:
    client = filtered.client
    cursors = [cursor_of(client.get("/tasks", params=each | {"limit": 2})) for each in SELECTIONS]
    for (made, cursor), used in itertools.product(
        zip(SELECTIONS, cursors, strict=True), SELECTIONS
    ):
        answer = client.get("/tasks", params=used | {"after": cursor, "limit": 3})
        if used == made:
            name = used.get("sort", "id")
            assert answer.json() == expected(filtered, used, name)[2:5]
        else:
            check_refused(answer)
    check_refused(client.get("/lists", params={"after": cursors[0]}))
    check_refused(client.get("/trash", params={"after": cursors[0]}))
    check_refused(client.get("/tasks/1/history", params={"after": cursors[0]}))
    of_lists = cursor_of(client.get("/lists?limit=1"))
    check_refused(client.get("/tasks", params={"after": of_lists}))


FORGED = [
    *(None, True, False, 0, 1, -1, 1.5, 2**62, -(2**62), 2**63 - 1, 2**63, -(2**63), 10**30),
    *("", "x", "1", "none", "high", "urgent", "a\0b", "\ud800", "é", "x" * 600, "2026-12-01"),
    *("2026-12-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "2026-13-01T00:00:00.000000Z"),
    *("9999-12-31T23:59:59.999999Z", "2026-12-01 00:00:00.000000", [], {}, [1], {"a": 1}),
]


def test_a_forged_position_is_refused_or_a_page_and_never_a_failure(filtered: Filtered) -> None:
    client = filtered.client
    good = 0
    for sort, chosen in itertools.product(
        SORTS, ({}, {"due": "none"}, {"priority": "none"}, {"due_before": "2026-03-31"})
    ):
        given = {"sort": sort, "limit": 2, **chosen}
        shape, position = decode(cursor_of(client.get("/tasks", params=given)))
        places = range(len(position)) if not chosen else [0]
        forged = [
            [*position[:place], value, *position[place + 1 :]]
            for place in places
            for value in FORGED
        ]
        for each in [*forged, [], position[:-1], [*position, 1], None, "x", {"0": 1}]:
            answer = client.get("/tasks", params=given | {"after": encode([shape, each])})
            if answer.status_code == 200:
                good += 1
                same_kinds = [type(value) for value in each] == [type(value) for value in position]
                assert same_kinds, (sort, each)
            else:
                check_refused(answer)
    assert good > 100
