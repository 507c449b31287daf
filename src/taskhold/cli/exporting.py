"""`taskhold export`: tasks as a file."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import click

from taskhold.cli.database import Account, acting_account, database
from taskhold.cli.files import STANDARD, Write, output
from taskhold.cli.options import database_url_option, json_option, user_option
from taskhold.cli.progress import Advance, bars, numbered
from taskhold.errors import StartupError
from taskhold.store import Row, Tx
from taskhold.store.query import now
from taskhold.tasks import due as dues
from taskhold.transfer import reading
from taskhold.transfer.formats import Format, ics_writing, jsonl, table, todotxt
from taskhold.transfer.formats.choosing import format_to_write

_DOING = "Exporting"


@click.command()
@click.argument("file")
@click.option(
    "--format",
    "chosen",
    type=click.Choice(list(Format)),
    help="Which. [default: by the file's ending; jsonl on standard output]",
)
@click.option("--journal", is_flag=True, help="With the history of all changes; jsonl alone.")
@click.option("--bom", is_flag=True, help="With the mark by which Excel knows UTF-8; csv alone.")
@click.option("--overwrite", is_flag=True, help="Replace FILE, once the new one is whole.")
@user_option
@database_url_option
@json_option
def export(
    *,
    file: str,
    chosen: Format | None,
    journal: bool,
    bom: bool,
    overwrite: bool,
    user: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Write tasks into a file, for Taskhold or another program.

    All tasks of an account; - is standard output. A server may go on meanwhile. See
    docs/transfer.md.
    """
    wanted = chosen or format_to_write(file)
    if journal and wanted is not Format.jsonl:
        raise StartupError("--journal is for the format jsonl alone", exit_code=2)
    if bom and wanted is not Format.csv:
        raise StartupError("--bom is for the format csv alone", exit_code=2)
    if as_json and file == STANDARD:
        raise StartupError(
            "--json would be printed into the export on standard output", exit_code=2
        )
    with database(database_url, missing="refuse") as found:
        account = acting_account(found, user)
        with _stoppable(), bars("rows") as advance, output(file, overwrite=overwrite) as write:
            work = _Export(account, write, advance)
            counts = found.in_snapshot(work.run, wanted, with_journal=journal, with_mark=bom)
        _say(file, counts, work.lost, as_json=as_json)


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise StartupError("stopped; nothing was written") from None


def _say(path: str, counts: dict[str, int], lost: Counter[str], *, as_json: bool) -> None:
    if as_json:
        shown = {"file": path, "counts": counts, "left_out": dict(lost)}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for what, count in lost.items():
        click.echo(f"taskhold: left out: {what} ({numbered(count, 'task')})", err=True)
    if path != STANDARD:
        parts = [numbered(counts["task"], "task"), numbered(counts["list"], "list")]
        if "trash" in counts:
            parts.append(f"{counts['trash']:,} in the trash")
        if "change" in counts:
            parts.append(numbered(counts["change"], "change"))
        click.echo(f"Exported {', '.join(parts[:-1])} and {parts[-1]} to {path}")


class _Export:
    """One export on its way."""

    def __init__(self, account: Account, write: Write, advance: Advance) -> None:
        self._owner_id = account.id
        self._write = write
        self._advance = advance
        self._done = self._total = 0
        self.lost: Counter[str] = Counter()
        """What the format has no room for, and how many tasks have it."""

    async def run(
        self, tx: Tx, wanted: Format, *, with_journal: bool, with_mark: bool
    ) -> dict[str, int]:
        """Write everything; how much of each kind that was."""
        counts = await reading.counts(tx, self._owner_id, with_journal=with_journal)
        self._total = counts["task"]
        if wanted is Format.jsonl:
            self._total = sum(counts.values())
            await self._jsonl(tx, counts, with_journal=with_journal)
            return counts
        if trash := counts.pop("trash"):
            self.lost["the trash"] = trash
        names: dict[int, str] = {}
        async for page in reading.lists(tx, self._owner_id):
            names |= {each["id"]: each["name"] for each in page}
        if wanted is Format.csv:
            self._write(table.header(with_mark=with_mark))
        elif wanted is Format.ics:
            self._write(ics_writing.header())
        async for page in reading.tasks_by_place(tx, self._owner_id, list(names)):
            if wanted is Format.csv:
                self._write(
                    table.rows(table.row_of(task, names.get(task["list_id"], "")) for task in page)
                )
            elif wanted is Format.ics:
                await self._ics(tx, page, names)
            else:
                await self._todotxt(tx, page, names)
            self._advanced(len(page))
        if wanted is Format.ics:
            self._write(ics_writing.FOOTER)
        return counts

    async def _jsonl(self, tx: Tx, counts: dict[str, int], *, with_journal: bool) -> None:
        self._write(jsonl.header(now(), counts))
        for kind, pages in (
            ("list", reading.lists(tx, self._owner_id)),
            ("task", reading.tasks(tx, self._owner_id)),
        ):
            async for page in pages:
                self._write(b"".join(jsonl.line(kind, each) for each in page))
                self._advanced(len(page))
        operations: dict[int, int] = {}
        seq = 0
        async for page in reading.trash(tx, self._owner_id):
            for row in page:
                numbers = {name: row[name] for name in ("operation", "seq")}
                if not with_journal:  # then they say no more than what belongs together
                    last = row["operation"]
                    operations = {
                        last: operations.get(last) or max(operations.values(), default=0) + 1
                    }
                    seq += 1
                    numbers = {"operation": operations[last], "seq": seq}
                shown = {"task": row["task"], "deleted_at": row["deleted_at"]}
                self._write(jsonl.line("trash", shown | numbers))
            self._advanced(len(page))
        if with_journal:
            async for page in reading.changes(tx, self._owner_id):
                self._write(b"".join(map(jsonl.change_line, page)))
                self._advanced(len(page))

    async def _ics(self, tx: Tx, page: list[Row], names: dict[int, str]) -> None:
        uids = await reading.uids(tx, self._owner_id, page)
        exported_at = now()
        for task in page:
            if task["due"] and ics_writing.due_property(task["due"]) is None:
                self.lost["due times that have no year in UTC"] += 1
            name, parent = names.get(task["list_id"], ""), uids.get(task["parent_id"])
            self._write(ics_writing.todo(task, name, uids[task["id"]], parent, exported_at))

    async def _todotxt(self, tx: Tx, page: list[Row], names: dict[int, str]) -> None:
        parents = await reading.with_subtasks(tx, self._owner_id, page)
        for task in page:
            if task["notes"]:
                self.lost["the notes"] += 1
            if task["due"] and not dues.is_day(task["due"]):
                self.lost["the time of the day when they are due"] += 1
            if any(" " in tag for tag in task["tags"]):
                self.lost["the spaces in tags, which are _ now"] += 1
            name = names.get(task["list_id"], "")
            self._write(todotxt.line_of(task, name, is_parent=task["id"] in parents))

    def _advanced(self, count: int) -> None:
        self._done += count
        self._advance(_DOING, self._done, self._total)
