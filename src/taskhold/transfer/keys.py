"""By what a task or list is known again, when the same file or a newer one is imported.

What Taskhold has exported is known by its id and the moment when it was made, in each of the
formats that have both, also where it was never imported; an iCalendar's by its UID; a line of
another program by what it says.
"""

import hashlib
import re

LONGEST = 300
_OURS = re.compile(r"taskhold (task|list) ([1-9][0-9]{0,18}) ([0-9T:.Z-]{27})")
_UID = "uid "
_OUR_UID = re.compile(r"taskhold-([1-9][0-9]{0,18})-([0-9]{14})-([0-9]{6})")


def ours(kind: str, object_id: int, created_at: str) -> str:
    """The key of what Taskhold has exported."""
    return f"taskhold {kind} {object_id} {created_at}"


def parts_of(key: str) -> tuple[str, int, str] | None:
    """The kind, the id and the moment in a key that `ours` has made; None for another one."""
    matched = _OURS.fullmatch(key)
    return matched and (matched[1], int(matched[2]), matched[3])


def of_uid(uid: str, recurrence: str = "") -> str:
    """The key of a component of iCalendar."""
    if matched := _OUR_UID.fullmatch(uid):
        day = matched[2]
        moment = (
            f"{day[:4]}-{day[4:6]}-{day[6:8]}T{day[8:10]}:{day[10:12]}:{day[12:]}.{matched[3]}Z"
        )
        return ours("task", int(matched[1]), moment)
    text = f"{_UID}{uid}" + (f" {recurrence}" if recurrence else "")
    return text if len(text) <= LONGEST else of_content("uid", text)


def uid_of(key: str) -> str | None:
    """The UID in such a key; None for another key, and for one that was too long to be kept."""
    return key.removeprefix(_UID) if key.startswith(_UID) else None


def our_uid(object_id: int, created_at: str) -> str:
    """The UID of a task that has no other one."""
    digits = re.sub("[^0-9]", "", created_at)
    return f"taskhold-{object_id}-{digits[:14]}-{digits[14:]}"


def of_content(source: str, content: str) -> str:
    """The key of a line by what it says."""
    return f"{source} {hashlib.sha256(content.encode()).hexdigest()[:40]}"


def of_file(sha256: str) -> str:
    """The key of a whole file."""
    return f"file {sha256}"
