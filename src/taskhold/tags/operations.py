"""What can be done with tags."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, case, func, select

from taskhold.errors import NotFound
from taskhold.journal.operations import Author, cursor
from taskhold.store import Row, Tx, paging
from taskhold.store.paging import Listed
from taskhold.store.query import Query
from taskhold.store.schema import Id, table
from taskhold.tags.models import TagUpdate, TaskTag, fold_tag
from taskhold.tasks import operations as tasks
from taskhold.tasks import rows

_tag = table(TaskTag).c
_OWNED = _tag.owner_id == bindparam("owner_id")
_grouped = (
    select(
        _tag.folded,
        func.min(_tag.task_id).label("first_id"),
        func.sum(case((_tag.done, 0), else_=1)).label("open_count"),
    )
    .where(_OWNED)
    .group_by(_tag.folded)
)


def _named(grouped: Any) -> Any:
    """The groups with the spelling of the oldest task in each."""
    group = grouped.subquery("grouped")
    name = (
        select(_tag.name)
        .where(_OWNED, _tag.folded == group.c.folded, _tag.task_id == group.c.first_id)
        .scalar_subquery()
    )
    return select(name.label("tag"), group.c.open_count, group.c.folded).order_by(group.c.folded)


PAGE = Query(
    _named(
        _grouped.where(_tag.folded > bindparam("after"))
        .order_by(_tag.folded)
        .limit(bindparam("limit", type_=Id))
        .offset(bindparam("offset", type_=Id))
    )
)
ONE = Query(_named(_grouped.where(_tag.folded == bindparam("folded"))))
BEARERS = Query(
    select(*rows.SHOWN)
    .where(
        rows.OWNED,
        rows.task.id.in_(select(_tag.task_id).where(_OWNED, _tag.folded == bindparam("folded"))),
    )
    .order_by(rows.task.id)
)


async def list_page(
    tx: Tx,
    owner_id: int,
    *,
    after: str,
    offset: int,
    limit: int,
    is_known: Callable[[int], bool],
) -> Listed:
    """The tags in use, by their folded names; none if the caller knows the present `seq`."""
    seq = await cursor(tx, owner_id)
    if is_known(seq):
        return Listed(seq, None)
    found = await tx.all(PAGE, owner_id=owner_id, after=after, offset=offset, limit=limit + 1)
    next_position = paging.cut(found, limit, (_tag.folded,))
    for tag in found:
        del tag["folded"]
    return Listed(seq, found, next_position)


async def rename(tx: Tx, author: Author, tag: str, data: TagUpdate) -> Row:
    """Give a tag another name in each task that bears it; the tag that it is then.

    A task that bears the other one as well keeps the first of both. Raises NotFound.
    """
    if "\0" in tag:  # which PostgreSQL takes in no text
        raise NotFound("Tag")
    folded = fold_tag(tag)
    bearers = await tx.all(BEARERS, owner_id=author.account_id, folded=folded)
    if not bearers:
        raise NotFound("Tag")
    changes = []
    for before in bearers:
        renamed = _renamed(before["tags"], folded, data.tag)
        if renamed != before["tags"]:
            changes.append((before, before | {"tags": renamed}))
    if changes:
        await tasks.save(tx, author, changes)
    found = await tx.one(ONE, owner_id=author.account_id, folded=fold_tag(data.tag))
    assert found is not None
    del found["folded"]
    return found


def _renamed(tags: list[str], folded: str, name: str) -> list[str]:
    both = {folded, fold_tag(name)}
    first = next(place for place, tag in enumerate(tags) if fold_tag(tag) in both)
    return [
        name if place == first else tag
        for place, tag in enumerate(tags)
        if place == first or fold_tag(tag) not in both
    ]
