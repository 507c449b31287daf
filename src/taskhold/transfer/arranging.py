"""How the tasks of a file belong together: which is under which, in which list, in which order."""

import sqlite3
from collections.abc import Callable

from taskhold.errors import StartupError
from taskhold.tasks.tree import MOST_LEVELS

MOST_CYCLES = 100
"""That are cut; each takes a look at all of the file."""
Say = Callable[[int, str, str], None]
"""Told of a line that can't be carried as it is: what is wrong, and what becomes of it."""
_WITHOUT = {"parent": "it comes to the top", "list": "it is in no list"}
_FIND_ITS = """
UPDATE item SET {reference}_seq = (SELECT it.seq FROM item AS it WHERE it.ref = item.{reference}
    AND it.kind IN {kinds} AND NOT (item.kind = 'task' AND it.kind = 'trash'))
WHERE {reference} IS NOT NULL"""


class Arranging:
    """Arranges the items of a `Staging`."""

    def __init__(self, connection: sqlite3.Connection, say: Say, *, is_strict: bool) -> None:
        self._execute = connection.execute
        self._say = say
        self._is_strict = is_strict

    def arrange(self) -> None:
        """Find parents and lists, and the order in which all of it is written.

        In the order of the file, but each task behind its parent.
        """
        for reference, kinds in (("parent", "('task', 'trash', 'known')"), ("list", "('list')")):
            self._execute(_FIND_ITS.format(reference=reference, kinds=kinds))
            for _, line in self._pairs(
                f"SELECT seq, line FROM item WHERE kind = 'task' AND {reference} IS NOT NULL "
                f"AND {reference}_seq IS NULL ORDER BY seq"
            ):
                self._say(line, f"its {reference} is not in the file", _WITHOUT[reference])
        self._execute("UPDATE item SET turn = seq, level = 1 WHERE kind <> 'task'")
        self._set_levels()
        self._set_lists()

    def _set_levels(self) -> None:
        self._execute(
            "UPDATE item SET turn = seq, level = 1 WHERE kind = 'task' AND parent_seq IS NULL"
        )
        self._execute("CREATE INDEX item_parent ON item (parent_seq)")
        self._place()
        cut = 0
        while (cycle := self._find_cycle()) is not None:
            seq, line = cycle
            self._say(line, "its parent is under it", _WITHOUT["parent"])
            cut += 1
            if cut > MOST_CYCLES:
                raise StartupError("The file's tasks make no tree; nothing was imported")
            self._execute(
                "UPDATE item SET parent_seq = NULL, turn = seq, level = 1 WHERE seq = ?", (seq,)
            )
            self._place()

    def _place(self) -> None:
        """Place what is under tasks that have a place."""
        for level in range(1, MOST_LEVELS):
            self._execute(
                "UPDATE item SET level = ?1 + 1, turn = max(seq, (SELECT up.turn FROM item AS up "
                "WHERE up.seq = item.parent_seq)) WHERE level IS NULL AND parent_seq IN "
                "(SELECT seq FROM item WHERE kind IN ('task', 'known') AND level = ?1)",
                (level,),
            )
        deeper = self._execute(
            "WITH RECURSIVE deep (seq, line, up) AS (SELECT item.seq, item.line, parent.parent_seq "
            "FROM item JOIN item AS parent ON parent.seq = item.parent_seq "
            "WHERE item.level IS NULL AND parent.level = ? UNION ALL "
            "SELECT item.seq, item.line, deep.up FROM deep JOIN item ON item.parent_seq = deep.seq)"
            "SELECT seq, line, up FROM deep ORDER BY seq",
            (MOST_LEVELS,),
        ).fetchall()
        for seq, line, up in deeper:
            self._say(line, f"parent_id: would make more than {MOST_LEVELS} levels", "it is lifted")
            self._execute(
                "UPDATE item SET parent_seq = ?1, level = ?2, turn = max(seq, "
                "(SELECT turn FROM item WHERE seq = ?1)) WHERE seq = ?3",
                (up, MOST_LEVELS, seq),
            )

    def _find_cycle(self) -> tuple[int, int] | None:
        """One of some tasks that are each under the other: its `seq` and its line."""
        found = self._execute(
            "SELECT seq FROM item WHERE level IS NULL AND kind = 'task' LIMIT 1"
        ).fetchone()
        if found is None:
            return None
        seq, seen = found[0], set()
        while seq not in seen:
            seen.add(seq)
            seq, line = self._execute(
                "SELECT up.seq, up.line FROM item JOIN item AS up ON up.seq = item.parent_seq "
                "WHERE item.seq = ?",
                (seq,),
            ).fetchone()
        return seq, line

    def _set_lists(self) -> None:
        """A subtask is in the list of its parent."""
        other = "FROM item AS up WHERE up.seq = item.parent_seq"
        for level in range(2, MOST_LEVELS + 1):
            differs = (
                f"kind = 'task' AND level = {level} "
                f"AND list_seq IS NOT (SELECT up.list_seq {other})"
            )
            said = "" if self._is_strict else " AND list_seq IS NOT NULL"
            for _, line in self._pairs(f"SELECT seq, line FROM item WHERE {differs}{said}"):
                what = "list_id: should be the list of the parent task"
                self._say(line, what, "it comes to the parent's")
            self._execute(
                f"UPDATE item SET list_seq = (SELECT up.list_seq {other}) WHERE {differs}"
            )

    def _pairs(self, sql: str) -> list[tuple[int, int]]:
        return [(row[0], row[1]) for row in self._execute(sql)]
