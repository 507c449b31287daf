"""Which accounts' journals have grown, asked of the file again and again at little cost."""

import sqlite3
import time

EVERYBODY_SECONDS = 5.0
NEWEST = "SELECT coalesce(max(rowid), 0) FROM change"
SINCE = "SELECT DISTINCT owner_id FROM change NOT INDEXED WHERE rowid > ? AND rowid <= ?"


class JournalGrowth:
    """What is new since the last look, by the rowids that SQLite counts up.

    They come again once the last rows are deleted, as an account's are with it
    (https://sqlite.org/autoinc.html). So it may be everybody now and then.
    """

    def __init__(self) -> None:
        self._version = -1
        self._last = 0
        self._is_owed = False
        """Whether there was a commit since it was everybody."""
        self._everybody_at = 0.0

    def look(self, connection: sqlite3.Connection) -> set[int] | None:
        """The accounts with new changes; None where it may be any of them."""
        # It changes with each commit of another connection (https://sqlite.org/pragma.html).
        version = _number(connection, "PRAGMA data_version")
        has_grown = version != self._version
        self._version = version
        self._is_owed |= has_grown
        is_due = self._is_owed and time.monotonic() >= self._everybody_at
        if not has_grown and not is_due:
            return set()
        last, self._last = self._last, _number(connection, NEWEST)
        if is_due or self._last < last:
            self._is_owed = False
            self._everybody_at = time.monotonic() + EVERYBODY_SECONDS
            return None
        return {owner_id for (owner_id,) in connection.execute(SINCE, (last, self._last))}


def _number(connection: sqlite3.Connection, sql: str) -> int:
    (number,) = connection.execute(sql).fetchone()
    assert isinstance(number, int)
    return number
