"""Accounts with names, sessions, tokens, and what happened to them."""

import sqlalchemy as sa
from alembic import op

from taskhold.store.schema import in_byte_order

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Extend the table of accounts, and make those that refer to it."""
    time = sa.DateTime(timezone=op.get_bind().dialect.name != "sqlite")

    def id_() -> sa.Column[int]:
        return sa.Column("id", ID, sa.Identity(), primary_key=True)

    def owner(*, in_key: bool = False) -> sa.Column[int]:
        account = sa.ForeignKey("account.id")
        return sa.Column("account_id", ID, account, nullable=False, primary_key=in_key)

    op.add_column("account", sa.Column("username", in_byte_order(sa.Text)))
    op.add_column("account", sa.Column("username_folded", in_byte_order(sa.Text)))
    op.add_column("account", sa.Column("display_name", sa.Text))
    op.add_column("account", sa.Column("password", sa.Text))
    for name in ("admin", "disabled"):
        flag = sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column("account", flag)
    op.add_column("account", sa.Column("created_at", time))
    op.create_index("uq_account_username_folded", "account", ["username_folded"], unique=True)

    op.create_table(
        "setup_code",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("created_at", time, nullable=False),
    )
    op.create_table(
        "session",
        id_(),
        owner(),
        sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", time, nullable=False),
        sa.Column("last_used_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_session_account", "session", ["account_id", "id"])
    op.create_table(
        "browser",
        owner(in_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("last_used_at", time, nullable=False),
    )
    op.create_table(
        "login_attempt",
        id_(),
        sa.Column("at", time, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_login_attempt_who", "login_attempt", ["who", "at"])
    op.create_index("ix_login_attempt_address", "login_attempt", ["address", "at"])
    op.create_index("ix_login_attempt_at", "login_attempt", ["at"])
    op.create_table(
        "token",
        id_(),
        owner(),
        sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("writes", sa.Boolean, nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("expires_at", time),
        sa.Column("last_used_at", time),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_token_account", "token", ["account_id", "id"])
    op.create_table(
        "audit_entry",
        id_(),
        sa.Column("at", time, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("account", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("detail", sa.Text),
        sqlite_autoincrement=True,
    )
