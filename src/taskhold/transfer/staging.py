"""What a file says, kept aside until all of it was read: checked as a whole, and put in order.

It is a database of SQLite's in a file that loses its name as soon as it is open, so it is gone
with this process. A large file takes little memory so, and a bad line is found before anything is
written.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from taskhold.errors import StartupError
from taskhold.store import Row
from taskhold.transfer import keys
from taskhold.transfer.arranging import Arranging
from taskhold.transfer.items import Item, Report

AT_ONCE = 500
_TABLE = """
CREATE TABLE item (
    seq INTEGER PRIMARY KEY, line INTEGER, kind TEXT, rank INTEGER, key TEXT, alike TEXT,
    nth INTEGER, ref TEXT, parent TEXT, list TEXT, body TEXT, source_id INTEGER,
    parent_seq INTEGER, list_seq INTEGER, turn INTEGER, level INTEGER, object_id INTEGER,
    stale_id INTEGER, state TEXT DEFAULT 'new', together INTEGER
)"""
_ADD = """
INSERT INTO item
    (line, kind, rank, key, alike, nth, ref, parent, list, body, source_id, together)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_RANKS = {"list": 0, "task": 1, "trash": 2, "change": 3}
_INDEXES = (
    "CREATE UNIQUE INDEX item_ref ON item (ref) WHERE ref IS NOT NULL",
    "CREATE UNIQUE INDEX item_key ON item (key) WHERE key > ''",
    "CREATE INDEX item_alike ON item (alike, nth) WHERE alike IS NOT NULL",
    "CREATE INDEX item_together ON item (together, seq) WHERE together IS NOT NULL",
)
_WRITTEN = """
SELECT item.seq, item.line, item.kind, item.rank, item.turn, item.level, item.key, item.body,
    item.source_id, item.stale_id, CAST(substr(item.parent, 6) AS INTEGER) AS parent_ref,
    CAST(substr(item.list, 6) AS INTEGER) AS list_ref, item.parent_seq,
    parent.object_id AS parent_id, item.list_seq, list.object_id AS list_id,
    item.together
FROM item LEFT JOIN item AS parent ON parent.seq = item.parent_seq
    LEFT JOIN item AS list ON list.seq = item.list_seq
"""
NEW, LIVE, IN_TRASH, GONE, UNNEEDED = "new", "live", "trash", "gone", "unneeded"
"""What is known of an item: not there yet; there; deleted; purged; a list without a new task."""


class Known(NamedTuple):
    """Where an item is already."""

    object_id: int
    state: str


class Staging:
    """The items of one file. `is_strict`: it is of our own format, and has to be whole."""

    def __init__(self, source: str, report: Report, *, is_strict: bool) -> None:
        self._source = source
        self._report = report
        self._is_strict = is_strict
        self._named: set[str] = set()
        # Not SQLite's own kind of temporary file: some libraries are built to keep it in memory.
        self._folder = TemporaryDirectory(prefix="taskhold-import-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / "items.db"
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._execute = self._connection.execute
        for statement in (
            "PRAGMA locking_mode = EXCLUSIVE",
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "PRAGMA cache_size = -16000",
            _TABLE,
            *_INDEXES,
            "BEGIN",
        ):
            self._execute(statement)
        if os.name != "nt":  # where a file that is open keeps its name
            self._folder.cleanup()

    def close(self) -> None:
        self._connection.close()
        self._folder.cleanup()

    def add(self, item: Item) -> None:
        """Keep an item. A second one of the same name is bad; of another program, it is left."""
        key, alike, nth = item.key, None, 0
        if key == "":  # a list that is known by its name comes again and again
            if item.ref in self._named:
                return
            self._named.add(item.ref or "")
        if key is None:
            alike = keys.of_content(self._source, item.alike)
            (last,) = self._execute(
                "SELECT max(nth) FROM item WHERE alike = ?", (alike,)
            ).fetchone()
            nth = (last or 0) + 1
            key = f"{alike} {nth}"
        row = (
            item.line,
            item.kind,
            _RANKS[item.kind],
            key,
            alike,
            nth,
            item.ref,
            item.parent,
            item.list,
            to_json(item.fields).decode(),
            item.fields.get("seq" if item.kind == "change" else "id"),
            item.fields.get("operation") if item.kind == "trash" else None,
        )
        try:
            self._execute(_ADD, row)
        except sqlite3.IntegrityError:
            (line,) = self._execute(
                "SELECT line FROM item WHERE ref = ? OR key = ?", (item.ref, key)
            ).fetchone()
            self._say(item.line, f"is the same {item.kind} as in line {line:,}", "left out")
        except sqlite3.Error as error:
            raise StartupError(f"The file can't be kept aside to be checked: {error}") from None

    def _say(self, line: int, what: str, outcome: str) -> None:
        """Something that can't be carried as it is; of our own format, that is bad."""
        if self._is_strict and not self._report.skip_bad:
            self._report.bad(line, what)
        self._report.note(line, f"{what}: {outcome}")

    # What belongs to what

    def missing_parents(self) -> list[str]:
        """By what tasks mean their parents that are not in the file."""
        found = self._execute(
            "SELECT DISTINCT parent FROM item WHERE kind = 'task' AND parent IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM item AS it WHERE it.ref = item.parent)"
        )
        return [parent for (parent,) in found]

    def add_known(self, ref: str, object_id: int) -> None:
        """Note a task that isn't in the file, but there."""
        self._execute(
            "INSERT INTO item (line, kind, rank, key, ref, body, object_id, state) "
            "VALUES (0, 'known', 9, '', ?, '{}', ?, 'live')",
            (ref, object_id),
        )

    def settle(self) -> None:
        """Put in order what was read."""
        Arranging(self._connection, self._say, is_strict=self._is_strict).arrange()
        self._execute("CREATE INDEX item_order ON item (rank, turn, level, seq)")

    # What is there already

    def unknown(self, after: int) -> list[Row]:
        """Some items with a key, behind one of them."""
        return self._rows(
            "SELECT seq, kind, key FROM item WHERE key > '' AND kind <> 'change' AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (after, AT_ONCE),
        )

    def note_known(self, items: list[Row], known: dict[str, Known], *, again: bool) -> None:
        """Say where items are; `again`: what was deleted is to be made anew."""
        noted: list[tuple[str, int | None, int | None, int]] = []
        for item in items:
            found = known.get(item["key"])
            if found is None:
                continue
            is_there = found.state == LIVE or (item["kind"], found.state) == ("trash", IN_TRASH)
            if again and not is_there:
                noted.append((NEW, None, found.object_id, item["seq"]))
            elif is_there:
                noted.append((LIVE, found.object_id, None, item["seq"]))
            else:
                noted.append((found.state, None, None, item["seq"]))
        self._connection.executemany(
            "UPDATE item SET state = ?, object_id = ?, stale_id = ? WHERE seq = ?", noted
        )

    def named_lists(self) -> list[Row]:
        """The lists that are known by their names, and have new tasks; no others are needed."""
        self._execute(
            "UPDATE item SET state = ? WHERE kind = 'list' AND key = '' AND NOT EXISTS "
            "(SELECT 1 FROM item AS it WHERE it.list_seq = item.seq AND it.state = 'new')",
            (UNNEEDED,),
        )
        return self._rows(
            "SELECT seq, json_extract(body, '$.name') AS name, json_extract(body, '$.alias') "
            "AS alias FROM item WHERE kind = 'list' AND key = '' AND state = 'new'"
        )

    def note_lists(self, there: dict[int, int]) -> None:
        """Say which of them are there, by their `seq`."""
        self._connection.executemany(
            "UPDATE item SET state = ?, object_id = ? WHERE seq = ?",
            ((LIVE, list_id, seq) for seq, list_id in there.items()),
        )

    def trash_without_id(self, *, keeps_ids: bool) -> list[int]:
        """What goes to the trash and can't have the id that it had, by its `seq`."""
        return [
            seq
            for (seq,) in self._execute(
                "SELECT seq FROM item WHERE kind = 'trash' AND state = 'new' "
                "AND (NOT ? OR stale_id IS NOT NULL) ORDER BY seq",
                (keeps_ids,),
            )
        ]

    def give_ids(self, ids: dict[int, int]) -> None:
        """Ids for what was found without."""
        self._connection.executemany(
            "UPDATE item SET source_id = ?1, object_id = ?1 WHERE seq = ?2",
            ((object_id, seq) for seq, object_id in ids.items()),
        )

    def made(self, ids: dict[int, int]) -> None:
        """Note which id each got, by its `seq`."""
        self._connection.executemany(
            "UPDATE item SET state = 'live', object_id = ? WHERE seq = ?",
            ((object_id, seq) for seq, object_id in ids.items()),
        )

    # What is to be written

    def next_chunk(self, behind: tuple[int, int, int, int], limit: int) -> list[Row]:
        """Some of what is new, in the order in which it is written.

        What was deleted together is written together, however much it is.
        """
        chunk = self._rows(
            f"{_WRITTEN} WHERE item.state = 'new' AND item.kind <> 'change' AND "
            "(item.rank, item.turn, item.level, item.seq) > (?, ?, ?, ?) "
            "ORDER BY item.rank, item.turn, item.level, item.seq LIMIT ?",
            (*behind, limit),
        )
        if len(chunk) == limit and chunk[-1]["together"] is not None:
            chunk += self._rows(
                f"{_WRITTEN} WHERE item.state = 'new' AND item.together = ? AND item.seq > ? "
                "ORDER BY item.seq",
                (chunk[-1]["together"], chunk[-1]["seq"]),
            )
        return chunk

    def changes_before(self, seq: int, limit: int) -> list[Row]:
        """Some of the journal, the newest first."""
        return [
            from_json(row["body"])
            for row in self._execute(
                "SELECT body FROM item WHERE kind = 'change' AND source_id < ? "
                "ORDER BY source_id DESC LIMIT ?",
                (seq, limit),
            )
        ]

    def index_changes(self) -> str | None:
        """Make the journal ready to be written; why it can't be, if so."""
        self._execute("CREATE INDEX item_change ON item (source_id) WHERE kind = 'change'")
        row = self._execute(
            "SELECT count(*) AS count, count(DISTINCT source_id) AS different, "
            "min(source_id) AS first, max(source_id) AS last FROM item WHERE kind = 'change'"
        ).fetchone()
        if row["count"] != row["different"] or row["last"] - row["first"] + 1 != row["count"]:
            return "the journal in the file has gaps"
        return None

    # What there is

    def count(self, kind: str, state: str | None = None) -> int:
        sql = "SELECT count(*) FROM item WHERE kind = ?"
        wanted = (kind,)
        if state is not None:
            sql, wanted = f"{sql} AND state = ?", (kind, state)  # type: ignore[assignment]
        (count,) = self._execute(sql, wanted).fetchone()
        return int(count)

    def new_by_list(self) -> Iterator[tuple[str | None, int | None, int]]:
        """For each list the name, the id where it is there, and how many tasks are new in it."""
        for row in self._execute(
            "SELECT json_extract(list.body, '$.name'), list.object_id, count(*) FROM item "
            "LEFT JOIN item AS list ON list.seq = item.list_seq "
            "WHERE item.kind = 'task' AND item.state = 'new' GROUP BY item.list_seq "
            "ORDER BY item.list_seq"
        ):
            yield tuple(row)

    def ids(self) -> dict[str, tuple[int, int]]:
        """The lowest and the highest id of tasks and of lists that the file has or refers to."""
        found: dict[str, tuple[int, int]] = {}
        for kind, kinds, reference in (
            ("task", "('task', 'trash')", "parent"),
            ("list", "('list')", "list"),
        ):
            low, high = self._execute(
                f"SELECT min(id), max(id) FROM ("
                f"SELECT source_id AS id FROM item WHERE kind IN {kinds} UNION ALL "
                f"SELECT CAST(substr({reference}, 6) AS INTEGER) FROM item "
                f"WHERE {reference} LIKE '{kind} %' UNION ALL "
                f"SELECT json_extract(body, '$.id') FROM item WHERE kind = 'change' "
                f"AND json_extract(body, '$.kind') = '{kind}')"
            ).fetchone()
            if high is not None:
                found[kind] = (low, high)
        return found

    def lacks_ids(self) -> bool:
        """Whether there is anything without an id of its own."""
        (lacks,) = self._execute(
            "SELECT EXISTS (SELECT 1 FROM item WHERE source_id IS NULL AND kind <> 'known')"
        ).fetchone()
        return bool(lacks)

    def _rows(self, sql: str, wanted: Iterable[Any] = ()) -> list[Row]:
        return [dict(row) for row in self._execute(sql, tuple(wanted))]
