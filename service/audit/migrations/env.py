"""What alembic runs: the steps, on the connection and in the transaction of `service.audit.migrating`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
