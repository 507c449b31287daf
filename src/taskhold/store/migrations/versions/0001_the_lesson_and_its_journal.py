"""The lesson's table `task`, made or adopted, with its journal."""

import secrets

import sqlalchemy as sa
from alembic import op

from taskhold.store.schema import in_byte_order
from taskhold.store.sqlite import adoption

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables; adopt `task` if the lesson's app made it."""
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    time = sa.DateTime(timezone=not on_sqlite)
    now = sa.text(adoption.NOW if on_sqlite else "now()")

    op.create_table(
        "database",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("lineage", sa.Text, nullable=False),
        sa.Column("settled", sa.Integer, nullable=False, server_default=sa.text("0")),
    )
    op.create_table(
        "account",
        sa.Column("id", ID, sa.Identity(), primary_key=True),
        sa.Column("seq", ID, nullable=False, server_default=sa.text("0")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "change",
        sa.Column("owner_id", ID, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("seq", ID, primary_key=True),
        sa.Column("at", time, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("operation", ID, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("undoes", ID),
    )
    op.create_index("ix_change_object", "change", ["owner_id", "kind", "object_id", "seq"])
    op.create_table(
        "kept_answer",
        sa.Column("owner_id", ID, sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("at", time, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_kept_answer_at", "kept_answer", ["owner_id", "at"])
    op.execute("INSERT INTO account DEFAULT VALUES")
    connection.execute(
        sa.text("INSERT INTO database (id, lineage) VALUES (1, :lineage)"),
        {"lineage": secrets.token_hex(4)},
    )

    adopts = sa.inspect(connection).has_table("task")
    if adopts:
        adoption.extend_table(connection)
    else:
        op.create_table(
            "task",
            sa.Column("title", in_byte_order(sa.String), nullable=False),
            sa.Column("done", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("id", ID, sa.Identity(), primary_key=True),
            sa.Column("created_at", time, nullable=False, server_default=now),
            sa.Column("updated_at", time, nullable=False, server_default=now),
            sa.Column("completed_at", time),
            sa.Column("version", ID, nullable=False, server_default=sa.text("0")),
            sa.Column(
                "owner_id",
                ID,
                sa.ForeignKey("account.id", name="fk_task_owner_id"),
                nullable=False,
                server_default=sa.text("1"),
            ),
            sa.Column("title_folded", in_byte_order(sa.Text), nullable=False, server_default=""),
            sqlite_autoincrement=True,
        )
    for name, columns in {
        "ix_task_owner_id": ["owner_id", "id"],
        "ix_task_owner_done": ["owner_id", "done", "id"],
        "ix_task_owner_created_at": ["owner_id", "created_at", "id"],
        "ix_task_owner_updated_at": ["owner_id", "updated_at", "id"],
        "ix_task_owner_title": ["owner_id", "title_folded", "title", "id"],
    }.items():
        op.create_index(name, "task", columns)
    if adopts:
        adoption.journal_everything(connection)
