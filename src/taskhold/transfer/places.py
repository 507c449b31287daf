"""Where the tasks of an import come, in its transaction: what they refer to may have changed."""

from sqlalchemy import literal, select

from taskhold.store import Row, Tx
from taskhold.store.query import Query
from taskhold.store.schema import Id
from taskhold.store.search import AmongMany
from taskhold.tasks import rows, tree
from taskhold.tasks.positions import after as position_after
from taskhold.transfer.operations import CHECKED


def _lines() -> Query:
    """Some tasks, each with those above it, up to one more than there may be."""
    line = (
        select(
            rows.task.id.label("start"),
            rows.task.parent_id,
            rows.task.list_id,
            literal(1, Id).label("level"),
        )
        .where(CHECKED, AmongMany(rows.task.id, "ids"))
        .cte("line", recursive=True)
    )
    above = select(
        line.c.start, rows.task.parent_id, line.c.list_id, (line.c.level + 1).label("level")
    ).where(CHECKED, rows.task.id == line.c.parent_id, line.c.level <= tree.MOST_LEVELS)
    line = line.union_all(above)
    return Query(select(line.c.start, line.c.list_id, line.c.level))


LINES = _lines()


class Places:
    """Where the tasks of a part come: what they refer to may have changed meanwhile."""

    def __init__(self, tx: Tx, owner_id: int, made: dict[int, int]) -> None:
        self._tx = tx
        self._owner_id = owner_id
        self._made = made
        self._lines: dict[int, tuple[int | None, int]] = {}
        """For each parent its list and its level."""
        self._lists: set[int] = set()
        self._positions: dict[int | None, str] = {}

    @classmethod
    async def of(
        cls, tx: Tx, owner_id: int, wanted: list[Row], made: dict[int, int], new_lists: set[int]
    ) -> "Places":
        places = cls(tx, owner_id, made)
        parents = {made.get(each["parent_seq"], each["parent_id"]) for each in wanted} - {None}
        if parents:
            for row in await tx.all(LINES, owner_id=owner_id, ids=sorted(parents)):
                list_id, level = places._lines.get(row["start"], (row["list_id"], 0))
                places._lines[row["start"]] = (list_id, max(level, row["level"]))
        older = {made.get(each["list_seq"], each["list_id"]) for each in wanted}
        places._lists = new_lists | {
            each
            for each in older - new_lists
            if each is not None and await tree.list_exists(tx, owner_id, each)
        }
        places._positions = dict.fromkeys(new_lists, "")
        return places

    def place(self, wanted: Row, task_id: int) -> tuple[int | None, int | None]:
        """The parent and the list of a task; where these are gone, none."""
        parent_id = self._made.get(wanted["parent_seq"], wanted["parent_id"])
        list_id = self._made.get(wanted["list_seq"], wanted["list_id"])
        parent = self._lines.get(parent_id) if parent_id is not None else None
        if parent is not None and parent[1] < tree.MOST_LEVELS:
            list_id, level = parent[0], parent[1] + 1
        else:
            parent_id, level = None, 1
            list_id = list_id if list_id in self._lists else None
        self._lines[task_id] = (list_id, level)
        return parent_id, list_id

    async def next_position(self, list_id: int | None) -> str:
        """Behind the last of a list, and of what this part has put there."""
        last = self._positions.get(list_id)
        if last is None:
            position = await tree.next_position(self._tx, self._owner_id, list_id)
        else:
            position = position_after(last or None)
        self._positions[list_id] = position
        return position
