"""todo.txt (https://github.com/todotxt/todo.txt).

    (A) 2026-12-01 Call Mum about the party +Family @phone due:2026-12-24
    x 2026-12-02 2026-12-01 Pay the rent +Home pri:A

The first `+project` is the list, the others and each `@context` are tags. Those at the ends of a
line go out of the title; those inside of a sentence stay in it. `id:` and `p:` say which task is
under which, as topydo writes it (https://github.com/topydo/topydo).
"""

import re
from collections.abc import Iterator

from taskhold.store import Row
from taskhold.transfer.items import (
    Item,
    Report,
    checked_task,
    fit,
    list_named,
    one_line,
    ref_of_list,
)
from taskhold.transfer.lines import Lines
from taskhold.transfer.moments import NoDue, day_from
from taskhold.transfer.tagging import tags_from

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_START = re.compile(
    rf"(?P<done>x )?(?:\((?P<priority>[A-Z])\) )?(?:(?P<first>{_DAY}) )?(?:(?P<second>{_DAY}) )?"
)
_MARK = re.compile(r"([+@])(\S+)")
_PAIR = re.compile(r"([^\s:]+):([^\s:]\S*)")
_PRIORITIES = {"A": "high", "B": "medium"}
_LETTERS = {"high": "A", "medium": "B", "low": "C"}
_UNKNOWN = {
    "rec": "Taskhold has no repeated tasks",
    "t": "Taskhold has no day to begin",
    "h": "Taskhold hides no tasks",
}


def read(lines: Lines, report: Report) -> Iterator[Item]:
    """The items of a file."""
    for text in lines.texts():
        line = text.strip()
        if line:
            yield from _items(lines.number, line, report)


def _items(number: int, line: str, report: Report) -> Iterator[Item]:
    matched = _START.match(line)
    assert matched is not None
    fields: Row = {"done": matched["done"] is not None, "priority": "none"}
    if matched["priority"]:
        fields["priority"] = _PRIORITIES.get(matched["priority"], "low")
    words = line[matched.end() :].split(" ")
    said = _Said(number, report)
    kept = [
        word for place, word in enumerate(words) if not said.takes(word, _is_inside(words, place))
    ]
    title = " ".join(kept).strip() or " ".join(words).strip()
    if not title:
        report.bad(number, "has no text")
        return
    completed, created = matched["first"], matched["second"]
    if not fields["done"] or created is None:
        completed, created = (None, completed) if not fields["done"] else (completed, None)
    for name, day in (("completed_at", completed), ("created_at", created)):
        if day is not None:
            try:
                fields[name] = f"{day_from(day)}T00:00:00.000000Z"
            except NoDue:
                report.note(number, f"{day} is no day")
    fields |= {"title": title, "due": said.due, "notes": ""}
    if said.priority:
        fields["priority"] = _PRIORITIES.get(said.priority, "low")
    fields["tags"] = tags_from(number, said.tags, report)
    fit(number, fields, report)
    task = checked_task(fields)
    if isinstance(task, str):
        report.bad(number, task)
        return
    listed = None
    if said.project:
        listed = list_named(number, said.project, said.project.replace("_", " "))
        yield listed
    # A line may be done, or be given another priority, and is the same task.
    alike = f"{created or ''} {' '.join(w for w in words if not w.startswith('pri:'))}"
    yield Item(
        number,
        "task",
        task,
        None,
        alike,
        f"task {said.own}" if said.own else None,
        f"task {said.parent}" if said.parent else None,
        listed and ref_of_list(said.project or ""),
    )


def _is_inside(words: list[str], place: int) -> bool:
    """Whether there is a plain word on both sides."""
    return any(map(_is_plain, words[:place])) and any(map(_is_plain, words[place + 1 :]))


def _is_plain(word: str) -> bool:
    return bool(word) and not _MARK.fullmatch(word) and not _PAIR.fullmatch(word)


class _Said:
    """What the marked words of a line say."""

    def __init__(self, number: int, report: Report) -> None:
        self._number = number
        self._report = report
        self.tags: list[str] = []
        self.project: str | None = None
        self.due: str | None = None
        self.priority: str | None = None
        self.own: str | None = None
        self.parent: str | None = None

    def takes(self, word: str, is_inside: bool) -> bool:
        """Note what a word says; whether it goes out of the title."""
        if mark := _MARK.fullmatch(word):
            self._note_mark(*mark.groups())
            return not is_inside
        pair = _PAIR.fullmatch(word)
        return pair is not None and self._takes_pair(*pair.groups())

    def _note_mark(self, mark: str, name: str) -> None:
        if mark == "+" and self.project is None:
            self.project = one_line(name)[:500]
        else:
            self.tags.append(name)

    def _takes_pair(self, name: str, value: str) -> bool:
        if name == "due":
            try:
                self.due = day_from(value)
            except NoDue:
                self._report.note(self._number, f"{name}:{value[:50]} is no day: it stays as text")
                return False
            return True
        if name == "pri" and re.fullmatch("[A-Z]", value):
            self.priority = value
            return True
        if name == "id":
            self.own = value
            return True
        if name == "p":
            self.parent = value
            return True
        if name in _UNKNOWN:
            self._report.note(self._number, f"{name}: stays as text; {_UNKNOWN[name]}")
        return False


def line_of(task: Row, list_name: str, *, is_parent: bool) -> bytes:
    """A task on one line."""
    created = task["created_at"][:10]
    letter = _LETTERS.get(task["priority"])
    words = [task["title"]]
    if task["done"]:
        completed = (task["completed_at"] or task["updated_at"])[:10]
        words = ["x", completed, created, *words]
    else:
        words = [*([f"({letter})"] if letter else []), created, *words]
    if list_name:
        words.append(f"+{_word(list_name)}")
    words += [f"@{_word(tag)}" for tag in task["tags"]]
    if task["due"]:
        words.append(f"due:{task['due'][:10]}")
    if task["done"] and letter:
        words.append(f"pri:{letter}")
    if is_parent:
        words.append(f"id:{task['id']}")
    if task["parent_id"]:
        words.append(f"p:{task['parent_id']}")
    return f"{' '.join(words)}\n".encode()


def _word(name: str) -> str:
    return "_".join(name.split())
