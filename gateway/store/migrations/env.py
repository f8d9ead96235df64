"""Alembic's entry: migrations run on the connection that `gateway.store.engine` hands in."""

from alembic import context

from gateway.store import schema, schema_broadcasts, schema_recipients, schema_records
from ledger import schema as ledger_schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[
        part.metadata
        for part in (schema, schema_recipients, schema_records, schema_broadcasts, ledger_schema)
    ],
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
