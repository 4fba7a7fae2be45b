"""Alembic's entry: runs the missing versions on the connection `run.upgrade` hands over, all in one
transaction: an upgrade happens wholly or not at all."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    # Whoever starts at the same time waits here, and then finds nothing missing.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('muster upgrade', 0))"))
    context.run_migrations()
