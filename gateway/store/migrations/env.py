"""Alembic's entry: migrations run on the connection that `gateway.store.engine` hands in."""

from alembic import context

from gateway.store import schema
from ledger import schema as ledger_schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[schema.metadata, ledger_schema.metadata],
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
