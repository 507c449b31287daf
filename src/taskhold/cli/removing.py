"""`taskhold rm`, `taskhold restore`."""

from typing import Any

import click

from taskhold.cli.batches import read_all, run_batch
from taskhold.cli.completing import offer_trashed_ids
from taskhold.cli.fields import ids_argument
from taskhold.cli.options import json_option
from taskhold.cli.screen import is_for_people, print_json, quoted, say
from taskhold.cli.tasks import Tasks, warn, with_tasks
from taskhold.client.calls import delete
from taskhold.client.errors import NotFound
from taskhold.client.shapes import Task
from taskhold.errors import StartupError


@click.command()
@ids_argument()
@json_option
@with_tasks
def rm(*, tasks: Tasks, ids: tuple[int, ...], as_json: bool) -> None:
    """Move tasks and their parts to the trash.

    All of them, or none where one can't be.
    """
    found = read_all(tasks, ids)
    run_batch(tasks, [delete(task["id"]) for task in _without_parts_of_others(tasks, found)])
    if as_json:
        print_json(found)
        return
    for task in found:
        say(f"In the trash: {task['id']} {quoted(task['title'])}")
    if is_for_people():
        warn("`taskhold undo` brings it back")


@click.command()
@ids_argument(offer_trashed_ids)
@json_option
@with_tasks
def restore(*, tasks: Tasks, ids: tuple[int, ...], as_json: bool) -> None:
    """Bring tasks back from the trash.

    The parts that went there with them come along.
    """
    wanted = dict.fromkeys(ids)
    missing = set(wanted)
    for each in tasks.trash(page_size=500):
        missing.discard(each["id"])
        if not missing:
            break
    if missing:
        which = ", ".join(str(each) for each in wanted if each in missing)
        raise StartupError(f"Not in the trash: {which} (`taskhold list --trash` shows what is)")
    restored: list[Any] = [_restore(tasks, each) for each in wanted]
    if as_json:
        print_json(restored)
        return
    for task in restored:
        say(f"Back: {task['id']} {quoted(task['title'])}")


def _without_parts_of_others(tasks: Tasks, found: list[Task]) -> list[Task]:
    """A part goes to the trash with what it is a part of, however far above that is."""
    chosen = {task["id"] for task in found}
    parents = {task["id"]: task["parent_id"] for task in found}

    def goes_with_another(task: Task) -> bool:
        parent = task["parent_id"]
        while parent is not None and parent not in chosen:
            if parent not in parents:
                parents[parent] = tasks.get_task(parent)["parent_id"]
            parent = parents[parent]
        return parent is not None

    return [task for task in found if not goes_with_another(task)]


def _restore(tasks: Tasks, task_id: int) -> Task:
    try:
        return tasks.restore_task(task_id)
    except NotFound:
        return tasks.get_task(task_id)  # it came back with one before it
