"""`taskhold add`."""

from datetime import datetime
from functools import partial
from typing import Any

import click

from taskhold.cli.batches import run_batch
from taskhold.cli.fields import NONE, field_options, list_id_of, read_note, standard_input
from taskhold.cli.options import json_option
from taskhold.cli.screen import print_json, say
from taskhold.cli.tasks import Tasks, with_tasks
from taskhold.cli.words import task_words

EXAMPLES = """\b
taskhold add Buy paint --due friday --tag diy --priority high
taskhold add "Call the bank" --list Home --note - < notes.txt
taskhold add - < titles.txt
"""


@click.command(epilog=EXAMPLES)
@click.argument("title", nargs=-1, required=True)
@field_options
@json_option
@partial(with_tasks, is_made=True)
def add(
    *,
    tasks: Tasks,
    title: tuple[str, ...],
    due: str | None,
    tags: tuple[str, ...],
    priority: Any,
    list_name: str | None,
    note: str | None,
    parent: int | str | None,
    as_json: bool,
) -> None:
    """Add a task.

    `taskhold add -` adds one for each line of standard input: up to 200, all or none.
    """
    is_many = title == ("-",)
    if is_many and note == "-":
        raise click.UsageError("Standard input can't be both the titles and the notes")
    fields: dict[str, Any] = {
        "due": None if due == NONE else due,
        "tags": list(tags),
        "priority": priority,
        "parent_id": None if parent == NONE else parent,
        "notes": None if note is None else read_note(note),
        "list_id": None if list_name is None else list_id_of(tasks, list_name),
    }
    fields = {name: value for name, value in fields.items() if value not in (None, [])}
    if is_many:
        titles = [line for line in standard_input().split("\n") if line.strip()]
        made: Any = run_batch(
            tasks, [{"op": "create", "task": {"title": each, **fields}} for each in titles]
        )
    else:
        made = [tasks.create_task(title=" ".join(title), **fields)]
    if as_json:
        print_json(made if is_many else made[0])
        return
    now = datetime.now().astimezone()
    for task in made:
        say(f"Added {task_words(task, now)}")
