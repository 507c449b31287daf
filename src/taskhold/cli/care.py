"""`taskhold backup`, `restore FILE`, `verify`: the care of the data, without opening it by hand."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

import taskhold.tables  # noqa: F401  to count the ids of each of them
from taskhold.care.lineage import beginning_anew
from taskhold.care.verifying import verify as examine
from taskhold.cli.options import database_url_option, json_option
from taskhold.cli.progress import bars, numbered
from taskhold.errors import StartupError
from taskhold.logs import configure_command_logs
from taskhold.settings import Settings
from taskhold.store.condition import size
from taskhold.store.keepers import keeper, look_at_backup, refuse_other_kind
from taskhold.store.keeping import Advance, Keeper
from taskhold.store.report import Report

_file = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@_file
@click.option("--overwrite", is_flag=True, help="Replace FILE, once the new one is whole.")
@database_url_option
@json_option
def backup(*, file: Path, overwrite: bool, database_url: str | None, as_json: bool) -> None:
    """Write a backup of everything to a file, and check it.

    A server may go on meanwhile. See docs/care.md.
    """
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
        click.echo(f"Backed up {kept.location} to {made.path} ({size(made.size)}), and checked it")


@click.command("restore FILE")
@_file
@click.option(
    "--keep-tokens",
    is_flag=True,
    help="Let in the sessions and tokens of the backup, also those revoked since.",
)
@database_url_option
@json_option
def restore(*, file: Path, keep_tokens: bool, database_url: str | None, as_json: bool) -> None:
    """Put a backup in the database's place.

    What was there before is kept. No server may run. See docs/care.md.
    """
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
                **done.report.document(),
            }
        )
        return
    click.echo(f"Restored {kept.location} from {file}")
    if done.kept is not None:
        click.echo(f"What was there before is in {done.kept}")
    if not keep_tokens:
        click.echo("Everybody logs in again, and programs need new tokens")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@database_url_option
@json_option
def verify(*, file: Path | None, database_url: str | None, as_json: bool) -> None:
    """Look whether the database, or a backup, is whole.

    It reads everything and changes nothing; a server may go on meanwhile. See docs/care.md.
    """
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
        raise click.exceptions.Exit(1)


@contextmanager
def _care(database_url: str | None) -> Iterator[tuple[Keeper, Advance]]:
    """A database in care, with progress bars on a terminal; what SIGTERM leaves is cleaned up."""
    settings = Settings.from_environment(database_url=database_url)
    configure_command_logs(settings)
    if not callable(signal.getsignal(signal.SIGINT)):  # a shell's `&` has it ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with bars() as advance:
            yield keeper(settings.database_url), advance
    except KeyboardInterrupt:
        raise StartupError("stopped") from None


def _there(file: Path) -> Path:
    if not file.is_file():
        raise StartupError(f"There is no file {file}")
    return file.absolute()


def _warn(report: Report, place: str) -> None:
    """Say that something is wrong that a copy shares."""
    if not report.is_well:
        found = numbered(sum(check.wrong for check in report.checks), "mistake")
        click.echo(f"taskhold: {place} has {found}; `taskhold verify` says which", err=True)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    """As Ctrl-C, which asyncio takes as a cancellation.

    An exception out of here may come in the middle of the driver's C code, which then crashes, or
    of asyncio's own, whose cleaning up then may never end.
    """
    handle = signal.getsignal(signal.SIGINT)
    assert callable(handle)
    handle(signal.SIGINT, frame)


def _show(report: Report, place: str) -> None:
    for check in report.checks:
        verdict = f"{check.wrong:,} wrong" if check.wrong else "well"
        click.echo(f"{check.name:28} {check.looked_at:>12,} looked at, {verdict}")
        for example in check.examples:
            click.echo(f"    {example}")
        if check.wrong > len(check.examples):
            click.echo(f"    and {check.wrong - len(check.examples):,} more")
        if check.advice:
            click.echo(f"    → {check.advice}")
    click.echo(f"{place} is {'whole' if report.is_well else 'damaged'}")


def _print(document: object) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
