"""How Alembic runs the migrations of a chain: migrate.py gives it the models and a connection."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator


def is_of_chain(_object: object, name: str | None, kind: str, *_others: object) -> bool:
    """Leave the tables of the other chain alone, in the models and in the database."""
    return kind != "table" or chain.owns(str(name))


def plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write the type that the database sees: a migration must not change with our code."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    return f"sa.{item.impl_instance!r}"


attributes = context.config.attributes
chain = attributes["chain"]
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    version_table=chain.table,
    include_object=is_of_chain,
    render_as_batch=True,
    compare_server_default=True,
    render_item=plain_type,
)
context.run_migrations()
