"""Changes as JSON. The objects in them are kept as JSON and go out as they are kept."""

from taskhold.encoding import as_json
from taskhold.store import Row


def changes_as_json(changes: list[Row]) -> bytes:
    """A JSON array of changes, as `ChangePublic` describes them."""
    return b"[" + b",".join(change_as_json(change) for change in changes) + b"]"


def changes_as_events(changes: list[Row]) -> bytes:
    """The same as server-sent events, each with its `seq` as the id.

    https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    return b"".join(
        b"event: change\nid: %d\ndata: %s\n\n" % (change["seq"], change_as_json(change))
        for change in changes
    )


def change_as_json(change: Row) -> bytes:
    """One change, as `ChangePublic` describes it."""
    return b'{"seq":%d,"at":"%s","actor":%s,"action":"%s","kind":"%s","id":%d,%s}' % (
        change["seq"],
        change["at"].encode(),
        as_json(change["actor"]),
        change["action"].encode(),
        change["kind"].encode(),
        change["object_id"],
        b'"before":%s,"after":%s,"operation":%d,"key":%s,"undoes":%s'
        % (
            (change["before"] or "null").encode(),
            (change["after"] or "null").encode(),
            change["operation"],
            as_json(change["key"]),
            as_json(change["undoes"]),
        ),
    )
