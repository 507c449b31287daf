"""How Alembic runs here: on the connection it is given, inside the caller's transaction."""

from alembic import context

from taskhold.store.schema import Stored

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Stored.metadata,
    render_as_batch=True,
)
context.run_migrations()
