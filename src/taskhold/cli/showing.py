"""`taskhold show`: all of a task."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from taskhold.cli.batches import read_all
from taskhold.cli.days import due_words, moment_words
from taskhold.cli.fields import ids_argument
from taskhold.cli.options import json_option
from taskhold.cli.screen import print_json, safe, say, say_styled
from taskhold.cli.tables import list_names
from taskhold.cli.tasks import Tasks, with_tasks
from taskhold.cli.words import ListNames


@click.command()
@ids_argument()
@json_option
@with_tasks
def show(*, tasks: Tasks, ids: tuple[int, ...], as_json: bool) -> None:
    """Show all of a task, with its notes and its parts."""
    found = read_all(tasks, ids)
    if as_json:
        print_json(found)
        return
    names = list_names(tasks, found)
    now = datetime.now().astimezone()
    for number, task in enumerate(found):
        if number:
            say("")
        below = list(tasks.tasks(parent_id=task["id"], sort="position"))
        for line in _lines(task, below, names, now):
            say_styled(*line)


def _lines(
    task: Any, below: list[Any], names: ListNames, now: datetime
) -> Iterator[list[tuple[str, str]]]:
    yield [(f"{_mark(task)} ", "green"), (safe(task["title"]), "bold")]
    list_id = task["list_id"]
    facts = {
        "id": task["id"],
        "due": f"{task['due']} ({due_words(task['due'], now)})" if task["due"] else "",
        "priority": "" if task["priority"] == "none" else task["priority"],
        "tags": ", ".join(task["tags"]),
        "list": "" if list_id is None else names.get(list_id, list_id),
        "part of": task["parent_id"] or "",
        "added": moment_words(task["created_at"], now),
        "changed": _unless_same(task, now),
        "done": moment_words(task["completed_at"], now) if task["completed_at"] else "",
    }
    for name, value in facts.items():
        if value != "":
            yield [(f"  {name:<9} ", "dim"), (safe(value), "")]
    if task["notes"]:
        yield []
        for line in task["notes"].replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            yield [(f"  {safe(line.expandtabs())}".rstrip(), "")]
    if below:
        yield []
        for each in below:
            yield [(f"  {_mark(each)} ", "green"), (f"{each['id']} {safe(each['title'])}", "")]


def _mark(task: Mapping[str, Any]) -> str:
    return "[x]" if task["done"] else "[ ]"


def _unless_same(task: Mapping[str, Any], now: datetime) -> str:
    same = task["updated_at"] in (task["created_at"], task["completed_at"])
    return "" if same else moment_words(task["updated_at"], now)
