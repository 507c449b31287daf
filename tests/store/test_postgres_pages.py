"""On PostgreSQL too a page is read from an index, and the last one costs what the first costs."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from taskhold.store.postgres.store import DIALECT
from taskhold.store.query import POSTGRES_CODECS, Compiled
from taskhold.tasks.operations import SORT_KEYS, _page_query
from tests.support.databases import PostgreSQLDatabases
from tests.support.sql import run_sql

TASKS = 20_000
FILL = f"""
    INSERT INTO task (title, title_folded, done, created_at, updated_at, version)
    SELECT upper(title), title, n % 2 = 0, now() + n * interval '1 second',
        now() + n * 31 % {TASKS} * interval '1 second', 1
    FROM (
        -- every second task has the same title
        SELECT n, CASE WHEN n % 2 = 0 THEN 'water the plants' ELSE 't' || n * 7919 % 1000 END title
        FROM generate_series(1, {TASKS}) AS n
    ) AS made
"""  # noqa: S608
SORTS = [sign + name for name, sign in itertools.product(SORT_KEYS, ("", "-"))]
MOST_PAGES = 60
"""Of 8 KB that a page of 20 tasks may touch: three steps down an index, and 20 rows."""

Plan = dict[str, Any]


@pytest.fixture(scope="module")
def many(
    postgresql_databases: PostgreSQLDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database of 20,000 tasks, every second of them done."""
    with postgresql_databases.fresh(tmp_path_factory.mktemp("many")) as url:
        run_sql(url, FILL, "ANALYZE task")
        yield url


def explain(url: str, query: Compiled, parameters: dict[str, Any]) -> Plan:
    """How PostgreSQL reads the page, and what it touched."""

    async def ask() -> str:
        connection = await asyncpg.connect(url)
        try:
            found: str = await connection.fetchval(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query.sql}", *query.encode(parameters)
            )
            return found
        finally:
            await connection.close()

    plan: Plan = json.loads(asyncio.run(ask()))[0]["Plan"]
    return plan


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.mark.parametrize("by_done", [False, True])
@pytest.mark.parametrize("sort", SORTS)
def test_every_page_is_read_from_an_index_and_costs_the_same(
    many: str, sort: str, by_done: bool
) -> None:
    names = [key.name for key in SORT_KEYS[sort.removeprefix("-")]]
    given = {"owner_id": 1, "done": True, "limit": 21, "offset": 0}
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{name} {direction}" for name in names)
        (behind,) = run_sql(
            many,
            f"SELECT {', '.join(names)} FROM task WHERE done ORDER BY {order} LIMIT 1 OFFSET 60",  # noqa: S608
        )
        position = {
            f"after_{number}": value.isoformat() if hasattr(value, "isoformat") else value
            for number, value in enumerate(behind)
        }
        for continues in (False, True):
            query = Compiled(_page_query(sort, by_done, continues), DIALECT, POSTGRES_CODECS)
            plan = explain(many, query, given | position)
            kinds = {node["Node Type"] for node in nodes(plan)}
            assert not kinds & {"Sort", "Seq Scan", "Bitmap Heap Scan"}, kinds
            touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            if not by_done or sort.endswith("id"):
                assert touched < MOST_PAGES, (direction, continues, touched)
