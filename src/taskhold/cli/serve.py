"""`taskhold serve`, `taskhold version`."""

import gc

import click


@click.command()
@click.option("--host", metavar="ADDRESS", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port. [default: 8000]")
@click.option("--workers", type=click.IntRange(1, 64), help="How many processes. [default: 1]")
@click.option(
    "--database-url",
    metavar="URL",
    help="Where the tasks are kept. [default: sqlite:///tasks.db]",
)
@click.option("--reload", is_flag=True, help="Start again when the code changes.")
def serve(
    host: str | None,
    port: int | None,
    workers: int | None,
    database_url: str | None,
    *,
    reload: bool,
) -> None:
    """Start the server. Each option is also a TASKHOLD_* variable; see docs/settings.md."""
    gc.disable()  # the imports make nothing to collect; looking for it takes a tenth of the start
    from taskhold.store.sqlite.library import choose

    choose()  # before anything imports sqlite3
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


@click.command()
def version() -> None:
    """Print the version."""
    from taskhold import __version__

    click.echo(__version__)
