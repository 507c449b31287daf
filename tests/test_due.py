# ruff: noqa: RUF001  digits and signs that look like others are refused
"""Due: days and instants, as they are sent, compared, bounded and sorted."""

import itertools
from datetime import date, datetime, timedelta
from typing import Any

import httpx2

from tests.support.pages import walk
from tests.support.problems import check_problem

Task = dict[str, Any]

IN_ORDER: list[list[str | None]] = [
    ["0001-01-01T00:00:00+23:59"],
    ["0001-01-01T00:00:00+14:00"],
    ["0001-01-01", "0001-01-01T00:00:00Z"],
    ["0001-01-01T00:00:00-14:00"],
    ["1900-02-28"],
    ["1969-12-31T23:59:59.999999Z"],
    ["1970-01-01", "1970-01-01T00:00:00-00:00", "1970-01-01T14:00:00+14:00"],
    ["2000-02-29", "2000-02-28T19:00:00-05:00"],
    ["2024-02-29T23:59:59+14:00"],
    ["2024-02-29t12:00:00z"],
    ["2026-03-29T02:30:00+01:00", "2026-03-29T03:30:00+02:00"],  # the first is skipped in Berlin
    ["2026-10-25T02:30:00+02:00"],  # and this one comes twice
    ["2026-10-25T02:30:00+01:00"],
    ["2026-12-01T13:59:59.999999+14:00"],
    [
        *("2026-12-01", "2026-12-01T00:00:00z", "2026-11-30T19:00:00-05:00"),
        *("2026-12-01T14:00:00+14:00", "2026-11-30T10:00:00.000-14:00"),
        "2026-12-01T00:00:00.000000999Z",  # microseconds are compared
    ],
    ["2026-12-01T00:00:00.000001Z", "2026-12-01t05:45:00.0000019+05:45"],
    ["2026-12-01T00:00:00.1Z", "2026-12-01T00:00:00.100000000Z"],
    ["2026-12-01T00:00:01Z"],
    ["2026-12-02"],
    ["9999-12-31"],
    ["9999-12-31T23:59:59Z"],
    ["9999-12-31T23:59:59.999999Z"],
    ["9999-12-31T23:59:59.999999-14:00"],
    ["9999-12-31T23:59:59.999999999-23:59"],
    [None, None],
]
"""From the first to the last; those in one row are equal."""
REFUSED: list[Any] = [
    *("", "x", "tomorrow", "none", "None", "2026", "2026-12", "2026-12-1", "26-12-01", "20261201"),
    *("2026-13-01", "2026-00-01", "2026-12-00", "2026-12-32", "2026-04-31", "2026-336"),
    *("2026-02-29", "1900-02-29", "2100-02-29", "0000-01-01", "10000-01-01", "+2026-12-01"),
    *("-2026-12-01", "2026-W49-2", "2026/12/01", "01.12.2026", " 2026-12-01", "2026-12-01\n"),
    *("2026-12-01T", "2026-12-01Z", "2026-12-01T18", "2026-12-01T18:00Z", "2026-12-01T18:00:00"),
    *("2026-12-01 18:00:00Z", "2026-12-01T18:00:00 Z", "2026-12-01T18:00:00Z ", "T18:00:00Z"),
    *(
        "2026-12-01T24:00:00Z",
        "2026-12-01T23:60:00Z",
        "2026-12-01T23:59:60Z",
        "2026-12-01T8:00:00Z",
    ),
    *("2026-12-01T18:00:00.Z", "2026-12-01T18:00:00,5Z", "2026-12-01T18:00:00.1234567890Z"),
    *("2026-12-01T18:00:00+01", "2026-12-01T18:00:00+0100", "2026-12-01T18:00:00+1:00"),
    *("2026-12-01T18:00:00+24:00", "2026-12-01T18:00:00+01:60", "2026-12-01T18:00:00−01:00"),
    *("2026-12-01T18:00:00+01:00[Europe/Berlin]", "2026-12-01T18:00:00 CET", "20261201T180000Z"),
    *("2026-02-29T00:00:00Z", "0000-12-31T23:59:59-01:00", "2026-12-01T18:00:00+01:00\n"),
    *("２０２６-12-01", "٢٠٢٦-١٢-٠١", "2026–12–01", "2026-12-01T18:00:0０Z", "2026-12-01\0"),
    *(20261201, 1.5, True, [], {}, ["2026-12-01"], "2026-12-01" * 1000),
]
BEGINNINGS = [
    ("UTC", "2026-03-29", "2026-03-29T00:00:00Z"),
    ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z"),  # a day of 23 hours
    ("America/New_York", "2026-03-09", "2026-03-09T04:00:00Z"),
    ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z"),  # and one of 25
    ("America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"),
    ("America/New_York", "1850-01-01", "1850-01-01T04:56:02Z"),  # by the sun
    ("Asia/Kathmandu", "2026-12-01", "2026-11-30T18:15:00Z"),
    ("Asia/Kathmandu", "1986-01-01", "1985-12-31T18:30:00Z"),  # 00:00 to 00:15 were skipped
    ("Asia/Kathmandu", "9999-12-31", "9999-12-30T18:15:00Z"),
    ("Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"),
    ("Pacific/Kiritimati", "0001-01-01", "0001-01-01T10:29:20Z"),
    ("Etc/GMT+12", "2026-01-01", "2026-01-01T12:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),  # its midnight was skipped
    ("America/Sao_Paulo", "2018-11-05", "2018-11-05T02:00:00Z"),
    ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),  # and this one's
    ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z"),
    ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),  # its midnight comes twice
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),  # a day that never was
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
]
"""In a zone, when a day begins."""


def create(client: httpx2.Client, tasks: list[Task]) -> list[Task]:
    operations = [{"op": "create", "task": {"title": "x"} | task} for task in tasks]
    answer = client.post("/tasks/batch", json={"operations": operations})
    assert answer.status_code == 200, answer.text
    created: list[Task] = answer.json()["results"]
    return created


def test_a_due_time_comes_back_as_it_was_sent(client: httpx2.Client) -> None:
    sent = [due for equal in IN_ORDER for due in equal]
    created = create(client, [{"due": due} for due in sent])
    assert [task["due"] for task in created] == sent
    assert client.get("/tasks?limit=500").json() == created
    for task, due in zip(created, reversed(sent), strict=True):
        path = f"/tasks/{task['id']}"
        changed = client.patch(path, json={"due": due})
        assert changed.json()["due"] == due
        assert client.get(path).json() == changed.json()
        (newest, *_) = client.get(f"{path}/history").json()
        assert newest["after"]["due"] == due
        # a due time that is as early, but is spelled otherwise, is another one
        assert changed.json()["version"] == task["version"] + (task["due"] != due)


def test_what_is_neither_a_day_nor_an_instant_is_refused(client: httpx2.Client) -> None:
    create(client, [{}])
    wrong = []
    for due in REFUSED:
        for answer in (
            client.post("/tasks", json={"title": "x", "due": due}),
            client.patch("/tasks/1", json={"due": due}),
            client.post(
                "/tasks/batch",
                json={"operations": [{"op": "create", "task": {"title": "x", "due": due}}]},
            ),
            *(
                client.get("/tasks", params={name: str(due)})
                for name in ("due_after", "due_before")
            ),
        ):
            if answer.status_code != 422:
                wrong.append((due, answer.request.method, answer.status_code))
                continue
            check_problem(answer)
            assert {error["field"] for error in answer.json()["errors"]} <= {
                *("due", "due_after", "due_before")
            }
    assert wrong == []
    assert client.get("/tasks/count").json() == {"count": 1}
    assert client.get("/tasks/1").json()["version"] == 1


def test_due_times_are_sorted_as_instants_and_what_is_never_due_comes_last(
    client: httpx2.Client,
) -> None:
    ranks = {due: rank for rank, equal in enumerate(IN_ORDER) for due in equal}
    shuffled = [due for equal in IN_ORDER for due in equal]
    shuffled = shuffled[::3] + shuffled[1::3][::-1] + shuffled[2::3]
    tasks = create(client, [{"due": due} for due in shuffled])
    by_rank = sorted(tasks, key=lambda task: (ranks[task["due"]], task["id"]))
    due = [task["due"] for task in by_rank if task["due"]]
    never = [None, None]
    for sort, expected in (("due", due + never), ("-due", due[::-1] + never)):
        for limit in (1, 7, 500):
            listed = itertools.chain.from_iterable(walk(client, sort=sort, limit=limit))
            assert [task["due"] for task in listed] == expected, (sort, limit)
        ids = [task["id"] for task in client.get(f"/tasks?sort={sort}&limit=500").json()][-2:]
        assert ids == sorted(ids, reverse=sort == "-due")


def test_a_day_begins_at_midnight_of_the_zone(client: httpx2.Client) -> None:
    microsecond = timedelta(microseconds=1)
    for number, (zone, day, begins) in enumerate(BEGINNINGS):
        at = datetime.fromisoformat(begins)
        later = (at + microsecond).isoformat()
        dues = {"at": begins, "before": (at - microsecond).isoformat(), "later": later, "day": day}
        if day != "0001-01-01":
            dues["day before"] = str(date.fromisoformat(day) - timedelta(days=1))
        if day != "9999-12-31":
            dues["next day"] = str(date.fromisoformat(day) + timedelta(days=1))
        tag = f"case {number}"
        tasks = create(client, [{"due": due, "tags": [tag]} for due in dues.values()])
        names = {task["id"]: name for task, name in zip(tasks, dues, strict=True)}
        earlier = {"before", "day before"} & dues.keys()
        rest = dues.keys() - earlier
        # the day that never was ends as it begins
        with_it = {"day", "next day"} & dues.keys() if day == "2011-12-30" else {"day"}
        if (zone, day) == ("Pacific/Apia", "2011-12-31"):
            with_it = {"day", "day before"}
        bounds = {
            f"due_after={day}": rest,
            f"due_before={day}": earlier,
            f"due_after={begins}": rest | with_it,
            f"due_before={begins}": earlier - with_it,
            f"due_after={later}": rest - {"at"} - with_it,
            f"due_before={later}": earlier | {"at"} | with_it,
            f"due_after={day}&due_before={day}": set(),
            f"due_after={begins}&due_before={later}": {"at"} | with_it,
        }
        for bound, expected in bounds.items():
            query = f"{bound}&tz={zone}&tag={tag}".replace("+", "%2B")
            for order in ("", "&sort=due", "&sort=-due"):
                answer = client.get(f"/tasks?{query}{order}")
                found = {names[task["id"]] for task in answer.json()}
                assert found == expected, (zone, bound, order)
            counted = client.get(f"/tasks/count?{query}").json()
            assert counted == {"count": len(expected)}


def test_the_first_and_the_last_bounds_take_nothing_away_or_all(client: httpx2.Client) -> None:
    sent = [due for equal in IN_ORDER for due in equal if due]
    create(client, [{"due": due} for due in [*sent, None]])
    first, last = "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59.999999-23:59"
    for zone in ("UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "America/Juneau"):
        tz = f"&tz={zone}".replace("+", "%2B")

        def count(query: str, tz: str = tz) -> int:
            return int(client.get(f"/tasks/count?{query}{tz}").json()["count"])

        assert count(f"due_after={first}") == len(sent)
        assert count(f"due_before={first}") == 0
        assert count(f"due_before={last}") == len(sent) - 1
        assert count(f"due_after={last}") == 1
        assert count(f"due_after={first}&due_before={last}") == len(sent) - 1
        for day in ("0001-01-01", "9999-12-31"):
            assert count(f"due_after={day}") + count(f"due_before={day}") == len(sent)
        assert count("due=none") == 1
        assert count(f"due=none&due_after={first}") == 0
