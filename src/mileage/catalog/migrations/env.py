"""Run by Alembic: migrate over the connection that :func:`mileage.catalog.migrations.upgrade` was given."""

from alembic import context


def migrate() -> None:
    """Run the migrations within the caller's transaction."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transactional_ddl=False, render_as_batch=True)
    context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic runs this file; an import does nothing
    migrate()
