"""What a task is beyond the lesson's: notes, due, priority, tags, lists, a place; and the trash."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from pydantic_core import from_json, to_json

from taskhold.folding import fold_title
from taskhold.searching import searched
from taskhold.store.schema import in_byte_order
from taskhold.store.sqlite import adoption, indexing

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT_ONCE = 1_000


def upgrade() -> None:
    """Extend the table of tasks, make those beside it, and what finds texts."""
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    time = sa.DateTime(timezone=not on_sqlite)
    text = in_byte_order(sa.Text)
    if on_sqlite:
        adoption.drop_triggers(connection)

    def id_() -> sa.Column[int]:
        return sa.Column("id", ID, sa.Identity(), primary_key=True)

    def owner(*, in_key: bool = False) -> sa.Column[int]:
        account = sa.ForeignKey("account.id")
        return sa.Column("owner_id", ID, account, nullable=False, primary_key=in_key)

    for column in (
        sa.Column("due", sa.Text),
        sa.Column("list_id", ID),
        sa.Column("parent_id", ID),
    ):
        op.add_column("task", column)
    for name, kind, default in (
        ("due_up", sa.BigInteger(), str(2**62)),
        ("due_down", sa.BigInteger(), str(-(2**62))),
        ("priority", sa.SmallInteger(), "0"),
        ("position", text, "a0"),
        ("tags", sa.Text(), "[]"),
        # What may be long comes last: SQLite reads through it to what is behind.
        ("notes", sa.Text(), ""),
        ("search_text", text, ""),
    ):
        op.add_column("task", sa.Column(name, kind, nullable=False, server_default=default))

    op.create_table(
        "list",
        id_(),
        owner(),
        sa.Column("name", text, nullable=False),
        sa.Column("name_folded", text, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("updated_at", time, nullable=False),
        sa.Column("version", ID, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_list_owner_id", "list", ["owner_id", "id"])
    op.create_index("ix_list_owner_name", "list", ["owner_id", "name_folded", "name", "id"])
    op.create_table(
        "task_tag",
        owner(in_key=True),
        sa.Column("task_id", ID, primary_key=True, autoincrement=False),
        sa.Column("folded", text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_task_tag_folded", "task_tag", ["owner_id", "folded", "task_id", "done"])
    op.create_table(
        "trashed_task",
        owner(in_key=True),
        sa.Column("task_id", ID, primary_key=True, autoincrement=False),
        sa.Column("seq", ID, nullable=False),
        sa.Column("operation", ID, nullable=False),
        sa.Column("deleted_at", time, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_trashed_task_newest", "trashed_task", ["owner_id", "operation", "seq"])

    _fill(connection, on_sqlite=on_sqlite)
    for name, columns in {
        "due_up": ["due_up", "id"],
        "due_down": ["due_down", "id"],
        "priority": ["priority", "id"],
        "position": ["position", "id"],
        "list": ["list_id", "id", "done"],
        "list_position": ["list_id", "position", "id"],
        "parent": ["parent_id", "id"],
    }.items():
        op.create_index(f"ix_task_owner_{name}", "task", ["owner_id", *columns])
    if on_sqlite:
        adoption.create_triggers(connection)
        indexing.create(connection)
    else:
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE INDEX ix_task_search ON task USING gin (search_text gin_trgm_ops)")
    _complete_journal(connection)
    _keep_what_was_deleted(connection)


def _fill(connection: sa.Connection, *, on_sqlite: bool) -> None:
    """Positions in the order of the ids, and what is searched."""
    number = "printf('%014d', id)" if on_sqlite else "lpad(id::text, 14, '0')"
    op.execute(f"UPDATE task SET position = 'n' || {number}")  # noqa: S608, our own words
    some = sa.text("SELECT id, title FROM task WHERE id > :last ORDER BY id LIMIT :limit")
    fill = sa.text(
        "UPDATE task SET title_folded = :title_folded, search_text = :search_text WHERE id = :id"
    )
    last = 0
    while True:
        found: list[Any] = list(connection.execute(some, {"last": last, "limit": AT_ONCE}))
        if not found:
            return
        connection.execute(
            fill,
            [
                {"id": id_, "title_folded": fold_title(title), "search_text": searched(title, "")}
                for id_, title in found
            ],
        )
        last = found[-1].id


def _complete_journal(connection: sa.Connection) -> None:
    """Give the tasks in the journal the fields that they have from now on."""
    some = sa.text(
        "SELECT owner_id, seq, before, after FROM change WHERE kind = 'task' AND "
        "(owner_id > :owner_id OR (owner_id = :owner_id AND seq > :seq)) "
        "ORDER BY owner_id, seq LIMIT :limit"
    )
    complete = sa.text(
        "UPDATE change SET before = :before, after = :after "
        "WHERE owner_id = :owner_id AND seq = :seq"
    )
    place = {"owner_id": 0, "seq": 0}
    while found := list(connection.execute(some, {**place, "limit": AT_ONCE})):
        connection.execute(
            complete,
            [
                {
                    "owner_id": row.owner_id,
                    "seq": row.seq,
                    "before": _completed(row.before),
                    "after": _completed(row.after),
                }
                for row in found
            ],
        )
        place = {"owner_id": found[-1].owner_id, "seq": found[-1].seq}


def _completed(body: str | None) -> str | None:
    if body is None:
        return None
    task = from_json(body)
    added: dict[str, Any] = {
        "notes": "",
        "due": None,
        "priority": "none",
        "tags": [],
        "list_id": None,
        "parent_id": None,
        "position": f"n{task['id']:014d}",
    }
    first = {name: task.pop(name) for name in ("id", "title", "done", "completed_at")}
    return to_json(first | added | task).decode()


def _keep_what_was_deleted(connection: sa.Connection) -> None:
    """Tasks that were deleted before there was a trash can come back as well."""
    connection.execute(
        sa.text(
            "INSERT INTO trashed_task (owner_id, task_id, seq, operation, deleted_at, body) "
            "SELECT owner_id, object_id, seq, operation, at, before FROM change AS gone "
            "WHERE kind = 'task' AND action = 'delete' AND before IS NOT NULL AND seq = "
            "(SELECT max(seq) FROM change WHERE owner_id = gone.owner_id AND kind = 'task' "
            "AND object_id = gone.object_id)"
        )
    )
