"""An account with everything that there can be, and what is to be seen of one."""

from typing import Any

import httpx2

from tests.support.journal import walk
from tests.support.servers import LiveServer
from tests.support.tasks import add, add_list, change, cursor, remove, undo

TITLES = (
    "=1+1",
    "Straße, ÄÖÜ; “quoted” and 'apostrophes'",
    "日本語 \U0001f600 e\u0301",
    "x marks the spot (A) +not @all due:never",
    "back\\slash \\n and , ; :",
)
NOTES = (
    "two\nlines",
    "\r\nWindows\r\n\r\nends\r\n",
    '=HYPERLINK("http://example.com")\n\ttabbed',
    "a;b,c\\n " + "long " * 40,
    "'=quoted already",
)
DUES = (
    *("2026-12-01", "2026-12-01T18:00:00+01:00", "2026-12-01T18:00:00.123456789Z"),
    *("0001-01-01T00:00:00+14:00", "2026-12-31T23:59:59-08:00"),
)


def fill(client: httpx2.Client) -> None:
    """Lists, tasks on several levels, some moved; a trash that was filled in several ways."""
    home = add_list(client, "Home")
    work = add_list(client, "Work, and more; =A1")
    old = add_list(client, "Old", archived=True)
    client.patch(f"/lists/{work}", json={"name": "Work; =A1"})
    for title, notes, due in zip(TITLES, NOTES, DUES, strict=True):
        add(
            client,
            title,
            notes=notes,
            due=due,
            list_id=home,
            tags=["home", "DIY, no".replace(",", "")],
        )
    early = add(client, "a subtask that is older than its parent", priority="low")
    deep = add(client, "level 1", list_id=work, priority="high")
    change(client, early, parent_id=deep)
    for level in range(2, 9):
        deep = add(client, f"level {level}", parent_id=deep, done=level % 2 == 0)
    first = add(client, "first by its place", position="A", tags=["Büro", "deep work"])
    change(client, first, done=True)
    change(client, first, notes="changed twice")
    add(client, "in an archived list", list_id=old, done=True)
    # The trash: a child alone and then its parent, a whole tree, a list, one that was purged.
    parent = add(client, "deleted parent")
    child = add(client, "deleted before its parent", parent_id=parent)
    sibling = add(client, "deleted with its parent", parent_id=parent)
    add(client, "and below", parent_id=sibling)
    remove(client, f"/tasks/{child}")
    remove(client, f"/tasks/{parent}")
    gone = add_list(client, "Gone")
    for number in range(3):
        add(client, f"gone with its list {number}", list_id=gone, due="2027-01-01")
    remove(client, f"/lists/{gone}")
    purged_parent = add(client, "purged")
    orphan = add(client, "its parent is purged", parent_id=purged_parent)
    remove(client, f"/tasks/{orphan}")
    remove(client, f"/tasks/{purged_parent}")
    remove(client, f"/trash/{purged_parent}")
    back = add(client, "back from the trash")
    remove(client, f"/tasks/{back}")
    assert client.post(f"/trash/{back}/restore").status_code == 200
    change(client, back, title="undone")
    undo(client, cursor(client))


def filled(url: str) -> dict[str, Any]:
    """Fill the account of a fresh database; all that is to be seen of it."""
    with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        fill(client)
        return seen_by(client)


def seen(url: str) -> dict[str, Any]:
    """All that is to be seen of an account, but for its journal."""
    with LiveServer(url) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        return seen_by(client)


def seen_by(client: httpx2.Client) -> dict[str, Any]:
    return {name: walk(client, f"/{name}") for name in ("tasks", "lists", "tags", "trash")}
