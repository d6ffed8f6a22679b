"""Alembic's entry: run the migrations on the connection that `store.schema` opened."""

from alembic import context

from chatapp.store.account_tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
