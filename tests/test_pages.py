"""Pages: they neither skip nor repeat, cost the same everywhere, and take no cursor but theirs."""

import asyncio
import base64
import itertools
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, get_args

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskhold.searching import searched
from taskhold.store.query import SQLITE_CODECS, Compiled, CompiledQueries, Query
from taskhold.store.sqlite import indexing
from taskhold.store.sqlite.store import DIALECT, SQLiteStore, SQLiteTx, connect
from taskhold.tasks import pages
from taskhold.tasks.due import microseconds
from taskhold.tasks.filters import Choice
from taskhold.tasks.models import TaskFilter
from taskhold.tasks.routes import TaskPage
from tests.support.pages import Tasks, check_refused, cursor_of, decode, encode, walk
from tests.support.servers import LiveServer

SORTS = get_args(TaskPage.model_fields["sort"].annotation)
TITLES = ("Äpfel", "apfel", "Apfel", "Birnen", "birnen", "Straße", "STRASSE", "zum Schluss")
"""Few and alike, so that tasks of the same title stand on both sides of a page's end."""


def fill(client: httpx2.Client, count: int) -> Tasks:
    """Make tasks of changing titles, every third of them done."""
    return [
        client.post("/tasks", json={"title": TITLES[n % 8], "done": n % 3 == 0}).json()
        for n in range(count)
    ]


@contextmanager
def others_at_work(server: LiveServer, theirs: list[int]) -> Iterator[None]:
    """Two clients that insert tasks, change them, and delete them and those in `theirs`."""
    stopping = threading.Event()
    failures: list[Exception] = []

    def work(ids: list[int], choice: random.Random) -> None:
        try:
            with httpx2.Client(base_url=server.url, timeout=30) as client:
                while not stopping.wait(0.003):  # or a walk by updated_at would never catch up
                    new = client.post("/tasks", json={"title": choice.choice(TITLES)}).json()["id"]
                    ids.insert(choice.randrange(len(ids) + 1), new)
                    changed = choice.choice(ids)
                    answer = client.patch(
                        f"/tasks/{changed}", json={"title": choice.choice(TITLES)}
                    )
                    assert answer.status_code == 200
                    if len(ids) > 20:
                        assert client.delete(f"/tasks/{ids.pop()}").status_code == 204
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(theirs[part::2], random.Random(part)))  # noqa: S311
        for part in range(2)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert not failures


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_no_page_skips_or_repeats_a_task_that_nobody_touched(
    server: LiveServer, client: httpx2.Client, limit: int
) -> None:
    tasks = fill(client, 80)
    untouched = {task["id"] for task in tasks if task["id"] % 2}
    in_order = {
        sort: [task["id"] for task in client.get(f"/tasks?sort={sort}&limit=500").json()]
        for sort in SORTS
    }
    theirs = [task["id"] for task in tasks if task["id"] not in untouched]
    with others_at_work(server, theirs):
        for sort in SORTS:
            seen = itertools.chain.from_iterable(walk(client, sort=sort, limit=limit))
            expected = [task_id for task_id in in_order[sort] if task_id in untouched]
            found = [task["id"] for task in seen if task["id"] in untouched]
            assert found == expected, sort


def test_a_page_goes_on_behind_a_task_that_is_deleted_while_it_is_read(
    server: LiveServer, client: httpx2.Client
) -> None:
    for title in "az":
        client.post("/tasks", json={"title": title})
    behind_a = client.get("/tasks?sort=title&limit=1").links["next"]["url"]
    with httpx2.Client(base_url=server.url) as other:
        for _ in range(150):
            task_id = client.post("/tasks", json={"title": "m"}).json()["id"]
            deleting = threading.Thread(target=other.delete, args=(f"/tasks/{task_id}",))
            deleting.start()
            pages = [client.get(behind_a)]
            while deleting.is_alive():
                pages.append(client.get(behind_a))
            for page in pages:
                if "next" in page.links:  # it shows the task that is being deleted
                    (following,) = client.get(page.links["next"]["url"]).json()
                    assert following["title"] == "z"


@pytest.mark.parametrize("done", [None, "true", "false"])
def test_pages_put_together_are_the_whole_list(client: httpx2.Client, done: str | None) -> None:
    tasks = fill(client, 30)
    chosen = {"done": done} if done else {}
    wanted = {task["id"] for task in tasks if done is None or task["done"] == (done == "true")}
    for sort in SORTS:
        pages = list(walk(client, sort=sort, limit=7, **chosen))
        assert all(len(page) == 7 for page in pages[:-1])
        assert 1 <= len(pages[-1]) <= 7
        together = [task for page in pages for task in page]
        (whole,) = walk(client, sort=sort, limit=500, **chosen)
        assert together == whole
        assert len(together) == len(wanted)
        assert {task["id"] for task in together} == wanted
        keys = [task[sort.removeprefix("-")] for task in together]
        if sort.removeprefix("-") in {"id", "created_at", "updated_at", "position"}:
            assert keys == sorted(keys, reverse=sort.startswith("-"))


def test_titles_are_sorted_without_case_and_accents_and_then_by_their_bytes(
    client: httpx2.Client,
) -> None:
    fill(client, 16)
    listed = client.get("/tasks", params={"sort": "title"}).json()
    assert [task["title"] for task in listed[:6:2]] == ["Apfel", "apfel", "Äpfel"]
    assert [task["title"] for task in listed[6::2]] == [
        *("Birnen", "birnen", "STRASSE", "Straße", "zum Schluss")
    ]
    assert [task["id"] for task in listed[:4]] == [3, 11, 2, 10]
    backwards = client.get("/tasks", params={"sort": "-title"}).json()
    assert backwards == listed[::-1]


@pytest.mark.parametrize("letter", ["x", "🗒", "ﷺ"])  # the last one folds to 18 letters
def test_pages_go_on_behind_the_longest_titles(client: httpx2.Client, letter: str) -> None:
    titles = [letter * length for length in (498, 499, 500)]
    for title in titles:
        client.post("/tasks", json={"title": title})
    pages = walk(client, sort="title", limit=1)
    assert [task["title"] for page in pages for task in page] == titles


def test_an_offset_skips_as_in_the_lesson(client: httpx2.Client) -> None:
    ids = [task["id"] for task in fill(client, 25)]

    def listed(**parameters: int) -> list[int]:
        return [task["id"] for task in client.get("/tasks", params=parameters).json()]

    assert listed() == ids[:20]
    assert listed(offset=5) == ids[5:]
    assert listed(offset=3, limit=4) == ids[3:7]
    assert listed(offset=25) == []
    assert listed(offset=1_000_000, limit=500) == []
    pages = walk(client, offset=5, limit=8)
    assert [task["id"] for page in pages for task in page] == ids[5:]


@pytest.mark.parametrize("parameters", [{}, {"done": "false"}, {"sort": "-title", "done": "true"}])
def test_the_link_keeps_the_filters_the_order_and_the_limit(
    client: httpx2.Client, parameters: dict[str, str]
) -> None:
    fill(client, 12)
    page = client.get("/tasks", params={"limit": "2", **parameters})
    following = httpx2.URL(page.links["next"]["url"])
    assert following.path == "/tasks"
    assert following.params["after"]
    assert dict(following.params) == {
        "limit": "2",
        "after": following.params["after"],
        **parameters,
    }
    assert client.head("/tasks", params={"limit": "2", **parameters}).links == page.links
    assert "link" not in client.get("/tasks", params={"limit": "12", **parameters}).headers


def test_a_cursor_is_good_only_where_it_came_from(client: httpx2.Client) -> None:
    fill(client, 3)
    for title in ("x", "y"):
        client.patch("/tasks/1", json={"title": title})
    plain = cursor_of(client.get("/tasks?limit=1"))
    of_history = cursor_of(client.get("/tasks/1/history?limit=1"))
    assert client.get("/tasks", params={"after": plain}).status_code == 200
    check_refused(client.get("/tasks", params={"after": plain, "offset": 0}))
    check_refused(client.get("/tasks", params={"after": plain, "offset": 1}))
    check_refused(client.get("/tasks", params={"after": plain, "sort": "-id"}))
    check_refused(client.get("/tasks", params={"after": plain, "sort": "title"}))
    check_refused(client.get("/tasks", params={"after": plain, "done": "false"}))
    check_refused(client.get("/tasks", params={"after": of_history}))
    check_refused(client.get("/tasks/1/history", params={"after": plain}))
    check_refused(client.get("/tasks/2/history", params={"after": of_history}))
    assert client.get("/tasks", params=[("after", plain), ("after", plain)]).status_code == 422


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63), 10**400, 1e308, float("nan"), "\ud800", "\0", "1"])
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_malformed_cursor_is_refused_and_never_a_failure(
    client: httpx2.Client, data: st.DataObject
) -> None:
    sort = data.draw(st.sampled_from(SORTS))
    if not client.get("/tasks/count").json()["count"]:
        fill(client, 2)
    real = cursor_of(client.get("/tasks", params={"limit": 1, "sort": sort}))
    shape, position = decode(real)
    malformed = data.draw(
        st.text(st.characters(exclude_categories=["Cs"]))
        | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode())
        | st.integers(0, len(real) - 1).map(lambda end: real[:end])
        | JSON.map(encode)
        | JSON.map(lambda value: encode([shape, value]))
        | JSON.map(lambda value: encode([value, position]))
        | JSON.map(lambda value: encode([shape, position, value]))
        | JSON.map(lambda value: encode([shape, [*position[:-1], value]]))
        | JSON.map(lambda value: encode([shape, [value, *position[1:]]]))
        | st.sampled_from(["[" * 1000, "1" * 3000]).map(
            lambda text: base64.urlsafe_b64encode(text.encode()).decode()
        )
    )
    answer = client.get("/tasks", params={"sort": sort, "after": malformed})
    if answer.status_code == 200:  # what was drawn may be just what a cursor holds
        given_shape, given_position = decode(malformed)
        assert given_shape == shape
        assert [type(value) for value in given_position] == [type(value) for value in position]
    else:
        check_refused(answer)


@pytest.mark.parametrize("raw", [b"%FF", b"%ED%A0%80", b"%00", b"A" * 4001, b"%", b"W10%3D"])
def test_a_cursor_of_strange_bytes_is_refused(client: httpx2.Client, raw: bytes) -> None:
    assert client.get(f"/tasks?after={raw.decode()}").status_code == 422


MANY = 20_000
NEVER = 2**62


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A connection to a database of 20,000 tasks, each second of which is like many others."""
    path = tmp_path_factory.mktemp("many") / "tasks.db"
    store = SQLiteStore(path)
    store.open()
    rows = []
    for n in range(MANY):
        alike = n % 2 == 0
        title = "water the plants" if alike else f"t{n * 7919 % 1000}"
        due = None if alike else f"2026-12-01T{n // 60 % 24:02}:{n % 60:02}:00Z"
        at = NEVER if due is None else microseconds(due)
        rows.append(
            {
                "title": title.upper(),
                "title_folded": title,
                "search_text": searched(title, f"n{n}" if n % 1000 else "rare"),
                "done": n % 4 // 2,
                "created_at": f"2026-12-01 09:30:00.{0 if alike else n:06}",
                "updated_at": f"2026-12-02 09:30:00.{0 if alike else n * 31 % MANY:06}",
                "due": due,
                "due_up": at,
                "due_down": -at if due is None else at,
                "priority": 0 if alike else n % 4,
                "position": "a0" if alike else f"n{n * 31 % MANY:06}",
                "list_id": n % 4 // 2 or None,
                "parent_id": n % 4 // 2 or None,
                "version": 1,
            }
        )
    names = ", ".join(rows[0])
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            f"INSERT INTO task ({names}) VALUES (:{names.replace(', ', ', :')})",  # noqa: S608
            rows,
        )
        connection.execute(
            "INSERT INTO task_tag (owner_id, task_id, folded, name, done) "
            "SELECT 1, id, 'rare', 'rare', done FROM task WHERE id % 1000 = 0"
        )
        connection.execute(
            "INSERT INTO task_tag (owner_id, task_id, folded, name, done) "
            "SELECT 1, id, 'common', 'common', done FROM task WHERE id % 2 = 0"
        )
        indexing.rebuild(connection.execute)
        connection.execute("COMMIT")
        yield connection
    store.close()


CHOSEN: dict[str, dict[str, Any]] = {
    "all": {},
    "done": {"done": True},
    "of a list": {"list_id": "1"},
    "of no list": {"list_id": "none"},
    "below a task": {"parent_id": "1"},
    "at the top": {"parent_id": "none"},
    "without a priority": {"priority": "none"},
    "never due": {"due": "none"},
    "due": {"due_after": "2026-12-01", "due_before": "2026-12-02"},
    "due from a day on": {"due_after": "2026-12-01"},
    "due before a day": {"due_before": "2026-12-02"},
}
"""Filters that have an index each."""
ORDERED = {
    "all": {sort.removeprefix("-") for sort in SORTS},
    "of a list": {"id", "position"},
    "of no list": {"id", "position"},
    "without a priority": {"id", "priority"},
    "never due": {"id", "due"},
    "due": {"due"},
    "due from a day on": {"due"},
    "due before a day": {"due"},
}
"""The orders that its index has as well, where these are not `id` alone."""
WALKS = [
    (sort, chosen)
    for chosen in CHOSEN
    for sort in SORTS
    if sort.removeprefix("-") in ORDERED.get(chosen, {"id"})
]


class Asked:
    """What a page asks of SQLite."""

    def __init__(self, query: Query, parameters: dict[str, Any]) -> None:
        self.compiled = Compiled(query, DIALECT, SQLITE_CODECS)
        self.parameters = self.compiled.encode({"limit": 21, "offset": 0} | parameters)

    def plan(self, many: sqlite3.Connection) -> list[str]:
        explain = f"EXPLAIN QUERY PLAN {self.compiled.sql}"
        return [step for *_, step in many.execute(explain, self.parameters)]

    def rows(self, many: sqlite3.Connection) -> Tasks:
        return [
            self.compiled.decode(row) for row in many.execute(self.compiled.sql, self.parameters)
        ]

    def hundreds_of_steps(self, many: sqlite3.Connection) -> int:
        with counted_steps(many) as steps:
            rows = self.rows(many)
        assert len(rows) in {20, 21} or rows[0]["count"] == 20
        return len(steps)


@contextmanager
def counted_steps(many: sqlite3.Connection) -> Iterator[list[None]]:
    """A list with an entry for each hundred steps that SQLite takes."""
    steps: list[None] = []
    many.set_progress_handler(lambda: steps.append(None), 100)
    yield steps
    many.set_progress_handler(None, 0)


def choice_of(chosen: str, sort: str) -> tuple[Choice, int | None]:
    choice = Choice(1, TaskFilter.model_validate(CHOSEN[chosen]))
    assert choice.is_quick(sort)
    return choice, 0 if CHOSEN[chosen] else None


def page_behind(many: sqlite3.Connection, sort: str, chosen: str, offset: int) -> Asked:
    """The page behind so many tasks and one."""
    choice, begin = choice_of(chosen, sort)
    first = pages.page_query(sort, choice.shape, begin, continues=False)
    (last, *_) = Asked(first, choice.parameters | {"offset": offset, "limit": 1}).rows(many)
    position = {f"after_{n}": last[key.name] for n, key in enumerate(pages.keys_of(sort))}
    behind = pages.page_query(sort, choice.shape, begin, continues=True)
    return Asked(behind, choice.parameters | position)


@pytest.mark.parametrize(("sort", "chosen"), WALKS)
def test_every_page_is_read_from_an_index(many: sqlite3.Connection, sort: str, chosen: str) -> None:
    choice, begin = choice_of(chosen, sort)
    first = Asked(pages.page_query(sort, choice.shape, begin, continues=False), choice.parameters)
    (search,) = first.plan(many)  # one step: nothing is sorted
    assert search.startswith("SEARCH task USING INDEX")
    assert "owner_id=?" in search
    steps = page_behind(many, sort, chosen, 60).plan(many)
    searches = [step for step in steps if step not in {"MERGE (UNION ALL)", "LEFT", "RIGHT"}]
    assert all(step.startswith("SEARCH task USING INDEX") for step in searches), steps
    assert all(step.endswith((">?)", "<?)")) for step in searches), steps


@pytest.mark.parametrize(("sort", "chosen"), WALKS)
def test_the_last_page_of_20000_tasks_costs_no_more_than_the_first(
    many: sqlite3.Connection, sort: str, chosen: str
) -> None:
    choice, begin = choice_of(chosen, sort)
    counting = Asked(pages.count_query(choice.shape, begin), choice.parameters)
    count = counting.rows(many)[0]["count"]
    assert count > 5_000
    for offset in (60, count // 2, count - 21):
        assert page_behind(many, sort, chosen, offset).hundreds_of_steps(many) < 20, offset


def reading(many: sqlite3.Connection) -> SQLiteTx:
    return SQLiteTx(many, CompiledQueries(DIALECT, SQLITE_CODECS))


@pytest.mark.parametrize("sort", ["id", "-due", "title"])
@pytest.mark.parametrize(
    "chosen", [{"q": "RARE"}, {"tag": ["Rare"]}, {"q": "a rare", "done": False}]
)
def test_a_few_tasks_that_are_looked_up_are_all_that_is_read(
    many: sqlite3.Connection, sort: str, chosen: dict[str, Any]
) -> None:
    choice = Choice(1, TaskFilter.model_validate(chosen))
    with counted_steps(many) as steps:
        begin = asyncio.run(choice.narrowest(reading(many), sort))
    assert begin == len(chosen) - 1
    assert len(steps) < 600  # some rows of each filter, and not all 20,000
    for query in (
        pages.page_query(sort, choice.shape, begin, continues=False),
        pages.count_query(choice.shape, begin),
    ):
        asked = Asked(query, choice.parameters)
        assert asked.hundreds_of_steps(many) < 60, asked.compiled.sql


@pytest.mark.parametrize("sort", ["id", "-id"])
@pytest.mark.parametrize("after", [None, [MANY // 2]])
def test_a_page_of_a_search_stops_where_it_is_full(
    many: sqlite3.Connection, sort: str, after: list[Any] | None
) -> None:
    choice = Choice(1, TaskFilter.model_validate({"q": "plants"}))
    with counted_steps(many) as steps:
        page = pages.list_page(
            reading(many), choice, sort=sort, after=after, offset=0, limit=20, is_known=None
        )
        listed = asyncio.run(page)
    assert listed.rows is not None
    assert len(listed.rows) == 20
    assert len(steps) < 60  # there are 10,000


@pytest.mark.parametrize("sort", ["id", "-id"])
def test_what_a_search_has_found_is_read_up_to_where_the_page_is_full(
    many: sqlite3.Connection, sort: str
) -> None:
    choice = Choice(1, TaskFilter.model_validate({"q": "plants"}))
    choice.parameters["found"] = list(range(1, 5_001))
    asked = Asked(pages.page_query(sort, choice.shape, 0, continues=False), choice.parameters)
    assert asked.hundreds_of_steps(many) < 500  # most of them look through the ids themselves
    assert not any("TEMP B-TREE" in step for step in asked.plan(many))


def test_a_span_of_due_times_is_sorted_without_reading_its_tasks(many: sqlite3.Connection) -> None:
    choice = Choice(1, TaskFilter.model_validate(CHOSEN["due"]))
    asked = Asked(pages.page_query("id", choice.shape, 0, continues=False), choice.parameters)
    rows, *ids = asked.plan(many)
    assert rows == "SEARCH task USING INTEGER PRIMARY KEY (rowid=?)"
    assert ids[0].startswith("LIST SUBQUERY")
    assert any("ix_task_owner_due_up" in step for step in ids)
    assert asked.hundreds_of_steps(many) < 1_500  # 2,000 where each is looked at as a day as well


@pytest.mark.parametrize("sort", ["id", "-id"])
def test_the_last_page_of_a_tag_costs_no_more_than_the_first(
    many: sqlite3.Connection, sort: str
) -> None:
    choice = Choice(1, TaskFilter.model_validate({"tag": ["Common"]}))
    assert choice.is_quick(sort)
    for last in (100, MANY // 2, MANY - 100):
        behind = pages.page_query(sort, choice.shape, 0, continues=True)
        position = MANY + 1 - last if sort == "-id" else last
        asked = Asked(behind, choice.parameters | {"after_0": position})
        assert asked.hundreds_of_steps(many) < 20, last
        assert not any("TEMP B-TREE" in step for step in asked.plan(many))


def test_where_no_filter_leaves_few_the_one_whose_index_has_the_order_comes_first(
    many: sqlite3.Connection,
) -> None:
    choice = Choice(
        1, TaskFilter.model_validate({"done": True, "list_id": "1", "priority": "none"})
    )
    tx = reading(many)
    assert asyncio.run(choice.narrowest(tx, "-position")) == 1
    assert asyncio.run(choice.narrowest(tx, "priority")) == 2
    assert asyncio.run(choice.narrowest(tx, "title")) is None
    tagged = Choice(1, TaskFilter.model_validate({"done": True, "tag": ["common", "rare"]}))
    assert asyncio.run(tagged.narrowest(tx, "title")) == 1
    tagged = Choice(1, TaskFilter.model_validate({"done": True, "tag": ["common"]}))
    assert asyncio.run(tagged.narrowest(tx, "id")) == 0
