"""The command line."""

import io
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

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(errors="replace")  # what it has no letters for
    try:
        if any("\ud800" <= character <= "\udfff" for word in sys.argv for character in word):
            raise click.UsageError("The arguments are not UTF-8")
        return app.main(prog_name="taskhold", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as help_text:
        print(help_text.format_message())
        return help_text.exit_code
    except (click.ClickException, click.Abort, StartupError) as error:
        from taskhold.cli.screen import harmless

        sentence, exit_code = _told(error)
        print(f"taskhold: {harmless(sentence)}", file=sys.stderr)
        return exit_code


def _told(error: Exception) -> tuple[str, int]:
    """A failure in a sentence, and the exit code."""
    if isinstance(error, StartupError):
        return str(error), error.exit_code
    if not isinstance(error, click.ClickException):
        return "stopped", 1
    sentence = error.format_message().rstrip(".")
    if isinstance(error, click.UsageError) and error.ctx and not sentence.endswith("?"):
        sentence += f"; see {error.ctx.command_path} --help"
    return sentence, error.exit_code
