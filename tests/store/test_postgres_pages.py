"""On PostgreSQL too a page is read from an index, and the last one costs what the first costs."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, get_args

import asyncpg
import pytest

from taskhold.store.postgres.store import DIALECT
from taskhold.store.query import POSTGRES_CODECS, Compiled, Query
from taskhold.tasks import pages
from taskhold.tasks.filters import Choice, filters_of
from taskhold.tasks.models import TaskFilter
from taskhold.tasks.routes import TaskPage
from tests.support.databases import PostgreSQLDatabases
from tests.support.sql import run_sql

TASKS = 20_000
FILL = f"""
    INSERT INTO task (
        title, title_folded, search_text, done, created_at, updated_at, due, due_up, due_down,
        priority, position, list_id, parent_id, version
    )
    SELECT upper(title), title, title || CASE WHEN n % 1000 = 0 THEN ' rare' ELSE '' END,
        n % 4 > 1, now() + turn * interval '1 second',
        now() + turn * 31 % {TASKS} * interval '1 second', CASE WHEN turn > 0 THEN '2026-12-01' END,
        CASE WHEN turn > 0 THEN turn ELSE {2**62} END,
        CASE WHEN turn > 0 THEN turn ELSE {-(2**62)} END,
        turn % 4, place || lpad((turn * 31 % {TASKS})::text, 6, '0'),
        CASE WHEN place = 'a' THEN 1 END, CASE WHEN place = 'a' THEN 1 END, 1
    FROM (
        -- every second task is like the others; those of no list come late
        SELECT n, n % 2 * n AS turn,
            CASE WHEN n % 4 < 2 AND n > {TASKS // 2} THEN 'z' ELSE 'a' END AS place,
            CASE WHEN n % 2 = 0 THEN 'water the plants' ELSE 't' || n * 7919 % 1000 END AS title
        FROM generate_series(1, {TASKS}) AS n
    ) AS made
"""  # noqa: S608
FILL_TAGS = """
    INSERT INTO task_tag (owner_id, task_id, folded, name, done)
    SELECT 1, id, CASE WHEN id % 1000 = 0 THEN 'rare' ELSE 'other' END, '', done FROM task
"""
SORTS = get_args(TaskPage.model_fields["sort"].annotation)
CHOSEN: dict[str, dict[str, Any]] = {
    "all": {},
    "done": {"done": True},
    "of a list": {"list_id": "1"},
    "of no list": {"list_id": "none"},
    "below a task": {"parent_id": "1"},
    "at the top": {"parent_id": "none"},
    "without a priority": {"priority": "none"},
    "never due": {"due": "none"},
    "due": {"due_after": "1970-01-01", "due_before": "1970-01-02"},
    "due from a day on": {"due_after": "1970-01-01"},
    "due before a day": {"due_before": "1970-01-02"},
}
WALKS = [
    (sort, chosen)
    for chosen, wanted in CHOSEN.items()
    for sort in SORTS
    if Choice(1, TaskFilter.model_validate(wanted)).is_quick(sort)
]
MOST_PAGES = 60
"""Of 8 KB that a page of 20 tasks may touch: three steps down an index, and 20 rows."""

Plan = dict[str, Any]


@pytest.fixture(scope="module")
def many(
    postgresql_databases: PostgreSQLDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database of 20,000 tasks, each second of which is like many others."""
    with postgresql_databases.fresh(tmp_path_factory.mktemp("many")) as url:
        run_sql(url, FILL, FILL_TAGS, "ANALYZE task", "ANALYZE task_tag")
        yield url


def run(url: str, query: Query, parameters: dict[str, Any]) -> tuple[list[dict[str, Any]], Plan]:
    """The rows that PostgreSQL gives, how it finds them, and what it touches for that."""
    compiled = Compiled(query, DIALECT, POSTGRES_CODECS)
    given = compiled.encode({"limit": 21, "offset": 0} | parameters)

    async def ask() -> tuple[list[Any], str]:
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch(compiled.sql, *given)
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {compiled.sql}"
            return rows, await connection.fetchval(explain, *given)
        finally:
            await connection.close()

    rows, explained = asyncio.run(ask())
    return [compiled.decode(row) for row in rows], json.loads(explained)[0]["Plan"]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def check_cheap(plan: Plan, most: int = MOST_PAGES) -> None:
    touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert touched < most, (touched, plan)
    for node in nodes(plan):
        assert node["Node Type"] != "Seq Scan", plan
        if "Sort" in node["Node Type"]:  # rather than walk an index, where next to none are left
            assert node["Plans"][0]["Actual Rows"] < 100, plan


@pytest.mark.parametrize(("sort", "chosen"), WALKS)
def test_every_page_is_read_from_an_index_and_costs_the_same(
    many: str, sort: str, chosen: str
) -> None:
    choice = Choice(1, TaskFilter.model_validate(CHOSEN[chosen]))
    begin = 0 if CHOSEN[chosen] else None
    ((counted,), _) = run(many, pages.count_query(choice.shape, begin), choice.parameters)
    assert counted["count"] >= 5_000
    first = pages.page_query(sort, choice.shape, begin, continues=False)
    behind = pages.page_query(sort, choice.shape, begin, continues=True)
    _, plan = run(many, first, choice.parameters)
    plans = [plan]
    for offset in (60, counted["count"] - 21):
        ((last, *_), _) = run(many, first, choice.parameters | {"offset": offset, "limit": 1})
        position = {f"after_{n}": last[key.name] for n, key in enumerate(pages.keys_of(sort))}
        rows, plan = run(many, behind, choice.parameters | position)
        assert len(rows) in {20, 21}
        plans.append(plan)
    for plan in plans:
        check_cheap(plan)


@pytest.mark.parametrize("chosen", [{"q": "RARE"}, {"tag": ["Rare"]}])
def test_a_few_tasks_that_are_looked_up_are_all_that_is_read(
    many: str, chosen: dict[str, Any]
) -> None:
    choice = Choice(1, TaskFilter.model_validate(chosen))
    (looking,) = filters_of(choice.shape)
    if looking.found is not None:
        rows, plan = run(many, looking.found, choice.parameters)
        check_cheap(plan, 200)
        choice.parameters["found"] = [row["id"] for row in rows]
    rows, plan = run(
        many, pages.page_query("title", choice.shape, 0, continues=False), choice.parameters
    )
    assert len(rows) == 20
    check_cheap(plan, 200)
