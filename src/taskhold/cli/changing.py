"""`taskhold edit`, `taskhold done`, `taskhold undone`."""

import sys
from datetime import datetime
from typing import Any

import click

from taskhold.cli.batches import read_all, run_batch
from taskhold.cli.completing import offer_ids_of_done, offer_tags
from taskhold.cli.editing import edit_in_editor
from taskhold.cli.fields import NONE, field_options, ids_argument, list_id_of, read_note
from taskhold.cli.options import json_option
from taskhold.cli.screen import print_json, quoted, say
from taskhold.cli.tasks import Tasks, warn, with_tasks
from taskhold.cli.words import task_words
from taskhold.client.calls import update
from taskhold.client.errors import VersionConflict
from taskhold.client.shapes import Task

ATTEMPTS = 5
"""How often a change of tags is made anew where somebody else was faster."""


@click.command()
@ids_argument()
@json_option
@with_tasks
def done(*, tasks: Tasks, ids: tuple[int, ...], as_json: bool) -> None:
    """Mark tasks as done.

    All of them, or none where one can't be.
    """
    _set_done(tasks, ids, done=True, as_json=as_json)


@click.command()
@ids_argument(offer_ids_of_done)
@json_option
@with_tasks
def undone(*, tasks: Tasks, ids: tuple[int, ...], as_json: bool) -> None:
    """Mark tasks as not done."""
    _set_done(tasks, ids, done=False, as_json=as_json)


@click.command()
@ids_argument()
@click.option("--title", metavar="TEXT", help="Its title.")
@field_options
@click.option(
    "--untag",
    "untags",
    metavar="TAG",
    multiple=True,
    shell_complete=offer_tags,
    help="Take a tag away.",
)
@json_option
@with_tasks
def edit(
    *,
    tasks: Tasks,
    ids: tuple[int, ...],
    tags: tuple[str, ...],
    untags: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Change tasks, by options or in an editor.

    All of them, or none where one can't be. `none` takes away a due day, a list or a parent. With
    no option, and on a terminal, a task is opened in $EDITOR.
    """
    changes = _changes(tasks, given)
    if changes or tags or untags:
        changed = _change_all(tasks, ids, changes, tags, untags)
    elif not sys.stdin.isatty():
        raise click.UsageError("What shall change? Say it by options")
    elif len(ids) > 1:
        raise click.UsageError("One task at a time is opened in an editor")
    else:
        edited = edit_in_editor(tasks, read_all(tasks, ids)[0])
        if edited is None:
            warn("nothing was changed")
            return
        changed = [edited]
    if as_json:
        print_json(changed)
        return
    now = datetime.now().astimezone()
    for task in changed:
        say(f"Changed {task_words(task, now)}")


def _changes(tasks: Tasks, given: dict[str, Any]) -> dict[str, Any]:
    """The fields that the options name, without the tags."""
    changes: dict[str, Any] = {}
    for option, field in (("title", "title"), ("priority", "priority")):
        if given[option] is not None:
            changes[field] = given[option]
    if given["due"] is not None:
        changes["due"] = None if given["due"] == NONE else given["due"]
    if given["parent"] is not None:
        changes["parent_id"] = None if given["parent"] == NONE else given["parent"]
    if given["list_name"] is not None:
        changes["list_id"] = list_id_of(tasks, given["list_name"])
    if given["note"] is not None:
        changes["notes"] = read_note(given["note"])
    return changes


def _change_all(
    tasks: Tasks,
    ids: tuple[int, ...],
    changes: dict[str, Any],
    tags: tuple[str, ...],
    untags: tuple[str, ...],
) -> list[Any]:
    """Tags are added to those that a task has, so that it must not change meanwhile."""
    wanted = list(dict.fromkeys(ids))
    if not tags and not untags:
        return run_batch(tasks, [update(each, changes) for each in wanted])
    for attempt in range(ATTEMPTS):
        operations = [
            update(task["id"], changes | {"tags": _tags(task, tags, untags)}, task["version"])
            for task in read_all(tasks, wanted)
        ]
        try:
            return run_batch(tasks, operations)
        except Exception as error:
            conflict = error if isinstance(error, VersionConflict) else error.__cause__
            if not isinstance(conflict, VersionConflict) or attempt == ATTEMPTS - 1:
                raise
    return []


def _tags(task: Task, tags: tuple[str, ...], untags: tuple[str, ...]) -> list[str]:
    gone = {each.casefold() for each in untags}
    kept = [each for each in task["tags"] if each.casefold() not in gone]
    there = {each.casefold() for each in kept}
    return kept + [each for each in dict.fromkeys(tags) if each.casefold() not in there]


def _set_done(tasks: Tasks, ids: tuple[int, ...], *, done: bool, as_json: bool) -> None:
    changed: list[Any] = run_batch(
        tasks, [update(each, {"done": done}) for each in dict.fromkeys(ids)]
    )
    if as_json:
        print_json(changed)
        return
    for task in changed:
        say(f"{'Done' if done else 'Open again'}: {task['id']} {quoted(task['title'])}")
