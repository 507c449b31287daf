"""`taskhold import`: what another program, or Taskhold, has written into a file."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple
from zoneinfo import available_timezones

import typer

from taskhold.cli.database import Account, acting_account, database
from taskhold.cli.files import STANDARD, source
from taskhold.cli.import_steps import Steps
from taskhold.cli.progress import Advance, bars, numbered
from taskhold.cli.stopping import Stop
from taskhold.errors import StartupError, UndoConflict
from taskhold.journal.operations import Author
from taskhold.store import Tx
from taskhold.transfer import operations
from taskhold.transfer.formats import Source, jsonl, table, todoist, todotxt
from taskhold.transfer.formats.choosing import format_to_read
from taskhold.transfer.items import Item, Report, list_named, ref_of_list
from taskhold.transfer.lines import Lines
from taskhold.transfer.operations import JOURNAL
from taskhold.transfer.staging import GONE, IN_TRASH, LIVE, NEW, Staging
from taskhold.undo.operations import undo as undo_operation

PEEK_BYTES = 64 * 1024
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
            lines = Lines(file)
            with bars("KB") as advance:
                if size:
                    lines.advance = _in_kilobytes(advance, size)
                for item in _items(wanted, kind, lines, report):
                    staging.add(item)
            work = Steps(found, account, staging, lines.sha256())
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
            for undone, part in enumerate(parts, 1):
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


def _say(wanted: Wanted, work: Steps, report: Report) -> None:
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


def _line(wanted: Wanted, work: Steps, report: Report) -> str:
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


def _say_plan(work: Steps) -> None:
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


def _as_json(wanted: Wanted, work: Steps, report: Report) -> dict[str, Any]:
    return {
        "dry_run": wanted.dry_run,
        "whole": work.is_whole,
        "keeps_ids": work.kept is not None,
        "keeps_journal": work.kept == JOURNAL,
        "counts": work.counts,
        "notes": [each._asdict() for each in report.notes],
        "skipped": [each._asdict() for each in report.skipped],
        "import": operations.key_of_import(work.file_hash),
    }
