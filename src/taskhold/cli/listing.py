"""`taskhold list`, `taskhold search`: tasks as a table."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from taskhold.cli.completing import offer_lists, offer_tags
from taskhold.cli.days import is_day
from taskhold.cli.fields import NONE, PRIORITIES, Due, Reference, list_id_of
from taskhold.cli.options import json_option
from taskhold.cli.screen import is_for_people, print_json, print_rows
from taskhold.cli.tables import list_names, task_columns
from taskhold.cli.tasks import Tasks, warn, with_tasks

if TYPE_CHECKING:
    from taskhold.client.shapes import TaskFilters, TaskSort

F = TypeVar("F", bound=Callable[..., Any])
ORDERS = ("due", "priority", "title", "position", "id", "created_at", "updated_at")
_SORTS = tuple(sign + name for name in ORDERS for sign in ("", "-"))
_MOST_OF_A_PAGE = 500


def filter_options(command: F) -> F:
    """The options that take tasks away, and the order."""
    for option in (
        click.option("--all", "is_whole", is_flag=True, help="All pages."),
        click.option(
            "--limit",
            type=click.IntRange(1, 1_000_000),
            default=20,
            show_default=True,
            help="How many at the most.",
        ),
        click.option(
            "--sort",
            type=click.Choice(_SORTS),
            default="due",
            show_default=True,
            metavar="FIELD",
            help=f"The order: {', '.join(ORDERS)}; -FIELD for descending.",
        ),
        click.option(
            "--parent", metavar="ID", type=Reference(), help="Parts of this task; none: of none."
        ),
        click.option("--priority", type=click.Choice(PRIORITIES), help="Of this priority."),
        click.option(
            "--list",
            "list_name",
            metavar="NAME",
            shell_complete=offer_lists,
            help="In this list; none: in none.",
        ),
        click.option(
            "--tag",
            "tags",
            metavar="TAG",
            multiple=True,
            shell_complete=offer_tags,
            help="With this tag; again: all of them.",
        ),
        click.option("--due-before", metavar="DAY", type=Due(), help="Due before this day."),
        click.option("--due-after", metavar="DAY", type=Due(), help="Due on this day or later."),
        click.option("--due", metavar="DAY", type=Due(), help="Due on this day; none: never."),
        click.option("--overdue", is_flag=True, help="Open, and due before today."),
        click.option("--any", "state", flag_value="any", help="Done or not."),
        click.option("--done", "state", flag_value="done", help="Done."),
        click.option("--open", "state", flag_value="open", help="Not done."),
    ):
        command = option(command)
    return command


@click.command("list")
@filter_options
@click.option("--trash", "is_trash", is_flag=True, help="What was deleted, newest first.")
@json_option
@with_tasks
def list_tasks(*, tasks: Tasks, is_trash: bool, as_json: bool, **chosen: Any) -> None:
    """List tasks that are not done, what is due first in front.

    Programs get a line a task with tabs between: id, - or x (done), priority, due, list, tags,
    title; or `--json`.
    """
    if is_trash:
        _show(tasks, tasks.trash(), chosen, as_json=as_json)
    else:
        chosen["state"] = chosen["state"] or "open"
        _show(tasks, _chosen(tasks, chosen), chosen, as_json=as_json)


@click.command()
@click.argument("words", nargs=-1, required=True)
@filter_options
@json_option
@with_tasks
def search(*, tasks: Tasks, words: tuple[str, ...], as_json: bool, **chosen: Any) -> None:
    """List tasks with each of these words, done or not.

    A word may stand in title, notes or tags, inside of another, in any case and accent.
    """
    _show(tasks, _chosen(tasks, chosen, q=" ".join(words)), chosen, as_json=as_json)


def _chosen(tasks: Tasks, chosen: dict[str, Any], **filters: Any) -> Iterable[Any]:
    """The tasks that the options leave, in their order."""
    state, name = chosen["state"], chosen["list_name"]
    filters |= {
        "done": {"open": False, "done": True}.get(state),
        "tag": list(chosen["tags"]),
        "priority": chosen["priority"],
        "parent_id": chosen["parent"],
        "list_id": name and (list_id_of(tasks, name) or NONE),
        **_due_filters(**{each: chosen[each] for each in ("due", "due_after", "due_before")}),
    }
    if chosen["overdue"]:
        filters |= {"done": False, "due_before": datetime.now().astimezone().date().isoformat()}
    filters = {each: value for each, value in filters.items() if value not in (None, [])}
    if {"due_after", "due_before"} & set(filters):
        filters["tz"] = _zone()
    size = _MOST_OF_A_PAGE if chosen["is_whole"] else min(chosen["limit"] + 1, _MOST_OF_A_PAGE)
    return tasks.tasks(
        sort=cast("TaskSort", chosen["sort"]), page_size=size, **cast("TaskFilters", filters)
    )


def _due_filters(
    due: str | None, due_after: str | None, due_before: str | None
) -> dict[str, str | None]:
    if due is None:
        return {"due_after": due_after, "due_before": due_before}
    if due_after or due_before:
        raise click.UsageError("--due goes with neither --due-after nor --due-before")
    if due == NONE:
        return {"due": NONE}
    if not is_day(due):
        raise click.UsageError("--due takes a day here; --due-after and --due-before an hour, too")
    after = date.fromisoformat(due) + timedelta(days=1)
    return {"due_after": due, "due_before": after.isoformat()}


def _zone() -> str:
    """The name of the time zone of this machine."""
    from tzlocal import get_localzone_name

    return get_localzone_name() or "UTC"


def _show(tasks: Tasks, found: Iterable[Any], chosen: dict[str, Any], *, as_json: bool) -> None:
    limit = None if chosen["is_whole"] else chosen["limit"]
    some = list(islice(found, limit and limit + 1))
    shown = some[:limit]
    if as_json:
        print_json(shown)
    else:
        now = datetime.now().astimezone()
        print_rows(shown, task_columns(list_names(tasks, shown), now))
        if not shown and is_for_people():
            warn("nothing there")
    if len(some) > len(shown):
        warn(f"these are the first {len(shown)}; --all shows all")
