"""What the server should do with tasks and lists, told once more on plain dicts.

Each function changes a `State` as one operation would, or raises `Refused`. The time is given, so
that all can be compared but what the journal tells of each change: `version` and `updated_at`.
"""

import unicodedata
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from taskhold.tasks.positions import after as position_after

Shown = dict[str, Any]
Change = dict[str, Any]
MOST_LEVELS = 8
COUNTED = ("version", "updated_at", "open_count")
NO_FIELDS = (*COUNTED, "created_at", "completed_at")
NEW_TASK: Shown = {
    "done": False,
    "notes": "",
    "due": None,
    "priority": "none",
    "tags": [],
    "list_id": None,
    "parent_id": None,
}


class Refused(Exception):
    """By a status, and the field that a 422 names; in a batch, which operation it was."""

    def __init__(self, status: int, field: str | None = None) -> None:
        super().__init__(status, field)
        self.status = status
        self.field = field
        self.operation: int | None = None


@dataclass
class State:
    """The tasks and lists that there are, and the tasks in the trash as they were."""

    tasks: dict[int, Shown] = field(default_factory=dict)
    lists: dict[int, Shown] = field(default_factory=dict)
    trash: dict[int, Shown] = field(default_factory=dict)
    deleted_in: dict[int, int] = field(default_factory=dict)
    """The operation that brought each task into the trash."""

    def copy(self) -> "State":
        return deepcopy(self)

    def content(self) -> tuple[Any, ...]:
        """All of it but what counts changes."""
        kinds = (self.tasks, self.lists, self.trash)
        return tuple({key: content(shown) for key, shown in kind.items()} for kind in kinds)

    def known(self) -> set[int]:
        """The tasks that there are, here or in the trash."""
        return {*self.tasks, *self.trash}

    def line(self, task_id: int) -> list[int]:
        """The task and those above it."""
        line = [task_id]
        while (parent_id := self.tasks[line[-1]]["parent_id"]) is not None:
            assert parent_id in self.tasks, f"the parent of {line[-1]} is gone"
            line.append(parent_id)
            assert len(line) <= MOST_LEVELS, f"a cycle, or too deep: {line}"
        return line

    def below(self, task_id: int, among: dict[int, Shown] | None = None) -> list[int]:
        """What is under a task, parents first."""
        among = self.tasks if among is None else among
        found = [task_id]
        for above in found:
            found += [each for each, task in among.items() if task["parent_id"] == above]
        return found[1:]

    def height(self, task_id: int, among: dict[int, Shown] | None = None) -> int:
        """How many levels are under a task."""
        among = self.tasks if among is None else among
        children = [each for each, task in among.items() if task["parent_id"] == task_id]
        return max((1 + self.height(each, among) for each in children), default=0)


def content(shown: Shown) -> Shown:
    return {name: value for name, value in shown.items() if name not in COUNTED}


def fold_tag(tag: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", tag).casefold())


# Tasks


def create_task(state: State, at: str, task_id: int, sent: Shown) -> Shown:
    wanted: Shown = {"id": task_id} | NEW_TASK | sent
    _check_place(state, wanted, {name: value for name, value in sent.items() if value is not None})
    if wanted.get("position") is None:
        siblings = [
            task["position"]
            for task in state.tasks.values()
            if task["list_id"] == wanted["list_id"]
        ]
        wanted["position"] = position_after(max(siblings, default=None))
    wanted["title"] = wanted["title"].strip()
    wanted |= {"created_at": at, "completed_at": at if wanted["done"] else None, "version": 1}
    state.tasks[task_id] = wanted
    return dict(wanted)


def update_task(state: State, at: str, task_id: int, sent: Shown) -> Shown:
    task = find(state.tasks, task_id)
    wanted = task | sent
    wanted["title"] = wanted["title"].strip()
    if any(wanted[name] != task[name] for name in ("parent_id", "list_id")):
        _check_place(state, wanted, sent)
    if wanted["done"] != task["done"]:
        wanted["completed_at"] = at if wanted["done"] else None
    wanted["version"] += wanted != task
    state.tasks[task_id] = wanted
    for each in state.below(task_id):
        below = state.tasks[each]
        below["version"] += below["list_id"] != wanted["list_id"]
        below["list_id"] = wanted["list_id"]
    return dict(wanted)


def delete_task(state: State, operation: int, task_id: int) -> None:
    find(state.tasks, task_id)
    _trash(state, operation, [task_id, *state.below(task_id)])


def restore_task(state: State, task_id: int) -> Shown:
    group = _group(state, task_id)
    _find_place(state, task_id, {each: state.trash[each] for each in group})
    for each in group:
        state.tasks[each] = state.trash.pop(each)
    return dict(state.tasks[task_id])


def purge_task(state: State, task_id: int) -> list[int]:
    """Those that are forgotten."""
    group = _group(state, task_id)
    for each in group:
        del state.trash[each]
    return group


def rename_tag(state: State, tag: str, new: str) -> Shown:
    both = {fold_tag(tag), fold_tag(new)}
    bearers = [
        task for task in state.tasks.values() if fold_tag(tag) in map(fold_tag, task["tags"])
    ]
    if not bearers:
        raise Refused(404)
    for task in bearers:
        renamed = [new if fold_tag(each) in both else each for each in task["tags"]]
        task["tags"] = list(dict.fromkeys(renamed))
    return next(each for each in tags(state) if fold_tag(each["tag"]) == fold_tag(new))


def tags(state: State) -> list[Shown]:
    """Each tag as its oldest task spells it, with how many open tasks bear it."""
    found: dict[str, Shown] = {}
    for _, task in sorted(state.tasks.items()):
        for tag in task["tags"]:
            shown = found.setdefault(fold_tag(tag), {"tag": tag, "open_count": 0})
            shown["open_count"] += not task["done"]
    return [found[folded] for folded in sorted(found, key=str.encode)]


def _check_place(state: State, wanted: Shown, sent: Shown) -> None:
    parent_id, list_id = wanted["parent_id"], wanted["list_id"]
    if parent_id is None:
        if sent.get("list_id") is not None and list_id not in state.lists:
            raise Refused(422, "list_id")
        return
    if parent_id not in state.tasks:
        raise Refused(422, "parent_id")
    line = state.line(parent_id)
    if wanted["id"] in line or len(line) + 1 + state.height(wanted["id"]) > MOST_LEVELS:
        raise Refused(422, "parent_id")
    if "list_id" in sent and list_id != state.tasks[parent_id]["list_id"]:
        raise Refused(422, "list_id")
    wanted["list_id"] = state.tasks[parent_id]["list_id"]


def _find_place(state: State, root: int, group: dict[int, Shown]) -> None:
    """Where tasks that come back still have room."""
    task = group[root]
    if task["parent_id"] is not None:
        parent = state.tasks.get(task["parent_id"])
        levels = 1 + state.height(root, group)
        if parent and len(state.line(parent["id"])) + levels <= MOST_LEVELS:
            task["list_id"] = parent["list_id"]
        else:
            task["parent_id"] = None
    if task["list_id"] not in state.lists:
        task["list_id"] = None
    for each in state.below(root, group):
        group[each]["list_id"] = task["list_id"]


def _group(state: State, task_id: int) -> list[int]:
    """A task in the trash and what went there with it, parents first."""
    find(state.trash, task_id)
    operation = state.deleted_in[task_id]
    together = {
        each: task for each, task in state.trash.items() if state.deleted_in[each] == operation
    }
    return [task_id, *state.below(task_id, together)]


def _trash(state: State, operation: int, task_ids: list[int]) -> None:
    for each in task_ids:
        state.trash[each] = state.tasks.pop(each)
        state.deleted_in[each] = operation


# Batches


def do_many(
    state: State, at: str, operation: int, new_ids: Iterator[int], sent: list[dict[str, Any]]
) -> list[Shown | None]:
    results: list[Shown | None] = []
    for number, each in enumerate(sent):
        try:
            results.append(_do_one(state, at, operation, new_ids, _settled(each, results)))
        except Refused as refused:
            refused.operation = number
            raise
    return results


def _do_one(
    state: State, at: str, operation: int, new_ids: Iterator[int], sent: dict[str, Any]
) -> Shown | None:
    if sent["op"] == "create":
        return create_task(state, at, next(new_ids), sent["task"])
    if sent.get("if_version") not in (None, find(state.tasks, sent["id"])["version"]):
        raise Refused(412)
    if sent["op"] == "update":
        return update_task(state, at, sent["id"], sent["changes"])
    delete_task(state, operation, sent["id"])
    return None


def _settled(sent: dict[str, Any], results: list[Shown | None]) -> dict[str, Any]:
    """The same with ids where it refers to an earlier operation."""

    def settle(fields: dict[str, Any], name: str) -> dict[str, Any]:
        if not isinstance(fields.get(name), str):
            return fields
        number = int(fields[name].removeprefix("#"))
        result = results[number] if number < len(results) else None
        if result is None:
            raise Refused(422, name)
        return fields | {name: result["id"]}

    settled = settle(sent, "id")
    for name in {"task", "changes"} & settled.keys():
        settled = settled | {name: settle(settled[name], "parent_id")}
    return settled


# Lists


def create_list(state: State, at: str, list_id: int, sent: Shown) -> Shown:
    made: Shown = {"id": list_id, "archived": False, "created_at": at} | sent
    made["name"] = made["name"].strip()
    state.lists[list_id] = made
    return dict(made)


def update_list(state: State, list_id: int, sent: Shown) -> Shown:
    found = find(state.lists, list_id)
    found |= sent
    found["name"] = found["name"].strip()
    return dict(found)


def delete_list(state: State, operation: int, list_id: int) -> None:
    find(state.lists, list_id)
    inside = [each for each, task in state.tasks.items() if task["list_id"] == list_id]
    _trash(state, operation, inside)
    del state.lists[list_id]


def find(among: dict[int, Shown], key: int) -> Shown:
    if key not in among:
        raise Refused(404)
    return among[key]


# Undo


def undo(state: State, operation: int, journal: list[Change], seq: int) -> None:
    """Undo the operation of the change `seq`, as `operation`."""
    if seq > len(journal):
        raise Refused(404)
    undone = journal[seq - 1]["operation"]
    changes = [change for change in journal if change["operation"] == undone]
    for change in changes:
        _check_nothing_is_in_the_way(change, journal)
    moved: set[int] = set()
    for kind, step in _steps(changes[::-1]):
        moved |= {
            ("task", "update"): _change_tasks_back,
            ("task", "delete"): _put_tasks_back,
            ("task", "create"): _remove_tasks,
            ("list", "update"): _change_lists_back,
            ("list", "delete"): _put_lists_back,
            ("list", "create"): _remove_lists,
        }[kind](state, operation, step) or set()
    for task in (state.tasks[each] for each in moved if each in state.tasks):
        parent = state.tasks.get(task["parent_id"])
        if parent and parent["list_id"] != task["list_id"]:
            raise Refused(409)


def _fields(before: Shown, after: Shown) -> set[str]:
    return {name for name in after if before[name] != after[name]} - set(NO_FIELDS)


def _check_nothing_is_in_the_way(change: Change, journal: list[Change]) -> None:
    if change["before"] is change["after"] is None:
        raise Refused(410)
    mine = None
    if change["action"] == "update":
        mine = _fields(change["before"], change["after"])
    for touched in _touched_later(change, journal):
        if mine is None or touched is None or mine & touched:
            raise Refused(409)


def _touched_later(change: Change, journal: list[Change]) -> list[set[str] | None]:
    """The fields of each later change of the object that still holds; None for all of them."""
    same = (change["kind"], change["id"])
    reversals: dict[int, int] = {}  # which operation reverses which, as it stands now
    for each in journal:
        if each["undoes"] is not None:
            reversals[each["operation"]] = each["undoes"]
    undone: set[int] = set()
    for operation in sorted(reversals, reverse=True):
        if operation not in undone:
            undone.add(reversals[operation])
    holding = [
        each
        for each in journal
        if (each["kind"], each["id"]) == same
        and each["operation"] > change["operation"]
        and each["operation"] not in undone
        and not (each["undoes"] or 0) > change["operation"]
    ]
    touched: list[set[str] | None] = []
    deleted: Change | None = None
    for each in holding:
        by_hand = each["undoes"] is None
        if each["action"] == "update":
            touched.append(_fields(each["before"], each["after"]))
        elif each["action"] == "delete":
            deleted = each
            touched.append(None)
        elif each["action"] == "restore" and by_hand and deleted is not None:
            touched.remove(None)
            touched.append(_fields(deleted["before"], each["after"]))
            deleted = None
        else:
            touched.append(None)
    return touched


def _steps(changes: list[Change]) -> list[tuple[tuple[str, str], list[Change]]]:
    """What is reversed together: neighbours of one kind, each object once."""
    steps: list[tuple[tuple[str, str], list[Change]]] = []

    def kind(change: Change) -> tuple[str, str]:
        made = change["action"] in ("create", "restore")
        return change["kind"], "create" if made else change["action"]

    for key, group in groupby(changes, kind):
        step: list[Change] = []
        for change in group:
            if change["id"] in [each["id"] for each in step]:
                steps.append((key, step))
                step = []
            step.append(change)
        steps.append((key, step))
    return steps


def _change_tasks_back(state: State, _operation: int, changes: list[Change]) -> set[int]:
    """The ids of those that stand elsewhere then."""
    moved = []
    for change in changes:
        task, before = state.tasks[change["id"]], change["before"]
        place = (task["parent_id"], task["list_id"])
        fields = _fields(before, change["after"])
        task |= {name: before[name] for name in fields}
        if "done" in fields:
            task["completed_at"] = before["completed_at"]
        if (task["parent_id"], task["list_id"]) != place:
            moved.append(task)
    ids = {task["id"] for task in moved}
    for task in moved:
        _check_there_is_room(state, task)
    for task in moved:
        for each in set(state.below(task["id"])) - ids:
            state.tasks[each]["list_id"] = task["list_id"]
    return ids


def _check_there_is_room(state: State, task: Shown) -> None:
    if task["list_id"] not in {None, *state.lists}:
        raise Refused(409)
    levels = 0
    above: Shown | None = task
    while above is not None:
        levels += 1
        if levels > MOST_LEVELS or above["parent_id"] not in {None, *state.tasks}:
            raise Refused(409)
        above = state.tasks.get(above["parent_id"])
    if levels + state.height(task["id"]) > MOST_LEVELS:
        raise Refused(409)


def _put_tasks_back(state: State, _operation: int, changes: list[Change]) -> None:
    gone = {change["id"]: dict(change["before"]) for change in changes}
    for task_id, task in gone.items():
        if task["parent_id"] not in gone:
            _find_place(state, task_id, gone)
    state.tasks |= gone
    for task_id in gone:
        del state.trash[task_id]


def _remove_tasks(state: State, operation: int, changes: list[Change]) -> None:
    ids = [change["id"] for change in changes]
    for each in ids:
        if not set(state.below(each)) <= set(ids):
            raise Refused(409)
    _trash(state, operation, ids)


def _change_lists_back(state: State, _operation: int, changes: list[Change]) -> None:
    for change in changes:
        fields = _fields(change["before"], change["after"])
        state.lists[change["id"]] |= {name: change["before"][name] for name in fields}


def _put_lists_back(state: State, _operation: int, changes: list[Change]) -> None:
    for change in changes:
        state.lists[change["id"]] = dict(change["before"])


def _remove_lists(state: State, _operation: int, changes: list[Change]) -> None:
    for change in changes:
        if any(task["list_id"] == change["id"] for task in state.tasks.values()):
            raise Refused(409)
        del state.lists[change["id"]]
