"""`taskhold backup`, `restore`, `verify`: the care of the data, without opening it by hand."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

import taskhold.app  # noqa: F401  knows every table
from taskhold.care import doctor as checkup
from taskhold.care.lineage import beginning_anew
from taskhold.care.verifying import verify as examine
from taskhold.cli.progress import bars, numbered
from taskhold.errors import StartupError
from taskhold.logs import configure_command_logs
from taskhold.settings import Settings
from taskhold.store.condition import Level, Remark, size
from taskhold.store.keepers import keeper, look_at_backup, refuse_other_kind
from taskhold.store.keeping import Advance, Keeper
from taskhold.store.report import Report

app = typer.Typer()

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--database-url", help="Where the tasks are kept.", show_default="TASKHOLD_DATABASE_URL"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def backup(
    file: File,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace FILE, once the new one is whole.")
    ] = False,
    database_url: Url = None,
    as_json: Json = False,
) -> None:
    """Write a backup of everything to FILE, also beside a running server, and check it."""
    with _care(database_url) as (kept, advance):
        made = kept.back_up(file.absolute(), examine, advance, overwrite=overwrite)
    _warn(made.report, kept.location)
    if as_json:
        _print(
            {
                "database": kept.location,
                "file": str(made.path),
                "bytes": made.size,
                "schema": made.revision,
                **made.report.document(),
            }
        )
    else:
        typer.echo(f"Backed up {kept.location} to {made.path} ({size(made.size)}), and checked it")


@app.command()
def restore(
    file: File,
    keep_tokens: Annotated[
        bool,
        typer.Option(
            "--keep-tokens",
            help="Let sessions and tokens of the backup in, also those revoked since.",
        ),
    ] = False,
    database_url: Url = None,
    as_json: Json = False,
) -> None:
    """Put the backup FILE in the database's place, which is kept beside it; no server may run."""
    with _care(database_url) as (kept, advance):
        begin_anew = beginning_anew(keeps_logins=keep_tokens)
        refuse_other_kind(kept, _there(file))
        done = kept.restore(file.absolute(), begin_anew, examine, advance)
    _warn(done.report, str(file))
    if as_json:
        _print(
            {
                "database": kept.location,
                "file": str(file.absolute()),
                "kept": done.kept and str(done.kept),
                "schema": done.revision,
                "logins_ended": not keep_tokens,
            }
        )
        return
    typer.echo(f"Restored {kept.location} from {file}")
    if done.kept is not None:
        typer.echo(f"What was there before is in {done.kept}")
    if not keep_tokens:
        typer.echo("Everybody logs in again, and programs need new tokens")


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A backup.", show_default=False)
    ] = None,
    database_url: Url = None,
    as_json: Json = False,
) -> None:
    """Look whether everything is whole, in the database or in a backup; changes nothing."""
    with _care(database_url) as (kept, advance):
        if file is None:
            report = kept.look(examine, advance)
        else:
            report = look_at_backup(_there(file), examine, advance)
    place = str(file) if file else kept.location
    if as_json:
        _print({"looked_at": place, **report.document()})
    else:
        _show(report, place)
    if not report.is_well:
        raise typer.Exit(1)


@app.command()
def doctor(database_url: Url = None, as_json: Json = False) -> None:
    """Say what is right and wrong around the database, and what to do about it."""
    settings = Settings.from_environment(database_url=database_url)
    configure_command_logs(settings)
    kept = keeper(settings.database_url)
    remarks = [
        checkup.versions(),
        *kept.condition(partial(checkup.look, settings=settings), settings.workers),
        *checkup.backups(settings, kept.file),
    ]
    is_well = not any(remark.level is Level.wrong for remark in remarks)
    if as_json:
        _print({"is_well": is_well, "remarks": [remark._asdict() for remark in remarks]})
    else:
        _show_remarks(remarks)
    if not is_well:
        raise typer.Exit(1)


@contextmanager
def _care(database_url: str | None) -> Iterator[tuple[Keeper, Advance]]:
    """A database in care, with progress bars on a terminal; what SIGTERM leaves is cleaned up."""
    settings = Settings.from_environment(database_url=database_url)
    configure_command_logs(settings)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with bars() as advance:
            yield keeper(settings.database_url), advance
    except KeyboardInterrupt:
        raise StartupError("stopped; nothing was changed") from None


def _there(file: Path) -> Path:
    if not file.is_file():
        raise StartupError(f"There is no file {file}")
    return file.absolute()


def _warn(report: Report, place: str) -> None:
    """Say that something is wrong that a copy shares."""
    if not report.is_well:
        wrong = sum(check.wrong for check in report.checks)
        typer.echo(
            f"taskhold: {wrong:,} things are wrong in {place}; `taskhold verify` says what",
            err=True,
        )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(report: Report, place: str) -> None:
    for check in report.checks:
        verdict = f"{check.wrong:,} wrong" if check.wrong else "well"
        typer.echo(f"{check.name:28} {check.looked_at:>12,} looked at, {verdict}")
        for example in check.examples:
            typer.echo(f"    {example}")
        if check.wrong > len(check.examples):
            typer.echo(f"    and {check.wrong - len(check.examples):,} more")
        if check.advice:
            typer.echo(f"    → {check.advice}")
    typer.echo(f"{place} is {'whole' if report.is_well else 'damaged'}")


def _show_remarks(remarks: list[Remark]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    styles = {Level.well: "green", Level.warning: "yellow", Level.wrong: "bold red"}
    for remark in remarks:
        line = Text(f"{remark.level:8}", styles[remark.level])
        console.print(line.append(f"{remark.topic:17} {remark.sentence}", "default"))
        if remark.advice:
            console.print(Text(f"{'':26}→ {remark.advice}"))
    counts = Counter(remark.level for remark in remarks)
    wrong, warnings = counts[Level.wrong], counts[Level.warning]
    console.print(
        "All is well"
        if not wrong and not warnings
        else f"{numbered(wrong, 'thing')} wrong, {numbered(warnings, 'warning')}"
    )


def _print(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
