"""The commands, and where each is. Its module is imported when it is run.

So `--help` imports none of them, and a command on a server no web framework and no database.
"""

from importlib import import_module
from typing import NamedTuple

import click

from taskhold import __version__


class _Place(NamedTuple):
    """Where a command is."""

    module: str
    name: str
    help: str


SECTIONS: dict[str, dict[str, _Place]] = {
    "Tasks": {
        "add": _Place("adding", "add", "Add a task."),
        "list": _Place(
            "listing", "list_tasks", "List tasks that are not done, what is due first in front."
        ),
        "search": _Place("listing", "search", "List tasks with each of these words, done or not."),
        "show": _Place("showing", "show", "Show all of a task, with its notes and its parts."),
        "edit": _Place("changing", "edit", "Change tasks, by options or in an editor."),
        "done": _Place("changing", "done", "Mark tasks as done."),
        "undone": _Place("changing", "undone", "Mark tasks as not done."),
        "rm": _Place("removing", "rm", "Move tasks and their parts to the trash."),
        "restore": _Place("removing", "restore", "Bring tasks back from the trash."),
        "undo": _Place("undoing", "undo", "Undo the last thing that you did."),
        "lists": _Place("lists", "lists", "Show the lists, or change them."),
        "tags": _Place("lists", "tags", "Show the tags in use, or rename one."),
        "log": _Place("journal", "log", "Show what happened, to all tasks or to one."),
    },
    "Login and shell": {
        "login": _Place("login", "login", "Log in to a server."),
        "logout": _Place("login", "logout", "Forget the server and the token."),
        "completion": _Place(
            "completion", "completion", "Print the script that completes words in a shell."
        ),
    },
    "Server": {
        "serve": _Place("serve", "serve", "Start the server."),
        "version": _Place("serve", "version", "Print the version."),
    },
    "Accounts": {
        "user": _Place("accounts", "user", "Make and change accounts."),
        "token": _Place("accounts", "token", "Make and revoke tokens for programs."),
        "audit": _Place("accounts", "audit", "List what happened to accounts, newest first."),
    },
    "Data": {
        "backup": _Place("care", "backup", "Write a backup of everything to a file, and check it."),
        "restore FILE": _Place("care", "restore", "Put a backup in the database's place."),
        "verify": _Place("care", "verify", "Look whether the database, or a backup, is whole."),
        "doctor": _Place("doctor", "doctor", "Say what is right and wrong around the database."),
        "export": _Place(
            "exporting", "export", "Write tasks into a file, for Taskhold or another program."
        ),
        "import": _Place("importing", "import_", "Add the tasks that a file has, each once."),
        "copy": _Place(
            "copying", "copy", "Copy a whole database, from SQLite to PostgreSQL or back."
        ),
        "seed": _Place(
            "seeding", "seed", "Fill an account with made-up tasks, to try things with."
        ),
        "reindex": _Place("reindexing", "reindex", "Make the search index anew."),
    },
}
"""By what they are about, in the order of `--help`; the first line of the help of each."""
_PLACES = {name: place for section in SECTIONS.values() for name, place in section.items()}
_RESTORE_FILE = "restore FILE"
"""Listed apart from the one that brings tasks back, and told apart by what follows."""
_ON_A_DATABASE = frozenset(
    {"accounts", "care", "copying", "doctor", "exporting", "importing", "seeding", "reindexing"}
)
"""Modules that import a database's library."""


class _Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in _PLACES if name != _RESTORE_FILE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = _PLACES.get(cmd_name)
        if place is None:
            return None
        if place.module in _ON_A_DATABASE:
            from taskhold.store.sqlite.library import choose

            choose()  # before anything imports sqlite3
        command: click.Command = getattr(import_module(f"taskhold.cli.{place.module}"), place.name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _PLACES and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], _PLACES, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            ctx.fail(f"There is no command “{args[0]}”{hint}")
        if args[0] == "restore" and _names_a_file(args[1:]):
            return args[0], self.get_command(ctx, _RESTORE_FILE), args[1:]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, section in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, place.help) for name, place in section.items()])


def _names_a_file(words: list[str]) -> bool:
    """Whether a backup is to be restored, and not tasks by their numbers."""
    is_about_tasks = any(word.isdecimal() for word in words)
    return not is_about_tasks and any(not word.startswith("-") for word in words)


@click.group(
    cls=_Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="taskhold", message="%(version)s")
def app() -> None:
    """A task server that keeps what you save, and its command line."""
