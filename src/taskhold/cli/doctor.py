"""`taskhold doctor`: one screen of what is right and wrong."""

import json
from collections import Counter
from functools import partial

import click
from rich.console import Console
from rich.text import Text

import taskhold.tables  # noqa: F401  to ask any of them
from taskhold.care import doctor as checkup
from taskhold.cli.options import database_url_option, json_option
from taskhold.cli.progress import numbered
from taskhold.logs import configure_command_logs
from taskhold.settings import Settings
from taskhold.store.condition import Level, Remark
from taskhold.store.keepers import keeper

_STYLES = {Level.well: "green", Level.warning: "yellow", Level.wrong: "bold red"}


@click.command()
@database_url_option
@json_option
def doctor(*, database_url: str | None, as_json: bool) -> None:
    """Say what is right and wrong around the database.

    With what to do about it. It goes by the settings of this shell. See docs/care.md.
    """
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
        document = {"is_well": is_well, "remarks": [remark._asdict() for remark in remarks]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _show(remarks)
    if not is_well:
        raise click.exceptions.Exit(1)


def _show(remarks: list[Remark]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for remark in remarks:
        line = Text(f"{remark.level:8}", _STYLES[remark.level])
        console.print(line.append(f"{remark.topic:17} {remark.sentence}", "default"))
        if remark.advice:
            console.print(Text(f"{'':26}→ {remark.advice}"))
    counts = Counter(remark.level for remark in remarks)
    console.print(
        f"{numbered(counts[Level.wrong], 'thing')} wrong, "
        f"{numbered(counts[Level.warning], 'warning')}"
    )
