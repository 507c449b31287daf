"""The fields of a task as options, and what their values mean."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from taskhold.cli.completing import Offer, offer_lists, offer_tags, offer_task_ids
from taskhold.cli.days import parse_due
from taskhold.cli.tasks import Tasks
from taskhold.client.shapes import TaskList
from taskhold.errors import StartupError

F = TypeVar("F", bound=Callable[..., Any])
NONE = "none"
PRIORITIES = ("none", "low", "medium", "high")
IDS = click.IntRange(1, 2**63 - 1)


class Due(click.ParamType[str]):
    """A day or an instant, in a person's words."""

    name = "day"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value.strip().lower() == NONE:
            return NONE
        due = parse_due(value, datetime.now().astimezone())
        if due is None:
            self.fail(
                f"“{value}” is no day that is understood here, as friday or 2026-12-24", param, ctx
            )
        return due


class Reference(click.ParamType[int | str]):
    """The id of a task, or none."""

    name = "id"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        return NONE if value == NONE else int(IDS.convert(value, param, ctx))  # type: ignore[arg-type]


def ids_argument(offer: Offer = offer_task_ids) -> Callable[[F], F]:
    """The ids of one or more tasks."""
    return click.argument(
        "ids", metavar="ID...", type=IDS, nargs=-1, required=True, shell_complete=offer
    )


def field_options(command: F) -> F:
    """The options that `add` and `edit` have."""
    for option in (
        click.option(
            "--parent", metavar="ID", type=Reference(), help="Make it a part of this task."
        ),
        click.option("--note", metavar="TEXT", help="Its notes; `-` reads standard input."),
        click.option(
            "--list", "list_name", metavar="NAME", shell_complete=offer_lists, help="Its list."
        ),
        click.option("--priority", type=click.Choice(PRIORITIES), help="How important it is."),
        click.option(
            "--tag",
            "tags",
            metavar="TAG",
            multiple=True,
            shell_complete=offer_tags,
            help="A tag; again for more.",
        ),
        click.option(
            "--due", metavar="DAY", type=Due(), help="When: friday, 24 dec, in 3 days, mon 9:30 …"
        ),
    ):
        command = option(command)
    return command


def list_id_of(tasks: Tasks, name: str) -> int | None:
    """The id of the list that is meant by a name or an id; None for `none`."""
    return None if name.lower() == NONE else find_list(tasks, name)["id"]


def find_list(tasks: Tasks, name: str) -> TaskList:
    """The list of this name, whatever its case; else that with this id."""
    there = list(tasks.lists())
    folded = name.strip().casefold()
    found = (
        [each for each in there if each["name"] == name]
        or [each for each in there if each["name"].casefold() == folded]
        or [each for each in there if str(each["id"]) == folded]
    )
    if not found:
        raise StartupError(f"There is no list “{name}”; `taskhold lists add` makes one")
    if len(found) > 1:
        ids = ", ".join(str(each["id"]) for each in found)
        raise StartupError(f"Several lists are called “{name}”; name one by its id: {ids}", 2)
    return found[0]


def read_note(text: str) -> str:
    """The notes, from standard input where `-` stands for them."""
    return standard_input() if text == "-" else text


def standard_input() -> str:
    """All that comes there, without a last line end."""
    if sys.stdin.isatty():
        click.echo("taskhold: reading what you type; Ctrl-D ends it", err=True)
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise StartupError("Standard input is not UTF-8") from None
