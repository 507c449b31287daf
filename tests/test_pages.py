"""Pages: they neither skip nor repeat, cost the same everywhere, and take no cursor but theirs."""

import base64
import itertools
import json
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

from taskhold.store.query import SQLITE_CODECS, Compiled
from taskhold.store.sqlite.store import DIALECT, SQLiteStore, connect
from taskhold.tasks import operations
from taskhold.tasks.routes import TaskPage
from tests.support.servers import LiveServer

SORTS = get_args(TaskPage.model_fields["sort"].annotation)
TITLES = ("Äpfel", "apfel", "Apfel", "Birnen", "birnen", "Straße", "STRASSE", "zum Schluss")
"""Few and alike, so that tasks of the same title stand on both sides of a page's end."""

Tasks = list[dict[str, Any]]


def walk(client: httpx2.Client, **parameters: Any) -> Iterator[Tasks]:
    """The pages of `/tasks`, from the first to the one without a Link."""
    page = client.get("/tasks", params=parameters)
    yield page.json()
    pages = 1
    while following := page.links.get("next", {}).get("url"):
        pages += 1
        assert pages < 5000, "the pages have no end"
        page = client.get(following)
        assert page.status_code == 200, page.text
        yield page.json()


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
        if "title" not in sort:
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


def cursor_of(answer: httpx2.Response) -> str:
    return httpx2.URL(answer.links["next"]["url"]).params["after"]


def check_refused(answer: httpx2.Response) -> None:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["in"], error["field"]) == ("query", "after")


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


def encode(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


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
    shape, position = json.loads(base64.urlsafe_b64decode(real + "=="))
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
        given_shape, given_position = json.loads(base64.urlsafe_b64decode(malformed + "=="))
        assert given_shape == shape
        assert [type(value) for value in given_position] == [type(value) for value in position]
    else:
        check_refused(answer)


@pytest.mark.parametrize("raw", [b"%FF", b"%ED%A0%80", b"%00", b"A" * 4001, b"%", b"W10%3D"])
def test_a_cursor_of_strange_bytes_is_refused(client: httpx2.Client, raw: bytes) -> None:
    assert client.get(f"/tasks?after={raw.decode()}").status_code == 422


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A connection to a database of 20,000 tasks, every second of them done."""
    path = tmp_path_factory.mktemp("many") / "tasks.db"
    store = SQLiteStore(path)
    store.open()
    rows = []
    for n in range(20_000):
        title = f"t{n * 7919 % 1000}"
        updated = f"2026-12-02 09:30:00.{n * 31 % 20_000:06}"
        rows.append((title.upper(), title, n % 2, f"2026-12-01 09:30:00.{n:06}", updated))
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO task (title, title_folded, done, created_at, updated_at, version)"
            " VALUES (?, ?, ?, ?, ?, 1)",
            rows,
        )
        connection.execute("COMMIT")
        yield connection
    store.close()


def page_sql(sort: str, by_done: bool, continues: bool) -> str:
    query = operations._page_query(sort, by_done, continues)
    return Compiled(query, DIALECT, SQLITE_CODECS).sql


ANY_PAGE = {"owner_id": 1, "done": 1, "limit": 20, "offset": 0}
SHAPES = list(itertools.product(SORTS, [False, True]))


@pytest.mark.parametrize(("sort", "by_done"), SHAPES)
def test_every_page_is_read_from_an_index(
    many: sqlite3.Connection, sort: str, by_done: bool
) -> None:
    position = {"after_0": 1, "after_1": 1, "after_2": 1}
    for continues in (False, True):
        explain = f"EXPLAIN QUERY PLAN {page_sql(sort, by_done, continues)}"
        ((*_, plan),) = many.execute(explain, ANY_PAGE | position)  # one step: nothing is sorted
        assert plan.startswith("SEARCH task USING")
        assert "owner_id=?" in plan
        assert (">" in plan or "<" in plan) == continues, plan


@pytest.mark.parametrize(("sort", "by_done"), SHAPES)
def test_the_last_page_of_20000_tasks_costs_no_more_than_the_first(
    many: sqlite3.Connection, sort: str, by_done: bool
) -> None:
    names = [key.name for key in operations.SORT_KEYS[sort.removeprefix("-")]]

    def hundreds_of_steps(direction: str) -> int:
        """What SQLite takes for the page behind the 60th task from one end."""
        order = ", ".join(f"{name} {direction}" for name in names)
        behind = many.execute(
            f"SELECT {', '.join(names)} FROM task ORDER BY {order} LIMIT 1 OFFSET 60"  # noqa: S608
        ).fetchone()
        position = {f"after_{number}": value for number, value in enumerate(behind)}
        ticks: list[None] = []
        many.set_progress_handler(lambda: ticks.append(None), 100)
        rows = many.execute(page_sql(sort, by_done, True), ANY_PAGE | position).fetchall()
        many.set_progress_handler(None, 0)
        assert len(rows) == 20
        return len(ticks)

    for direction in ("ASC", "DESC"):
        assert hundreds_of_steps(direction) < 20
