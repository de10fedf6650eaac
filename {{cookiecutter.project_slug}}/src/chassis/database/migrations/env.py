"""How Alembic runs our migrations: revisions.py gives it the models and a connection."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator


def plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write the type that the database sees: a migration must not change with our code."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    return f"sa.{item.impl_instance!r}"


attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    render_as_batch=True,
    compare_server_default=True,
    render_item=plain_type,
)
context.run_migrations()
