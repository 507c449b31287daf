"""What the tests say to `taskhold import` and `export`, and what they see of it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.commands import said, taskhold

SAMPLES = Path(__file__).with_name("samples")


class Done(NamedTuple):
    """What an import has said."""

    line: str
    """On standard output, without the database."""
    notes: list[str]
    """On standard error."""


def bring(url: str, file: Path | str, *options: str, line: str | None = None) -> Done:
    """Import a file, which has to succeed."""
    ended = taskhold(url, "import", str(file), *options, line=line)
    assert ended.returncode == 0, ended
    (sentence,) = ended.stdout.splitlines()
    there = sentence.partition(" for ")
    after = there[2].partition("; ")
    return Done(
        " for ".join((there[0], there[2].split()[0])) + after[1] + after[2],
        [each.removeprefix("taskhold: ") for each in ended.stderr.splitlines()],
    )


def lines_of(url: str, kind: str, *options: str) -> list[dict[str, Any]]:
    """What an export has of a kind."""
    exported = said(url, "export", "-", *options).splitlines()
    return [document[kind] for line in exported if kind in (document := json.loads(line))]


def told(url: str) -> list[str]:
    """Each task on a line, as a person would tell it, in the order in which it was made."""
    documents = list(map(json.loads, said(url, "export", "-").splitlines()[1:]))
    lists = {each["list"]["id"]: each["list"]["name"] for each in documents if "list" in each}
    tasks = {each["task"]["id"]: each["task"] for each in documents if "task" in each}
    return [_told(task, lists, tasks) for task in tasks.values()]


def _told(task: dict[str, Any], lists: dict[int, str], tasks: dict[int, Any]) -> str:
    parts = ["x" if task["done"] else "-", task["title"]]
    if task["priority"] != "none":
        parts.append(f"!{task['priority']}")
    if task["due"]:
        parts.append(f"due {task['due']}")
    parts += [f"#{tag}" for tag in task["tags"]]
    if task["list_id"]:
        parts.append(f"in {lists[task['list_id']]}")
    if task["parent_id"]:
        parts.append(f"under {tasks[task['parent_id']]['title']}")
    if task["notes"]:
        parts.append(repr(task["notes"]))
    return " | ".join(parts)
