"""The commands. Each imports what it needs when it runs, so that `--help` is quick."""

import gc
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from taskhold.transfer.formats import Format, Source


class _Commands(TyperGroup):
    """The commands here, and those on accounts, which are imported when one is asked for."""

    _on_accounts = ("user", "token", "audit")

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *self._on_accounts]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self._on_accounts:
            return super().get_command(ctx, cmd_name)
        from taskhold.cli.accounts import app as on_accounts

        group = typer.main.get_group(on_accounts)
        return group.get_command(ctx, cmd_name)


app = typer.Typer(
    cls=_Commands,
    name="taskhold",
    help="A task server that keeps what you save.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


Url = Annotated[
    str | None,
    typer.Option(help="Where the tasks are kept.", show_default="TASKHOLD_DATABASE_URL"),
]
User = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Whose tasks.", show_default="the only account"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _taskhold() -> None:
    """A task server that keeps what you save."""


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port.", show_default="8000")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many processes.", show_default="1")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(help="Where the tasks are kept.", show_default="sqlite:///tasks.db"),
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again when the code changes.")
    ] = False,
) -> None:
    """Start the server. Each option is also a TASKHOLD_* variable; see docs/settings.md."""
    gc.disable()  # the imports make nothing to collect; looking for it takes a tenth of the start
    from taskhold.settings import Settings

    settings = Settings.from_environment(
        host=host, port=port, workers=workers, database_url=database_url
    )
    if reload:
        from taskhold.reloading import serve_and_reload

        gc.enable()
        serve_and_reload(settings)
    else:
        from taskhold.serving import serve as serve_with

        gc.enable()
        serve_with(settings)


@app.command()
def copy(
    source_url: Annotated[str, typer.Argument(help="The database to copy.")],
    target_url: Annotated[str, typer.Argument(help="An empty database, or a new file.")],
) -> None:
    """Copy a whole database, from SQLite to PostgreSQL or back; see docs/copy.md."""
    from taskhold.cli.copying import copy_and_show

    copy_and_show(source_url, target_url)


@app.command()
def seed(
    tasks: Annotated[int, typer.Option(min=1, max=100_000_000, help="How many.")],
    user: User = None,
    database_url: Url = None,
    random_seed: Annotated[
        int | None, typer.Option(help="The same number makes the same tasks.")
    ] = None,
) -> None:
    """Fill an account with made-up tasks, to try things with."""
    from taskhold.cli.seeding import seed_and_show

    seed_and_show(tasks, user, database_url, random_seed)


@app.command()
def reindex(database_url: Url = None) -> None:
    """Make the search index anew; see docs/search.md. A server may go on meanwhile."""
    from taskhold.cli.reindexing import reindex_and_show

    reindex_and_show(database_url)


@app.command("export")
def export_tasks(
    *,
    file: Annotated[str, typer.Argument(help="Where to; - is standard output.")],
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Which.", show_default="by the file's ending")
    ] = None,
    journal: Annotated[
        bool, typer.Option("--journal", help="With the history of all changes; jsonl alone.")
    ] = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="With the mark by which Excel knows UTF-8; csv alone.")
    ] = False,
    user: User = None,
    database_url: Url = None,
    as_json: Json = False,
) -> None:
    """Write an account's tasks into a file; see docs/transfer.md. A server may go on meanwhile."""
    from taskhold.cli.exporting import export_and_show

    export_and_show(
        file,
        file_format,
        user,
        database_url,
        with_journal=journal,
        with_mark=bom,
        as_json=as_json,
    )


@app.command("import")
def import_tasks(
    *,
    file: Annotated[str | None, typer.Argument(help="What to import; - is standard input.")] = None,
    file_format: Annotated[
        Source | None,
        typer.Option("--format", help="Which.", show_default="by the file's ending or beginning"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave bad lines out, and say which.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Also what was imported before, and deleted since."),
    ] = False,
    list_name: Annotated[
        str | None, typer.Option("--list", help="Where to put what is in no list.")
    ] = None,
    tz: Annotated[
        str, typer.Option(help="The time zone of times that have none, as Europe/Berlin.")
    ] = "UTC",
    undo: Annotated[
        int | None,
        typer.Option(min=1, max=2**63 - 1, metavar="SEQ", help="Undo the import of this change."),
    ] = None,
    user: User = None,
    database_url: Url = None,
    as_json: Json = False,
) -> None:
    """Add what a file has to an account; see docs/transfer.md. A server may go on meanwhile.

    The same file again adds nothing twice.
    """
    from taskhold.cli.importing import Wanted, import_and_show, undo_and_show

    if undo is not None and file is None:
        undo_and_show(undo, user, database_url)
    elif file is None or undo is not None:
        raise typer.BadParameter("name a file, or the import to undo")
    else:
        wanted = Wanted(file, file_format, list_name, tz, dry_run, skip_bad, again, as_json)
        import_and_show(wanted, user, database_url)


@app.command()
def version() -> None:
    """Print the version."""
    from taskhold import __version__

    print(__version__)
