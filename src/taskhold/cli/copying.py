"""`taskhold copy`: how far it is, and what it did."""

import asyncio

import typer

import taskhold.app  # noqa: F401  knows every table
from taskhold.cli.progress import bars, numbered
from taskhold.errors import StartupError
from taskhold.logs import configure_command_logs
from taskhold.settings import Settings
from taskhold.store import open_store
from taskhold.store.copying import copy
from taskhold.store.schema import Stored


def copy_and_show(source_url: str, target_url: str) -> None:
    """Copy, with a progress bar on a terminal, and say what was copied."""
    configure_command_logs(Settings.from_environment())

    def warn(sentence: str) -> None:
        typer.echo(f"taskhold: {sentence}", err=True)

    try:
        with bars("rows") as advance:
            counts = asyncio.run(
                copy(source_url, target_url, Stored.metadata.sorted_tables, advance, warn)
            )
    except KeyboardInterrupt:
        raise StartupError("stopped") from None
    source, target = open_store(source_url).location, open_store(target_url).location
    tasks, changes = counts.pop("task"), counts.pop("change")
    typer.echo(
        f"Copied {numbered(tasks, 'task')}, {numbered(changes, 'change')} and "
        f"{numbered(sum(counts.values()), 'other row')} from {source} to {target}"
    )
