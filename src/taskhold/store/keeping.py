"""What is done with a database as a whole: copied, looked at, brought back."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from taskhold.store import Tx
from taskhold.store.condition import Remark
from taskhold.store.report import Report

Advance = Callable[[str, int, int], None]
"""Told what goes on, and how much of how much is done."""
Examine = Callable[[Tx, Report, Callable[[int, int], None]], Coroutine[Any, Any, None]]
"""Looks at the rows of a database of this version's schema, in one snapshot."""


class Known(NamedTuple):
    """What a database has handed out that is in a backup no more."""

    seq: int
    """The newest of any account's journal."""
    ids: dict[str, int]
    """The last id of each table that counts them."""


NOTHING_KNOWN = Known(0, {})
BeginAnew = Callable[[Tx, Known], Coroutine[Any, Any, None]]
"""Makes a restored database another one than it was, in the transaction that restores it."""


Ask = Callable[[Tx], Coroutine[Any, Any, list[Remark]]]
"""Asks a database of this version's schema."""


class Backup(NamedTuple):
    """A backup that is whole."""

    path: Path
    size: int
    revision: str
    """Of its schema; empty for a file of the lesson's app."""
    report: Report


class Restored(NamedTuple):
    """What a restore has done."""

    kept: Path | None
    """Where what was there before is kept; None where nothing was."""
    revision: str
    """Of the schema that the backup had."""
    report: Report
    """What there is to say of it; nothing that leaves it of no use."""


class Keeper(Protocol):
    """The care of one database. What goes wrong is a StartupError."""

    location: str
    file: Path | None
    """The database's file, where it is one."""

    def back_up(
        self, path: Path, examine: Examine, advance: Advance, *, overwrite: bool = False
    ) -> Backup:
        """Write a backup of this moment, while others read and write.

        It holds all that was committed before, and has its name once it was looked at. What is
        wrong with the database stands in the report, and is in the backup as well.
        """

    def condition(self, ask: Ask, workers: int) -> list[Remark]:
        """What is right and wrong around it, for so many processes; reads little, changes nothing.

        `ask` adds what its rows tell, where they can be read.
        """

    def look(self, examine: Examine, advance: Advance) -> Report:
        """What there is to say of the database; nobody is held up by it."""

    def restore(
        self, path: Path, begin_anew: BeginAnew, examine: Examine, advance: Advance
    ) -> Restored:
        """Put a backup in the database's place, all of it or nothing.

        Refused while a server or anybody else uses the database.
        """
