"""The commands. Each imports what it needs when it runs, so that `--help` is quick."""

import gc
from importlib import import_module
from itertools import chain
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

_ELSEWHERE = {
    "taskhold.cli.care": ("backup", "restore", "verify", "doctor"),
    "taskhold.cli.accounts": ("user", "token", "audit"),
}
"""The modules of other commands, which are imported when one is asked for."""


class _Commands(TyperGroup):
    """The commands here, and those elsewhere."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *chain(*_ELSEWHERE.values())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for module, names in _ELSEWHERE.items():
            if cmd_name in names:
                return typer.main.get_group(import_module(module).app).get_command(ctx, cmd_name)
        return super().get_command(ctx, cmd_name)


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


@app.command()
def version() -> None:
    """Print the version."""
    from taskhold import __version__

    print(__version__)
