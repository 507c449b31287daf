"""`taskhold import`: what another program, or Taskhold, has written into a file."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple
from zoneinfo import available_timezones

import click

from taskhold.cli.database import Account, acting_account, database
from taskhold.cli.files import STANDARD, source
from taskhold.cli.import_steps import Steps
from taskhold.cli.options import database_url_option, json_option, user_option
from taskhold.cli.progress import Advance, bars, numbered
from taskhold.cli.stopping import Stop
from taskhold.errors import StartupError, UndoConflict
from taskhold.journal.operations import Author
from taskhold.shapes import LARGEST_ID
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
    format: Source | None
    list_name: str | None
    zone: str
    dry_run: bool
    as_json: bool


@click.command("import")
@click.argument("file", required=False)
@click.option(
    "--format",
    "chosen",
    type=click.Choice(list(Source)),
    help="Which. [default: by the file's ending, or by how it begins]",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and what can't be.")
@click.option("--skip-bad", is_flag=True, help="Leave bad lines out, and say which.")
@click.option("--again", is_flag=True, help="Also what was imported before, and deleted since.")
@click.option("--list", "list_name", metavar="NAME", help="Where to put what is in no list.")
@click.option("--tz", default="UTC", metavar="ZONE", help="Of times without one. [default: UTC]")
@click.option(
    "--undo",
    "seq",
    type=click.IntRange(1, LARGEST_ID),
    metavar="NUMBER",
    help="Undo the import that this change belongs to.",
)
@user_option
@database_url_option
@json_option
def import_(
    *,
    file: str | None,
    chosen: Source | None,
    dry_run: bool,
    skip_bad: bool,
    again: bool,
    list_name: str | None,
    tz: str,
    seq: int | None,
    user: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Add the tasks that a file has, each once.

    The same file again adds nothing twice; - is standard input. A server may go on meanwhile. See
    docs/transfer.md.
    """
    if (file is None) == (seq is None):
        raise click.UsageError("Name a file, or with --undo a change of an import.")
    if tz not in available_timezones():
        raise StartupError(f"--tz: {tz} is no time zone, as Europe/Berlin", exit_code=2)
    if file is None:
        assert seq is not None
        _undo_all(seq, user, database_url)
        return
    wanted = Wanted(file, chosen, list_name, tz, dry_run, as_json)
    report = Report(skip_bad=skip_bad)
    with source(file) as (opened, size), database(database_url) as found:
        account = acting_account(found, user)
        kind = chosen or format_to_read(file, _peek(opened))
        with closing(Staging(kind.value, report, is_strict=kind in _STRICT)) as staging:
            lines = Lines(opened)
            with bars("KB") as advance:
                if size:
                    lines.advance = _in_kilobytes(advance, size)
                for item in _items(wanted, kind, lines, report):
                    staging.add(item)
            work = Steps(found, account, staging, lines.sha256())
            work.look(report, again=again)
            if not dry_run:
                work.write()
            _say(wanted, work, report)
    if not work.is_whole:
        raise StartupError("stopped; run it again to go on")


def _undo_all(seq: int, username: str | None, database_url: str | None) -> None:
    """Undo the import that a change belongs to, the newest part first."""
    with database(database_url, missing="refuse") as found:
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
        click.echo(f"Undid {numbered(undone, 'operation')} of the import in {found.location}")


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
        click.echo(json.dumps(_as_json(wanted, work, report), indent=2, ensure_ascii=False))
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
            click.echo(f"taskhold: {prefix}{each}", err=not wanted.dry_run)
        if count > shown:
            click.echo(f"taskhold: … and {count - shown:,} more", err=not wanted.dry_run)
    click.echo(_line(wanted, work, report))


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
        click.echo(f"{numbered(count, 'task')} {where}")
    if work.kept is not None:
        click.echo(
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
