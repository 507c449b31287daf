"""Tasks, lists and tags as rows on a screen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from taskhold.cli.days import due_words, is_past
from taskhold.cli.screen import Column
from taskhold.cli.tasks import Tasks
from taskhold.cli.words import ListNames

LISTS = (
    Column("id", lambda row: row["id"], is_number=True, style="dim"),
    Column("open", lambda row: row["open_count"], is_number=True),
    Column("", lambda row: "archived" if row["archived"] else "", style="dim"),
    Column("list", lambda row: row["name"], is_elastic=True),
)
TAGS = (
    Column("open", lambda row: row["open_count"], is_number=True),
    Column("tag", lambda row: row["tag"], is_elastic=True),
)


def list_names(tasks: Tasks, shown: Sequence[Mapping[str, Any]]) -> ListNames:
    """The names of lists, where any of the tasks is in one."""
    if all(task["list_id"] is None for task in shown):
        return {}
    return {each["id"]: each["name"] for each in tasks.lists()}


def task_columns(names: ListNames, now: datetime) -> tuple[Column, ...]:
    """id, done, priority, due, list, tags, title: the order that programs may rely on."""

    def list_of(task: Any) -> str:
        list_id = task["list_id"]
        return "" if list_id is None else names.get(list_id, str(list_id))

    def due_of(task: Any) -> str:
        return due_words(task["due"], now) if task["due"] else ""

    def due_style(task: Any) -> str:
        if task["due"] is None or task["done"]:
            return "dim"
        if is_past(task["due"], now):
            return "bold red"
        return "yellow" if due_words(task["due"], now).startswith("today") else ""

    def title_style(task: Any) -> str:
        return "dim" if task["done"] else ""

    return (
        Column("id", lambda task: task["id"], is_number=True, style="dim"),
        Column(
            "",
            lambda task: "x" if task["done"] else "-",
            lambda task: "✓" if task["done"] else "",
            style="green",
        ),
        Column(
            "",
            lambda task: task["priority"],
            lambda task: {"high": "!!!", "medium": "!!", "low": "!", "none": ""}[task["priority"]],
            style="red",
            may_go=1,
        ),
        Column("due", lambda task: task["due"], due_of, style=due_style),
        Column("list", list_of, style="blue", may_go=2),
        Column(
            "tags",
            lambda task: ",".join(task["tags"]),
            lambda task: " ".join(f"#{tag}" for tag in task["tags"]),
            style="cyan",
            may_go=3,
        ),
        Column("title", lambda task: task["title"], style=title_style, is_elastic=True),
    )
