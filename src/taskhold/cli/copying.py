"""`taskhold copy`: how far it is, and what it did."""

import asyncio

import click

import taskhold.tables  # noqa: F401  to copy each of them
from taskhold.cli.progress import bars, numbered
from taskhold.errors import StartupError
from taskhold.logs import configure_command_logs
from taskhold.settings import Settings
from taskhold.store import open_store
from taskhold.store.copying import copy as copy_rows
from taskhold.store.schema import Stored


@click.command()
@click.argument("source_url")
@click.argument("target_url")
def copy(source_url: str, target_url: str) -> None:
    """Copy a whole database, from SQLite to PostgreSQL or back.

    TARGET_URL is an empty database, or a new file. See docs/copy.md.
    """
    configure_command_logs(Settings.from_environment())

    def warn(sentence: str) -> None:
        click.echo(f"taskhold: {sentence}", err=True)

    try:
        with bars("rows") as advance:
            counts = asyncio.run(
                copy_rows(source_url, target_url, Stored.metadata.sorted_tables, advance, warn)
            )
    except KeyboardInterrupt:
        raise StartupError("stopped") from None
    source, target = open_store(source_url).location, open_store(target_url).location
    tasks, changes = counts.pop("task"), counts.pop("change")
    click.echo(
        f"Copied {numbered(tasks, 'task')}, {numbered(changes, 'change')} and "
        f"{numbered(sum(counts.values()), 'other row')} from {source} to {target}"
    )
