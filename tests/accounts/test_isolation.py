"""Every statement on a table that has an owner names the owner."""

import gc
from collections.abc import Iterator
from typing import Any

import httpx2
import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import Delete, Insert, Update

import taskhold.app  # noqa: F401  makes every statement
from taskhold.accounts import operations as accounts
from taskhold.care import doctor, lineage
from taskhold.care import statements as care_statements
from taskhold.sessions import operations as sessions
from taskhold.store.query import Query
from taskhold.store.schema import Stored
from taskhold.store.search import Unindexed
from taskhold.tokens import operations as tokens
from tests.support.accounts import log_in, make_accounts

OWNERS = {
    key.parent
    for table in Stored.metadata.sorted_tables
    for key in table.foreign_keys
    if key.column.table.name == "account"
}
BY_A_SECRET = {sessions.FIND, sessions.KNOWS_BROWSER, tokens.FIND}
"""What somebody shows to say whose it is: the owner is what they find out."""


FOR_THE_WHOLE_DATABASE = {
    query
    for module in (doctor, lineage, care_statements)
    for value in vars(module).values()
    for query in (value if isinstance(value, tuple) else (value,))
    if isinstance(query, Query)
}
"""Of commands for who has the database anyway, and of no request: verify, restore, doctor."""


def statements() -> Iterator[Query]:
    gc.unfreeze()  # a server has frozen what there was when it started
    return (each for each in gc.get_objects() if isinstance(each, Query))


def _column(side: Any) -> Any:
    """The column of its table, under whatever name a statement has it."""
    if isinstance(side, Unindexed):
        side = side.column
    table = getattr(side, "table", None)
    return table.element.c[side.name] if isinstance(table, sa.Alias) else side


def unnamed_owners(query: Query) -> set[str]:
    """The tables that it touches without naming the owner."""
    return _unnamed_owners(query.statement) | _unnamed_owners(query.on_sqlite)


def _unnamed_owners(statement: sa.Executable) -> set[str]:
    nodes = list(visitors.iterate(statement))  # type: ignore[arg-type]
    touched = {node for node in nodes if isinstance(node, sa.Table)}
    if isinstance(statement, Insert | Update | Delete):
        assert isinstance(statement.table, sa.Table)
        touched.add(statement.table)
    named = {
        side.table
        for node in nodes
        if isinstance(node, sa.BinaryExpression) and node.operator is sa.sql.operators.eq
        for side, other in ((_column(node.left), node.right), (_column(node.right), node.left))
        if side in OWNERS and isinstance(other, sa.BindParameter) and other.required
    }
    if isinstance(statement, Insert):
        written = statement.compile().params if statement.select is None else {}
        named |= {owner.table for owner in OWNERS if owner.name in written}
        if statement.select is not None:
            named |= {
                owner.table for owner in OWNERS if owner.name in (statement._select_names or ())
            }
    with_owner = {owner.table for owner in OWNERS}
    return {table.name for table in (touched & with_owner) - named}


def test_each_statement_on_what_has_an_owner_names_the_owner(
    client: httpx2.Client, database_url: str
) -> None:
    use_everything(client)
    make_accounts(database_url, {"username": "ada"}, {"username": "bob"})
    log_in(client, "ada")
    assert client.delete("/users/2").status_code == 204
    found = set(statements())
    assert {accounts.LIST, sessions.LIST, tokens.LIST} <= found
    assert len(found) > 60
    breaches = {
        str(query.statement): unnamed
        for query in found - BY_A_SECRET - FOR_THE_WHOLE_DATABASE
        if (unnamed := unnamed_owners(query))
    }
    assert breaches == {}


def test_the_reader_of_statements_finds_what_names_no_owner() -> None:
    for query in BY_A_SECRET:
        assert unnamed_owners(query)


def use_everything(client: httpx2.Client) -> None:
    """Some statements are made when they are first needed."""
    for number in range(3):
        task = {"title": f"a {number}", "due": "2026-12-01", "tags": ["x", "y"]}
        client.post("/tasks", json=task, headers={"Idempotency-Key": f"{number}"})
    for sort in ("id", "created_at", "updated_at", "title", "due", "priority", "position"):
        for descends in ("", "-"):
            for chosen in ("", "&done=false", "&tag=x&tag=y", "&q=a", "&due_after=2026-01-01"):
                query = f"/tasks?sort={descends}{sort}&limit=1{chosen}"
                answer = client.get(query)
                assert client.get(answer.links["next"]["url"]).status_code == 200
    for chosen in ("done=true", "tag=x&tag=y", "q=a%20bcd", "list_id=none&due=none"):
        assert client.get(f"/tasks/count?{chosen}").status_code == 200
