"""`taskhold log`: what happened, in words."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Any

import click

from taskhold.cli.days import moment_words
from taskhold.cli.fields import IDS
from taskhold.cli.options import json_option
from taskhold.cli.screen import Column, is_for_people, json_text, print_json, print_rows, say_styled
from taskhold.cli.tasks import Tasks, with_tasks
from taskhold.cli.words import ListNames, change_words
from taskhold.client.errors import Gone
from taskhold.client.shapes import Change

_AT_ONCE = 500


@click.command()
@click.argument("task_id", metavar="[ID]", type=IDS, required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    help="How many at the most.",
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@json_option
@with_tasks
def log(*, tasks: Tasks, task_id: int | None, limit: int, follow: bool, as_json: bool) -> None:
    """Show what happened, to all tasks or to one.

    The newest stands below. Programs get a line a change with tabs between: number, time, who,
    action, kind, id, words; or `--json`, which has a line a change with --follow.
    """
    cursor = tasks.changes()["cursor"] if follow else 0
    found = newest_first(tasks) if task_id is None else tasks.history(task_id)
    changes = list(islice(found, limit))[::-1]
    if follow:
        changes = [each for each in changes if each["seq"] <= cursor]
    if as_json and not follow:
        print_json(changes)
        return
    _print(tasks, changes, as_json=as_json)
    if follow:
        _say_what_breaks()
        try:
            _follow(tasks, cursor, task_id, as_json=as_json)
        except KeyboardInterrupt:
            return


def newest_first(tasks: Tasks) -> Iterator[Change]:
    """The changes that are kept, from the newest on."""
    before = tasks.changes()["cursor"] + 1
    step = 50
    while before > 1:
        after = max(before - 1 - step, 0)
        try:
            page = tasks.changes(after, limit=before - 1 - after)
        except Gone:  # older than what is kept: take fewer
            if step == 1:
                return
            step = max(1, step // 2)
            continue
        yield from reversed(page["changes"])
        before = after + 1
        step = min(step * 2, _AT_ONCE)


def names_of_lists(tasks: Tasks, changes: Sequence[Change]) -> ListNames:
    """The names of lists, where a change may speak of one."""
    if not any(change["after"] and change["after"].get("list_id") for change in changes):
        return {}
    return {each["id"]: each["name"] for each in tasks.lists()}


def _follow(tasks: Tasks, cursor: int, task_id: int | None, *, as_json: bool) -> None:
    with closing(tasks.events(cursor)) as events:
        for change in events:
            if task_id is None or (change["kind"], change["id"]) == ("task", task_id):
                _print(tasks, [change], as_json=as_json)


def _print(tasks: Tasks, changes: list[Change], *, as_json: bool) -> None:
    """Print changes at once, also into a pipe."""
    now = datetime.now().astimezone()
    if as_json:
        for change in changes:
            print(json_text(change), flush=True)
        return
    names = names_of_lists(tasks, changes)
    if is_for_people():
        for change in changes:
            at = moment_words(change["at"], now)
            words = f"{change['actor']} {change_words(change, names, now)}"
            say_styled((f"{change['seq']:>6}  {at:<13}  ", "dim"), (words, ""))
    else:
        print_rows(changes, _columns(names, now))
        sys.stdout.flush()


def _columns(names: ListNames, now: datetime) -> tuple[Column, ...]:
    def of(name: str) -> Any:
        return lambda change: change[name]

    return (
        *(Column(name, of(name)) for name in ("seq", "at", "actor", "action", "kind", "id")),
        Column("words", lambda change: change_words(change, names, now)),
    )


def _say_what_breaks() -> None:
    """What the client logs while it follows goes to standard error as our lines."""
    logging.basicConfig(format="taskhold: %(message)s", level=logging.WARNING)
