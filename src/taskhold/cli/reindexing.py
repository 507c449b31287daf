"""`taskhold reindex`: what texts are found by and sorted by, made anew."""

import click

from taskhold.accounts.operations import account_ids
from taskhold.cli.database import Database, database
from taskhold.cli.options import database_url_option
from taskhold.cli.progress import Advance, bars, numbered
from taskhold.errors import StartupError
from taskhold.tasks import pages, rows
from taskhold.tasks.filters import Choice
from taskhold.tasks.models import TaskFilter

READ_AT_ONCE = 1_000
WRITTEN_AT_ONCE = 100
"""Tasks that one transaction corrects, in about 10 ms."""


@click.command()
@database_url_option
def reindex(database_url: str | None) -> None:
    """Make the search index anew.

    A server may go on meanwhile. See docs/tasks.md.
    """
    with database(database_url) as found:
        try:
            with bars() as advance:
                checked, corrected = _fold(found, advance)
                found.reindex(lambda done, total: advance("Indexing", done, total))
        except KeyboardInterrupt:
            raise StartupError("stopped; run it again to the end") from None
        click.echo(
            f"Checked {numbered(checked, 'task')}, corrected {corrected:,}, and made the search "
            f"index of {found.location} anew"
        )


def _fold(found: Database, advance: Advance) -> tuple[int, int]:
    """How many tasks there were, and how many had to be corrected."""
    owners = found.read(account_ids)
    total = sum(found.read(pages.count, Choice(each, TaskFilter())) for each in owners)
    checked = corrected = 0
    for owner in owners:
        last = 0
        while True:
            some, stale = found.read(rows.stale, owner, after=last, limit=READ_AT_ONCE)
            if not some:
                break
            for first in range(0, len(stale), WRITTEN_AT_ONCE):
                found.write(owner, rows.correct, owner, stale[first : first + WRITTEN_AT_ONCE])
            last = some[-1]
            checked += len(some)
            corrected += len(stale)
            advance("Checking", checked, max(checked, total))
    return checked, corrected
