"""What was imported from where, so that the same file makes nothing twice."""

import sqlalchemy as sa
from alembic import op

from taskhold.store.schema import in_byte_order

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    account = sa.ForeignKey("account.id")
    op.create_table(
        "imported",
        sa.Column("owner_id", ID, account, nullable=False, primary_key=True),
        sa.Column("key", in_byte_order(sa.Text), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_imported_object", "imported", ["owner_id", "kind", "object_id"])
