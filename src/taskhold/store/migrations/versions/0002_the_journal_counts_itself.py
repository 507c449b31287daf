"""The journal's own rows say how far it has come; `account.seq` said it once more."""

from alembic import op

from taskhold.store.sqlite import adoption

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the counter and the triggers that counted it up; a later revision makes them anew."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        adoption.drop_triggers(connection)
    op.drop_column("account", "seq")
