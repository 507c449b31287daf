"""The care of a SQLite file."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from taskhold.errors import StartupError
from taskhold.store.appearing import appearing, sync
from taskhold.store.condition import Remark
from taskhold.store.keeping import (
    NOTHING_KNOWN,
    Advance,
    Ask,
    Backup,
    BeginAnew,
    Examine,
    Known,
    Restored,
)
from taskhold.store.migrations import HEAD
from taskhold.store.query import SQLITE_CODECS, CompiledQueries
from taskhold.store.report import Report
from taskhold.store.sqlite import adoption, checking
from taskhold.store.sqlite.backup import copy_connection
from taskhold.store.sqlite.condition import condition
from taskhold.store.sqlite.exchange import (
    belong_as_before,
    exchange,
    forget_second_names,
    held,
)
from taskhold.store.sqlite.opening import explain, revision_in, revision_of, tables_of, uri_to_look
from taskhold.store.sqlite.store import DIALECT, SQLiteTx, connect
from taskhold.store.sqlite.write import drive

SCHEMA = "schema"


class SQLiteKeeper:
    """Of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: Path | None = path
        self.location = str(path)

    def back_up(
        self, path: Path, examine: Examine, advance: Advance, *, overwrite: bool = False
    ) -> Backup:
        self._refuse_itself(path)
        revision = self._revision()
        report = Report()
        with _explained(self.path), appearing(path, overwrite=overwrite) as part:
            _copy(self.path, part, advance)
            _look_at_copy(part, report, examine, advance)
            if report.broken:
                raise StartupError(
                    f"No backup was made, since {self.path} is damaged ({report.broken}); restore "
                    "the last one"
                )
        return Backup(path, path.stat().st_size, revision, report)

    def condition(self, ask: Ask, workers: int) -> list[Remark]:  # noqa: ARG002  any number
        remarks = list(condition(self.path))
        with suppress(sqlite3.Error, OSError, StartupError):
            if revision_of(self.path) == HEAD:
                with closing(connect(self.path, read_only=True)) as connection:
                    remarks += drive(ask(_tx(connection)))
        return remarks

    def look(self, examine: Examine, advance: Advance) -> Report:
        report = Report()
        _expect(self.path)
        with _explained(self.path), _room_for(self.path) as folder:
            copy = folder / "copy.db"
            copy.touch(0o600)
            _copy(self.path, copy, advance)
            _look_at_copy(copy, report, examine, advance)
        return report

    def restore(
        self, path: Path, begin_anew: BeginAnew, examine: Examine, advance: Advance
    ) -> Restored:
        _expect(path)
        self._refuse_itself(path)
        new = self.path.with_name(f"{self.path.name}-restoring")
        with _explained(self.path), held(self.path) as old:
            forget_second_names(self.path)
            _remove(new)
            try:
                new.touch(0o600)
                known = _known(old)
                with _explained(path):
                    _copy(path, new, advance)
                    revision = _bring_up_to_date(new, path)
                    _begin_anew(new, begin_anew, known)
                    report = Report()
                    _look_at_copy(new, report, examine, advance)
                if report.broken:
                    raise StartupError(f"{path} is damaged ({report.broken}) and was not restored")
                belong_as_before(self.path, new)
                sync(new)
                kept = exchange(self.path, new)
            finally:
                _remove(new)
        return Restored(kept, revision, report)

    def _revision(self) -> str:
        _expect(self.path)
        with _explained(self.path), closing(_opened(self.path)) as connection:
            found = revision_in(connection, self.path, tables_of(connection))
        if found is None:
            raise StartupError(f"There are no tasks at {self.path}")
        return found

    def _refuse_itself(self, path: Path) -> None:
        if path.exists() and self.path.exists() and path.samefile(self.path):
            raise StartupError(f"{path} is the database itself; name another file")


def _expect(path: Path) -> None:
    if not path.is_file():
        raise StartupError(f"There is no file {path}")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(uri_to_look(path), uri=True, isolation_level=None)


def _copy(source: Path, target: Path, advance: Advance) -> None:
    with closing(_opened(source)) as connection:
        copy_connection(
            connection, target, lambda done, total: advance("Copying pages", done, total)
        )


def _bring_up_to_date(copy: Path, named: Path) -> str:
    """Migrate a copy; the revision that it had. A sentence about it calls it by `named`."""
    with closing(_opened(copy)) as connection:
        revision = revision_in(connection, named, tables_of(connection))
    if revision is None:
        raise StartupError(f"There are no tasks in {named}")
    if revision != HEAD:
        adoption.migrate(copy)
    return revision


def _begin_anew(path: Path, begin_anew: BeginAnew, known: Known) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        drive(begin_anew(_tx(connection), known))
        checking.count_from(connection, known.ids)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = DELETE")


def _known(old: sqlite3.Connection | None) -> Known:
    """What the database that is replaced has handed out, as far as it can be read."""
    if old is None:
        return NOTHING_KNOWN
    try:
        return checking.known(old)
    except sqlite3.Error:
        return NOTHING_KNOWN


def _look_at_copy(copy: Path, report: Report, examine: Examine, advance: Advance) -> None:
    """Look at a file that is nobody else's; it stays as it is."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        advance("Looking at pages", 0, 1)
        checking.check_pages(connection, report)
        advance("Looking at pages", 1, 1)
        if report.broken:
            return
        revision = revision_in(connection, copy, tables_of(connection))
    report.looked_at(SCHEMA)
    if revision == HEAD:
        look_at_rows(copy, report, examine, advance)
        return
    with _room_for(copy) as folder:
        migrated = folder / "migrated.db"
        migrated.touch(0o600)
        _copy(copy, migrated, advance)
        _bring_up_to_date(migrated, copy)
        look_at_rows(migrated, report, examine, advance)


def look_at_rows(copy: Path, report: Report, examine: Examine, advance: Advance) -> None:
    """Of a file of this version's schema, which is nobody else's; it stays as it is."""

    def looked(done: int, total: int) -> None:
        advance("Looking at rows", done, total)

    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("BEGIN IMMEDIATE")
        while adoption.is_behind(connection):  # a running server would do it by and by
            adoption.fold_titles(connection)
        checking.check_schema(connection, report)
        drive(examine(_tx(connection), report, looked))
        connection.execute("ROLLBACK")


def _tx(connection: sqlite3.Connection) -> SQLiteTx:
    return SQLiteTx(connection, CompiledQueries(DIALECT, SQLITE_CODECS))


@contextmanager
def _room_for(path: Path) -> Iterator[Path]:
    """A folder for a copy of a file: for temporary files, or beside it where those have no room."""
    size = path.stat().st_size
    usual = Path(tempfile.gettempdir())
    where = usual if shutil.disk_usage(usual).free > 2 * size else path.parent
    with tempfile.TemporaryDirectory(prefix="taskhold-", dir=where) as folder:
        yield Path(folder)


def _remove(path: Path) -> None:
    for each in (path, *path.parent.glob(f"{path.name}-*")):
        with suppress(FileNotFoundError):
            each.unlink()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors, and those of files, into a sentence about `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(path, error) from error
    except OSError as error:
        raise StartupError(f"{error.filename or path} can't be used: {error.strerror}") from error
