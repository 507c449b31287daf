"""The command line."""

import os
import sys

import click

from taskhold.errors import StartupError


def main() -> None:
    """`taskhold`: run a command; a failure is one line on standard error and an exit code."""
    try:
        exit_code = _run()
        sys.stdout.flush()
    except BrokenPipeError:  # `taskhold list | head` has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        exit_code = 1
    sys.exit(exit_code)


def _run() -> int:
    from taskhold.cli.commands import app

    try:
        return app.main(prog_name="taskhold", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as help_text:
        print(help_text.format_message())
        return 2
    except click.UsageError as error:
        asked = f"; see {error.ctx.command_path} --help" if error.ctx else ""
        return _failed(f"{error.format_message().rstrip('.')}{asked}", 2)
    except click.ClickException as error:
        return _failed(error.format_message(), error.exit_code)
    except click.Abort:
        return _failed("stopped", 1)
    except StartupError as error:
        return _failed(str(error), error.exit_code)


def _failed(sentence: str, exit_code: int) -> int:
    from taskhold.cli.screen import harmless

    print(f"taskhold: {harmless(sentence)}", file=sys.stderr)
    return exit_code
