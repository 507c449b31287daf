"""`taskhold undo`: take back what one has done last, step by step."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

import click

from taskhold.cli.fields import IDS
from taskhold.cli.journal import names_of_lists, newest_first
from taskhold.cli.options import json_option
from taskhold.cli.screen import print_json, say
from taskhold.cli.tasks import Tasks, with_tasks
from taskhold.cli.words import operation_words
from taskhold.client.errors import Gone
from taskhold.client.shapes import Change
from taskhold.errors import StartupError


@click.command()
@click.argument("number", metavar="[NUMBER]", type=IDS, required=False)
@json_option
@with_tasks
def undo(*, tasks: Tasks, number: int | None, as_json: bool) -> None:
    """Undo the last thing that you did.

    Do it again for the one before. With the NUMBER of a change, as `taskhold log` shows it, that
    one is undone; undoing an undo does it again.
    """
    operation = _last_of_mine(tasks) if number is None else _operation(tasks, number)
    now = datetime.now().astimezone()
    words = operation_words(operation, names_of_lists(tasks, operation), now)
    if any(change["action"] == "purge" for change in operation):
        raise StartupError(f"This can't be undone: {words}")
    made = tasks.undo(operation[0]["seq"])
    if as_json:
        print_json(made)
        return
    say(f"Undone: {words}")
    if made:
        say(f"`taskhold undo {made[0]['seq']}` does it again")


def _last_of_mine(tasks: Tasks) -> list[Change]:
    """The newest operation of this person's that is neither undone nor an undo."""
    actor = tasks.actor()
    undone: set[int] = set()
    for operation in _operations(newest_first(tasks)):
        first = operation[0]
        if first["operation"] in undone:
            continue
        if first["undoes"] is not None:
            undone.add(first["undoes"])
        elif first["actor"] == actor:
            return operation
    raise StartupError("There is nothing to undo")


def _operation(tasks: Tasks, number: int) -> list[Change]:
    """The changes that were made with this one, as far as they follow it."""
    try:
        changes = tasks.changes(number - 1)["changes"]
    except Gone:
        changes = []
    if not changes or changes[0]["seq"] != number:
        raise StartupError(f"There is no change {number}, or not any more")
    return [each for each in changes if each["operation"] == changes[0]["operation"]]


def _operations(changes: Iterator[Change]) -> Iterator[list[Change]]:
    """Changes by what was done at once, each in the order in which it was done."""
    for _, together in groupby(changes, key=lambda change: change["operation"]):
        yield list(together)[::-1]
