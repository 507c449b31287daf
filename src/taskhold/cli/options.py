"""The options that several commands have."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

database_url_option = click.option(
    "--database-url",
    metavar="URL",
    help="Where the tasks are kept. [default: TASKHOLD_DATABASE_URL]",
)
user_option = click.option(
    "--user", metavar="NAME", help="Whose tasks, in a local database. [default: the only account]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
