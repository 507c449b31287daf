"""The command line."""

import sys


def main() -> None:
    """`taskhold`: run a command; a failure is one line on standard error and an exit code."""
    from taskhold.store.sqlite.library import choose

    choose()  # before anything imports sqlite3

    from taskhold.cli.commands import app
    from taskhold.errors import StartupError

    try:
        app()
    except StartupError as error:
        print(f"taskhold: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
