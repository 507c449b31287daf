"""`taskhold lists`, `taskhold tags`: shown, and changed by the commands below each."""

from functools import partial

import click

from taskhold.cli.completing import offer_lists, offer_tags
from taskhold.cli.fields import find_list
from taskhold.cli.options import database_url_option, json_option, user_option
from taskhold.cli.screen import is_for_people, print_json, print_rows, quoted, say
from taskhold.cli.tables import LISTS, TAGS
from taskhold.cli.tasks import Tasks, open_tasks, warn, with_tasks

list_argument = click.argument("name", shell_complete=offer_lists)


@click.group(invoke_without_command=True)
@click.option("--all", "is_whole", is_flag=True, help="Archived ones, too.")
@json_option
@user_option
@database_url_option
@click.pass_context
def lists(
    context: click.Context,
    *,
    is_whole: bool,
    as_json: bool,
    user: str | None,
    database_url: str | None,
) -> None:
    """Show the lists, or change them.

    Programs get a line a list with tabs between: id, open tasks, archived, name; or `--json`.
    """
    if context.invoked_subcommand is not None:
        return
    with open_tasks(user, database_url) as tasks:
        found = list(tasks.lists(archived=None if is_whole else False, sort="name"))
    if as_json:
        print_json(found)
    else:
        print_rows(found, LISTS)


@lists.command("add")
@click.argument("name")
@json_option
@partial(with_tasks, is_made=True)
def add_list(*, tasks: Tasks, name: str, as_json: bool) -> None:
    """Make a list."""
    made = tasks.create_list(name)
    if as_json:
        print_json(made)
    else:
        say(f"Made the list {quoted(made['name'])}")


@lists.command("rename")
@list_argument
@click.argument("new")
@json_option
@with_tasks
def rename_list(*, tasks: Tasks, name: str, new: str, as_json: bool) -> None:
    """Give a list another name."""
    changed = tasks.update_list(find_list(tasks, name)["id"], name=new)
    if as_json:
        print_json(changed)
    else:
        say(f"It is {quoted(changed['name'])} now")


@lists.command("archive")
@list_argument
@click.option("--undo", "is_back", is_flag=True, help="Take it out of the archive.")
@json_option
@with_tasks
def archive_list(*, tasks: Tasks, name: str, is_back: bool, as_json: bool) -> None:
    """Put a list away; it keeps its tasks."""
    changed = tasks.update_list(find_list(tasks, name)["id"], archived=not is_back)
    if as_json:
        print_json(changed)
    else:
        where = "out of the archive" if is_back else "in the archive"
        say(f"{quoted(changed['name'])} is {where}")


@lists.command("rm")
@list_argument
@json_option
@with_tasks
def remove_list(*, tasks: Tasks, name: str, as_json: bool) -> None:
    """Delete a list; its tasks go to the trash."""
    found = find_list(tasks, name)
    tasks.delete_list(found["id"])
    if as_json:
        print_json(found)
        return
    say(f"Deleted the list {quoted(found['name'])}; its tasks are in the trash")
    if is_for_people():
        warn("`taskhold undo` brings all of them back")


@click.group(invoke_without_command=True)
@json_option
@user_option
@database_url_option
@click.pass_context
def tags(
    context: click.Context, *, as_json: bool, user: str | None, database_url: str | None
) -> None:
    """Show the tags in use, or rename one.

    Programs get a line a tag with a tab between: open tasks, tag; or `--json`.
    """
    if context.invoked_subcommand is not None:
        return
    with open_tasks(user, database_url) as tasks:
        found = list(tasks.tags())
    if as_json:
        print_json(found)
    else:
        print_rows(found, TAGS)


@tags.command("rename")
@click.argument("tag", shell_complete=offer_tags)
@click.argument("new")
@json_option
@with_tasks
def rename_tag(*, tasks: Tasks, tag: str, new: str, as_json: bool) -> None:
    """Rename a tag in all tasks that bear it; onto one in use makes one of two."""
    renamed = tasks.rename_tag(tag, new)
    if as_json:
        print_json(renamed)
    else:
        say(f"It is {quoted(renamed['tag'])} now")
