"""`taskhold import`: what another program, or Taskhold, has written into a file."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple
from zoneinfo import available_timezones

import typer

from taskhold.cli.database import Account, Database, acting_account, database
from taskhold.cli.files import STANDARD, source
from taskhold.cli.progress import Advance, bars, numbered
from taskhold.cli.stopping import Stop
from taskhold.errors import StartupError, UndoConflict
from taskhold.folding import fold_title
from taskhold.journal.operations import Author
from taskhold.store import Row, Tx
from taskhold.transfer import keys, operations
from taskhold.transfer.formats import Source, jsonl, table, todoist, todotxt
from taskhold.transfer.formats.choosing import format_to_read
from taskhold.transfer.items import Item, Report, list_named, ref_of_list
from taskhold.transfer.lines import Lines
from taskhold.transfer.operations import IDS, JOURNAL
from taskhold.transfer.staging import GONE, IN_TRASH, LIVE, NEW, Staging
from taskhold.undo.operations import undo as undo_operation

PEEK_BYTES = 64 * 1024
FIRST_ROWS, MOST_ROWS = 200, 2_000
STEP_SECONDS = 0.1
"""How long one transaction should take: others wait so long for theirs."""
PAUSE = 0.1
"""How long others are let in behind it, as a part of what it took."""
CHANGES_AT_ONCE = 500
MOST_SHOWN = 20
_STRICT = frozenset((Source.jsonl, Source.csv))


class Wanted(NamedTuple):
    """How to import."""

    path: str
    format: Source | None = None
    list_name: str | None = None
    zone: str = "UTC"
    dry_run: bool = False
    skip_bad: bool = False
    again: bool = False
    as_json: bool = False


def import_and_show(wanted: Wanted, username: str | None, database_url: str | None) -> None:
    """Read the file, look what is there, then make what is new; and say what that was."""
    if wanted.zone not in available_timezones():
        raise StartupError(f"--tz: {wanted.zone} is no time zone, as Europe/Berlin", exit_code=2)
    report = Report(skip_bad=wanted.skip_bad)
    with source(wanted.path) as (file, size), database(database_url) as found:
        account = acting_account(found, username)
        kind = wanted.format or format_to_read(wanted.path, _peek(file))
        with closing(Staging(kind.value, report, is_strict=kind in _STRICT)) as staging:
            file_hash = _read(wanted, kind, file, size, staging, report)
            work = _Import(found, account, staging, file_hash)
            work.look(report, again=wanted.again)
            if not wanted.dry_run:
                work.write()
            _say(wanted, work, report)
    if not work.is_whole:
        raise StartupError("stopped; run it again to go on")


def undo_and_show(seq: int, username: str | None, database_url: str | None) -> None:
    """Undo the import that a change belongs to, the newest part first."""
    with database(database_url) as found:
        account = acting_account(found, username)
        parts = found.read(operations.operations_to_undo, account.id, seq)
        if parts is None:
            raise StartupError(f"Change {seq} is not of an import")
        stop = Stop()
        undone = 0
        with bars("parts") as advance:
            for undone, part in enumerate(parts, 1):  # noqa: B007
                try:
                    found.write(account.id, _undo, account, part)
                except UndoConflict as problem:
                    raise StartupError(
                        f"change {problem.conflict['seq']} has touched what was imported; undo "
                        f"that one first ({undone - 1} of {len(parts)} parts are undone)"
                    ) from None
                found.index()
                advance("Undoing", undone, len(parts))
                if stop.wanted and undone < len(parts):
                    raise StartupError("stopped; run it again to go on")
        typer.echo(f"Undid {numbered(undone, 'operation')} of the import in {found.location}")


async def _undo(tx: Tx, account: Account, operation: int) -> None:
    await undo_operation(tx, Author(account.id, account.name), operation)


def _peek(file: BinaryIO) -> bytes:
    peek: Callable[[int], bytes] = file.peek  # type: ignore[attr-defined]
    return peek(PEEK_BYTES)


# Reading


def _read(
    wanted: Wanted, kind: Source, file: BinaryIO, size: int, staging: Staging, report: Report
) -> str:
    """Keep all that the file says; the file's SHA-256."""
    with bars("KB") as advance:
        lines = Lines(file, _in_kilobytes(advance, size) if size else lambda _: None)
        for item in _items(wanted, kind, lines, report):
            staging.add(item)
    return lines.sha256()


def _in_kilobytes(advance: Advance, size: int) -> Callable[[int], None]:
    return lambda done: advance("Reading", done // 1000, size // 1000)


def _items(wanted: Wanted, kind: Source, lines: Lines, report: Report) -> Iterator[Item]:
    if kind is Source.jsonl:
        if wanted.list_name:
            raise StartupError("--list is for formats without lists of their own", exit_code=2)
        return jsonl.read(lines, report)
    zone = wanted.zone
    if kind is Source.csv:
        items = table.read(lines, report, zone=zone)
    elif kind is Source.todotxt:
        items = todotxt.read(lines, report)
    elif kind is Source.ics:
        from taskhold.transfer.formats import ics  # its library takes a moment to import

        items = ics.read(lines, report, zone=zone)
    else:
        stem = "" if wanted.path == STANDARD else PurePath(wanted.path).stem
        project = wanted.list_name or todoist.project_of(stem)
        return todoist.read(lines, report, zone=zone, project=project)
    return _listed(items, wanted.list_name) if wanted.list_name else items


def _listed(items: Iterator[Item], name: str) -> Iterator[Item]:
    """What is in no list comes into this one."""
    yield list_named(0, name)
    for item in items:
        if item.kind == "task" and item.list is None:
            yield item._replace(list=ref_of_list(name))
        else:
            yield item


# Looking and writing


class _Import:
    """One import on its way."""

    def __init__(self, found: Database, account: Account, staging: Staging, file_hash: str) -> None:
        self.found = found
        self.account = account
        self.staging = staging
        self.file_hash = file_hash
        self.kept: str | None = None
        self.journal_left_out = ""
        """Why the file's journal is not carried."""
        self.counts: dict[str, dict[str, int]] = {}
        self.first_seq: int | None = None
        self.is_whole = True

    def look(self, report: Report, *, again: bool) -> None:
        """Put in order what the file says, and find what is there already."""
        found, account, staging = self.found, self.account, self.staging
        missing = staging.missing_parents()
        for first in range(0, len(missing), CHANGES_AT_ONCE):
            some = missing[first : first + CHANGES_AT_ONCE]
            for key, known in found.read(operations.known, account.id, some).items():
                if known.state == LIVE:
                    staging.add_known(key, known.object_id)
        staging.settle()
        is_empty = found.read(operations.is_empty, account.id)
        after = 0
        while not is_empty and (some_items := staging.unknown(after)):
            after = some_items[-1]["seq"]
            known_ones = found.read(
                operations.known, account.id, [each["key"] for each in some_items]
            )
            staging.note_known(some_items, known_ones, again=again)
        matched = {}
        for each in staging.named_lists():
            for name in dict.fromkeys((each["name"], each["alias"])):
                list_id = found.read(operations.list_named, account.id, name, fold_title(name))
                if list_id is not None:
                    matched[each["seq"]] = list_id
                    break
        staging.note_lists(matched)
        self.kept = self._what_is_kept()
        if staging.count("change") and self.kept != JOURNAL:
            self.journal_left_out = self.journal_left_out or (
                "the account has changes of its own, or the ids are taken"
            )
            report.note(0, f"the journal is left out: {self.journal_left_out}")
        self.counts = {
            kind: {state: staging.count(kind, state) for state in (NEW, LIVE, IN_TRASH, GONE)}
            for kind in ("list", "task", "trash")
        }

    def _what_is_kept(self) -> str | None:
        """Whether the ids of the file, and its journal, are kept; None for neither."""
        staging, found = self.staging, self.found
        begun = found.read(operations.kept_of_file, self.account.id, self.file_hash)
        if staging.count("change"):
            self.journal_left_out = staging.index_changes() or ""
        if begun is not None:
            return begun
        ids = staging.ids()
        if not ids or staging.lacks_ids():
            return None
        if not found.read(operations.is_empty, self.account.id):
            return None
        if not found.read(operations.are_free, ids):
            return None
        return JOURNAL if staging.count("change") and not self.journal_left_out else IDS

    def write(self) -> None:
        """Make what is new, in transactions that are short enough for others to come in between."""
        total = sum(each[NEW] for each in self.counts.values())
        stop = Stop()
        with bars("rows") as advance:
            if self.kept is not None:
                self._begin()
            self._give_ids_to_trash()
            behind, rows, done = (-1, -1, -1, -1), FIRST_ROWS, 0
            while chunk := self.staging.next_chunk(behind, rows):
                last = chunk[-1]
                behind = last["rank"], last["turn"], last["level"], last["seq"]
                self._link_deletions(chunk)
                took = self._timed(
                    operations.make,
                    self.account.id,
                    self.account.name,
                    self.file_hash,
                    chunk,
                    self.kept,
                )
                rows = int(min(max(rows * min(STEP_SECONDS / took, 2.0), 1), MOST_ROWS))
                done += len(chunk)
                advance("Importing", done, total)
                if stop.wanted and done < total:
                    self.is_whole = False
                    return
            if self.kept == JOURNAL:
                self._write_journal(stop, advance)

    def _timed(self, operation: Any, *arguments: Any) -> float:
        """Write; how many seconds that took. Then others get their turn."""
        began = time.perf_counter()
        made = self.found.write(self.account.id, operation, *arguments)
        if isinstance(made, dict):
            self.staging.made(made)
        took = max(time.perf_counter() - began, 1e-6)
        self.found.index()
        time.sleep(took * PAUSE)
        return took

    def _begin(self) -> None:
        found, account, staging = self.found, self.account, self.staging
        if found.read(operations.kept_of_file, account.id, self.file_hash):
            return
        newest = []
        if self.kept == JOURNAL:
            newest = staging.changes_before(2**63 - 1, CHANGES_AT_ONCE)
        self.kept = found.write(
            account.id, operations.begin, account.id, self.file_hash, staging.ids(), newest
        )

    def _give_ids_to_trash(self) -> None:
        without = self.staging.trash_without_id(keeps_ids=self.kept is not None)
        if without:
            ids = self.found.write(self.account.id, operations.ids_for_trash, len(without))
            self.staging.give_ids(dict(zip(without, ids, strict=True)))

    def _write_journal(self, stop: Stop, advance: Advance) -> None:
        """The rest of the journal, the newest first."""
        total, done = self.staging.count("change"), 0
        while True:
            oldest = self.found.read(operations.oldest_change, self.account.id)
            some = self.staging.changes_before(oldest or 2**63 - 1, CHANGES_AT_ONCE)
            if not some:
                return
            self._timed(operations.put_changes, self.account.id, some)
            done += len(some)
            advance("Journal", min(done + CHANGES_AT_ONCE, total), total)
            if stop.wanted:
                self.is_whole = False
                return

    def _link_deletions(self, chunk: list[Row]) -> None:
        first = True
        for each in chunk:
            each["deleted_with"] = None
            if each["kind"] == "trash" and first:
                each["deleted_with"] = self.staging.deleted_with(each["seq"])
                first = False


# Saying


def _say(wanted: Wanted, work: _Import, report: Report) -> None:
    if wanted.as_json:
        typer.echo(json.dumps(_as_json(wanted, work, report), indent=2, ensure_ascii=False))
        return
    shown = len(report.notes) if wanted.dry_run else MOST_SHOWN
    if wanted.dry_run:
        _say_plan(work)
    for said, count, what in (
        (report.notes, report.note_count, "can't be carried"),
        (report.skipped, report.skipped_count, "skipped"),
    ):
        for each in sorted(said[:shown]):
            prefix = "skipped " if what == "skipped" else ""
            typer.echo(f"taskhold: {prefix}{each}", err=not wanted.dry_run)
        if count > shown:
            typer.echo(f"taskhold: … and {count - shown:,} more", err=not wanted.dry_run)
    typer.echo(_line(wanted, work, report))


def _line(wanted: Wanted, work: _Import, report: Report) -> str:
    counts = work.counts
    new = [numbered(counts["task"][NEW], "task"), numbered(counts["list"][NEW], "list")]
    if counts["trash"][NEW]:
        new.append(f"{counts['trash'][NEW]:,} in the trash")
    verb = "Would import" if wanted.dry_run else "Imported"
    line = f"{verb} {', '.join(new[:-1])} and {new[-1]} for {work.account.name} "
    line += f"into {work.found.location}"
    there = [
        f"{sum(counts[kind][state] for kind in kinds):,} {what}"
        for kinds, state, what in (
            (("task", "trash"), LIVE, "there already"),
            (("task",), IN_TRASH, "in the trash since"),
            (("task",), GONE, "deleted since"),
        )
        if sum(counts[kind][state] for kind in kinds)
    ]
    if there:
        line += f"; {', '.join(there)}"
    if report.skipped_count:
        line += f"; skipped {numbered(report.skipped_count, 'bad line')}"
    return line


def _say_plan(work: _Import) -> None:
    for name, list_id, count in work.staging.new_by_list():
        if name is None:
            where = "in no list"
        else:
            where = f"in “{name}”" + ("" if list_id else ", a new list")
        typer.echo(f"{numbered(count, 'task')} {where}")
    if work.kept is not None:
        typer.echo(
            "ids and versions are kept" + (", and the journal" if work.kept == JOURNAL else "")
        )


def _as_json(wanted: Wanted, work: _Import, report: Report) -> dict[str, Any]:
    return {
        "dry_run": wanted.dry_run,
        "whole": work.is_whole,
        "keeps_ids": work.kept is not None,
        "keeps_journal": work.kept == JOURNAL,
        "counts": work.counts,
        "notes": [each._asdict() for each in report.notes],
        "skipped": [each._asdict() for each in report.skipped],
        "import": operations.IMPORT + work.file_hash[:16],
    }
