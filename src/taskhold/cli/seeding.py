"""`taskhold seed`: tasks to try things with."""

import signal
from types import FrameType

import click

from taskhold.cli.database import Account, acting_account, database
from taskhold.cli.options import database_url_option, user_option
from taskhold.cli.progress import bars, numbered
from taskhold.cli.samples import LISTS, Samples
from taskhold.errors import StartupError
from taskhold.journal.operations import Author
from taskhold.lists import operations as lists
from taskhold.lists.models import ListCreate
from taskhold.store import Row, Tx
from taskhold.tasks import operations as tasks
from taskhold.tasks import tree

AT_ONCE = 1_000
"""Tasks of one transaction."""
_TASKS_OF_A_LIST = 20
"""A small database has fewer lists."""
_SUBTASKS = 10
"""One task in so many is below another one; one in so many of those below one of those."""


class _Stop:
    """Ctrl-C ends the work behind the transaction that is on its way; a second one at once."""

    def __init__(self) -> None:
        self.wanted = False
        self._before = signal.signal(signal.SIGINT, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True
        signal.signal(signal.SIGINT, self._before)


@click.command()
@click.option(
    "--tasks",
    "count",
    type=click.IntRange(1, 100_000_000),
    required=True,
    help="How many.",
)
@user_option
@database_url_option
@click.option("--random-seed", type=int, help="The same number makes the same tasks.")
def seed(count: int, user: str | None, database_url: str | None, random_seed: int | None) -> None:
    """Fill an account with made-up tasks, to try things with."""
    samples = Samples(random_seed)
    made = 0
    with database(database_url) as found:
        account = acting_account(found, user)
        stop = _Stop()
        names = LISTS[: 1 + count // _TASKS_OF_A_LIST]
        list_ids = found.write(account.id, _make_lists, account, names)
        with bars("tasks") as advance:
            while made < count and not stop.wanted:
                some = min(AT_ONCE, count - made)
                found.write(account.id, _make_tasks, account, samples, list_ids, some)
                found.index()
                made += some
                advance("Making", made, count)
        click.echo(
            f"Made {numbered(made, 'task')} and {numbered(len(list_ids), 'list')} for "
            f"{account.name} in {found.location}"
        )
    if made < count:
        raise StartupError("stopped")


async def _make_lists(tx: Tx, account: Account, names: tuple[str, ...]) -> list[int]:
    author = Author(account.id, account.name)
    return [(await lists.create(tx, author, ListCreate(name=name)))["id"] for name in names]


async def _make_tasks(
    tx: Tx, account: Account, samples: Samples, list_ids: list[int], count: int
) -> None:
    """So many tasks in one transaction: those at the top, those below, and those below these."""
    author = Author(account.id, account.name)
    there = [each for each in list_ids if await tree.list_exists(tx, account.id, each)]
    below = count // _SUBTASKS
    deeper = below // _SUBTASKS
    parents: list[Row] = []
    for some in (count - below, below - deeper, deeper):
        wanted = []
        for _ in range(some):
            parent = samples.one(parents) if parents else None
            place = {
                "list_id": parent["list_id"] if parent else samples.list_id(there),
                "parent_id": parent and parent["id"],
            }
            wanted.append(samples.task() | place)
        parents = await tasks.create_many(tx, author, wanted)
