"""What a shell is offered for a word that is not finished. It waits for nothing long."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

import click
from click.shell_completion import CompletionItem

from taskhold.cli.screen import safe
from taskhold.cli.tasks import Tasks, open_tasks
from taskhold.errors import StartupError

MOST = 50
Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offer(find: Callable[[Tasks], Iterable[tuple[object, str]]]) -> Offer:
    """Words with an explanation each, of those that begin as the unfinished one does."""

    def offer(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        given = context.params
        # A shell has nowhere to show why there is nothing to offer.
        with (
            suppress(StartupError, click.ClickException),
            open_tasks(given.get("user"), given.get("database_url"), patience=0) as tasks,
        ):
            found = (
                CompletionItem(str(word), help=explanation)
                for word, explanation in find(tasks)
                if str(word).casefold().startswith(incomplete.casefold())
            )
            return list(islice(found, MOST))
        return []

    return offer


def _task_ids(tasks: Tasks) -> Iterator[tuple[object, str]]:
    return ((task["id"], safe(task["title"])) for task in tasks.tasks(sort="due", done=False))


def _ids_of_done(tasks: Tasks) -> Iterator[tuple[object, str]]:
    newest = tasks.tasks(sort="-updated_at", done=True)
    return ((task["id"], safe(task["title"])) for task in newest)


def _trashed_ids(tasks: Tasks) -> Iterator[tuple[object, str]]:
    return ((task["id"], safe(task["title"])) for task in tasks.trash())


def _list_names(tasks: Tasks) -> Iterator[tuple[object, str]]:
    return ((safe(each["name"]), "") for each in tasks.lists(archived=False))


def _tag_names(tasks: Tasks) -> Iterator[tuple[object, str]]:
    return ((safe(each["tag"]), "") for each in tasks.tags())


offer_task_ids = _offer(_task_ids)
offer_ids_of_done = _offer(_ids_of_done)
offer_trashed_ids = _offer(_trashed_ids)
offer_lists = _offer(_list_names)
offer_tags = _offer(_tag_names)
