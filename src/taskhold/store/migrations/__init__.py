"""The schema's history, for Alembic, and how to bring a database to its newest point."""

from importlib import resources
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Oldest first. Known here, so that a start with nothing to do needs no Alembic (0.2 s)."""
HEAD = REVISIONS[-1]
WITHOUT_LIVING_TASKS = REVISIONS[:3]
"""Those in which the table `task` has few columns of ours beside the lesson's."""


_ONE_AT_A_TIME = Lock()
"""What Alembic runs on is a variable of its module, whichever thread asks."""


def upgrade(connection: "Connection") -> None:
    """Run what is missing, in the transaction that `connection` has begun."""
    from alembic import command
    from alembic.config import Config

    with _ONE_AT_A_TIME, resources.as_file(resources.files(__name__)) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
