"""What is right and wrong about where a database is, and what to do about it."""

import os
import shutil
import stat
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

MB = 1_000_000
LITTLE_ROOM = 1_000 * MB
NO_ROOM = 100 * MB


class Level(StrEnum):
    """How bad it is."""

    well = "well"
    warning = "warning"
    """Works, and could be better."""
    wrong = "wrong"


class Remark(NamedTuple):
    """One line of a doctor's."""

    level: Level
    topic: str
    sentence: str
    advice: str = ""


def well(topic: str, sentence: str) -> Remark:
    """All right."""
    return Remark(Level.well, topic, sentence)


def warning(topic: str, sentence: str, advice: str) -> Remark:
    """Works, and could be better."""
    return Remark(Level.warning, topic, sentence, advice)


def wrong(topic: str, sentence: str, advice: str) -> Remark:
    """Has to be mended."""
    return Remark(Level.wrong, topic, sentence, advice)


def size(count: float) -> str:
    """`5.2 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def room(topic: str, folder: Path, needed: int) -> Remark:
    """Whether a folder's disk has room for what is there once more, and some."""
    free = shutil.disk_usage(folder).free
    sentence = f"{size(free)} are free on the disk of {folder}"
    if free < NO_ROOM:
        return wrong(topic, sentence, "Make room: a write on a full disk is answered 507.")
    if free < max(LITTLE_ROOM, 2 * needed):
        return warning(topic, sentence, f"Make room; {size(needed)} are used here.")
    return well(topic, sentence)


def privacy(topic: str, path: Path) -> Remark | None:
    """A file that others than its owner may read or write; None where they may not."""
    if os.name == "nt":
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return None
    may = "read and write" if mode & 0o022 else "read"
    return warning(
        topic,
        f"{path} has the mode {mode:04o}: other users of this machine may {may} it",
        f"chmod 600 {path}",
    )
