"""`taskhold copy`: how far it is, and what it did."""

import asyncio

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

import taskhold.app  # noqa: F401  knows every table
from taskhold.errors import StartupError
from taskhold.logs import configure_logs
from taskhold.settings import Settings
from taskhold.store import open_store
from taskhold.store.copying import copy
from taskhold.store.schema import Stored


def copy_and_show(source_url: str, target_url: str) -> None:
    """Copy, with a progress bar on a terminal, and say what was copied."""
    configure_logs(Settings.from_environment(), whole_process=True)
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} rows"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    bars: dict[str, TaskID] = {}

    def advance(doing: str, done: int, total: int) -> None:
        if doing not in bars:
            bars[doing] = progress.add_task(doing, total=total)
        progress.update(bars[doing], completed=done)

    def warn(sentence: str) -> None:
        typer.echo(f"taskhold: {sentence}", err=True)

    try:
        with progress:
            counts = asyncio.run(
                copy(source_url, target_url, Stored.metadata.sorted_tables, advance, warn)
            )
    except KeyboardInterrupt:
        raise StartupError("stopped") from None
    source, target = open_store(source_url).location, open_store(target_url).location
    tasks, changes = counts.pop("task"), counts.pop("change")
    typer.echo(
        f"Copied {_number(tasks, 'task')}, {_number(changes, 'change')} and "
        f"{_number(sum(counts.values()), 'other row')} from {source} to {target}"
    )


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + "s" * (count != 1)
