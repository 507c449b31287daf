"""Many tasks at once: all, or none."""

from collections.abc import Sequence
from typing import Any

from taskhold.cli.tasks import Tasks
from taskhold.client.errors import Problem
from taskhold.client.shapes import Operation, Task
from taskhold.errors import StartupError

MOST = 200
"""Operations of one batch."""
NOT_FOUND = 404


def run_batch(tasks: Tasks, operations: Sequence[Operation]) -> list[Task | None]:
    """What each operation gave. A problem names the task, or the line, that it is about."""
    if not operations:
        return []
    if len(operations) > MOST:
        raise StartupError(f"At most {MOST} at once, and these are {len(operations)}", 2)
    try:
        return tasks.batch(operations)
    except Problem as problem:
        if problem.operation is None:
            raise
        which: Any = operations[problem.operation]
        nothing = "" if len(operations) == 1 else "; nothing was changed"
        if problem.status == NOT_FOUND and "id" in which:
            raise StartupError(f"There is no task {which['id']}{nothing}") from problem
        if not nothing:
            raise
        what = f"Task {which['id']}" if "id" in which else f"Line {problem.operation + 1}"
        raise StartupError(f"{what}: {problem.detail.rstrip('.')}{nothing}") from problem


def read_all(tasks: Tasks, ids: Sequence[int]) -> list[Task]:
    """These tasks, each once. A problem names the one that it is about."""
    found = []
    for task_id in dict.fromkeys(ids):
        try:
            found.append(tasks.get_task(task_id))
        except Problem as problem:
            if problem.status != NOT_FOUND:
                raise
            raise StartupError(f"There is no task {task_id}") from problem
    return found
