"""What is right and wrong around the data, and what to do about it.

It reads the settings of the shell that it is run in. A server may have been started with others.
"""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from taskhold import __version__
from taskhold.accounts.access import is_loopback, open_mode_allowed
from taskhold.accounts.operations import is_set_up
from taskhold.care.schedule import Schedule
from taskhold.journal.models import Change
from taskhold.settings import Settings
from taskhold.store import Tx
from taskhold.store.condition import Remark, privacy, room, size, warning, well, wrong
from taskhold.store.query import Query
from taskhold.store.schema import table

CLOCK = timedelta(minutes=1)
"""How far ahead of this machine's clock a change may be."""
THIS_IS_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
LATE = 2
"""How many times the distance of backups the newest may be old."""
NEWEST = Query(select(func.max(table(Change).c.at).label("at")))


def versions() -> Remark:
    """Of what runs here."""
    python = ".".join(map(str, sys.version_info[:3]))
    system = f"{platform.system()} {platform.machine()}"
    return well("versions", f"Taskhold {__version__}, Python {python}, {system}")


async def look(tx: Tx, settings: Settings) -> list[Remark]:
    """What only the database knows: who may come in, and when something last happened."""
    newest = await tx.one(NEWEST)
    return [
        clock(newest["at"] if newest else None),
        *reach(settings, has_accounts=await is_set_up(tx)),
    ]


def clock(newest: str | None) -> Remark:
    """The one of this machine, by what the journal knows of the time."""
    now = datetime.now(UTC)
    if now < THIS_IS_WRITTEN:
        return wrong("clock", f"It says {now:%Y-%m-%d}", "Set it, and let it follow NTP.")
    if newest is not None and datetime.fromisoformat(newest) > now + CLOCK:
        return wrong(
            "clock",
            f"It says {now:%Y-%m-%d %H:%M} UTC, but the newest change is of {newest[:16]}",
            "Set it, and let it follow NTP: logins, trash and journal go by it.",
        )
    return well("clock", f"{now:%Y-%m-%d %H:%M} UTC")


def reach(settings: Settings, *, has_accounts: bool) -> Iterator[Remark]:
    """Who could reach the tasks, under these settings."""
    is_near = is_loopback(settings.host)
    where = "this machine alone" if is_near else f"whoever reaches {settings.host}:{settings.port}"
    if has_accounts:
        yield well("who may", f"Everybody logs in or sends a token; it listens for {where}")
    elif open_mode_allowed(settings):
        yield warning(
            "who may",
            "There is no account: every program of every user of this machine may do anything",
            "taskhold user add NAME",
        )
    else:
        yield warning(
            "who may", "There is no account, and nobody may do anything", "taskhold user add NAME"
        )
    public = settings.public_url or ""
    if not is_near and not public.startswith("https://"):
        yield warning(
            "encryption",
            "Passwords and tokens cross the network as they are",
            "Put a proxy with TLS in front, and its https:// address in TASKHOLD_PUBLIC_URL.",
        )
    if public.startswith("https://") and not is_near and not settings.trusted_proxies:
        yield warning(
            "encryption",
            f"It is known as {public}, and also answers unencrypted on {settings.host}",
            "Let it listen on 127.0.0.1, or name the proxy in TASKHOLD_TRUSTED_PROXIES.",
        )


def backups(settings: Settings, home: Path | None) -> Iterator[Remark]:
    """The scheduled ones of a database, whose file is at `home` where it has one."""
    schedule = Schedule.of(settings)
    if schedule is None:
        yield warning(
            "backups",
            "None are made by themselves",
            "Set TASKHOLD_BACKUP_FOLDER, or run `taskhold backup` from a timer.",
        )
        return
    folder = schedule.folder
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield wrong(
            "backups",
            f"The folder {folder} is not there or can't be written",
            "Make it, for the server's user.",
        )
        return
    there = schedule.there()
    if failure := schedule.failure():
        yield wrong(
            "backups",
            f"The last one failed ({failure.at:%Y-%m-%d %H:%M} UTC): {failure.reason}",
            "Mend that; it is tried again within 15 minutes.",
        )
    if not there:
        yield wrong(
            "backups", f"There is none in {folder} yet", "The server makes one when it starts."
        )
    else:
        newest = there[-1]
        age = datetime.now(UTC) - newest.at
        sentence = (
            f"{len(there)} in {folder}, the newest of {newest.at:%Y-%m-%d %H:%M} UTC, "
            f"{size(newest.path.stat().st_size)}"
        )
        if age > LATE * schedule.every:
            yield wrong("backups", sentence, "Is a server running with TASKHOLD_BACKUP_FOLDER?")
        else:
            yield well("backups", sentence)
        with suppress(OSError):
            if remark := privacy("backups", newest.path):
                yield remark
    used = home.stat().st_size if home is not None and home.is_file() else 0
    yield room("backups' disk", folder, used)
    if (
        home is not None
        and home.parent.is_dir()
        and home.parent.stat().st_dev == folder.stat().st_dev
    ):
        yield warning(
            "backups' disk",
            "It is the one that the database is on, and both are lost with it",
            "Copy the backups to another machine, or let TASKHOLD_BACKUP_FOLDER be on one.",
        )
