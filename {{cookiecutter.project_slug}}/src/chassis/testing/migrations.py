"""What tests find out about migrations: whether they make the models, and can go back."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, inspect

from ..database import chains, migrate, revisions
from ..database.engine import get_engine
from ..database.tables import load_models


def differences(metadata: MetaData | None = None) -> list[Any]:
    """Return what a migration would have to change, as far as Alembic can see."""
    version_tables = {chain.table for chain in chains.both()}
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, _kind, _parents: name not in version_tables,
    }
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        found: list[Any] = compare_metadata(context, metadata or load_models())
    return found


def back_and_forward() -> None:
    """Take the database back to where it has no tables, and forward again, step by step."""
    chassis, of_project = chains.both()
    words = [f"{revision}+base" for revision in chassis.revisions]
    words += [f"{chassis.head}+{revision}" for revision in of_project.revisions[1:]]
    for word in reversed(words[:-1]):
        migrate.downgrade(word)
        assert revisions.current() == word
    with get_engine().connect() as connection:
        left = set(inspect(connection).get_table_names())
    assert left == {chassis.table, of_project.table}, "a migration leaves a table behind"
    for word in words[1:]:
        migrate.upgrade(word)
        assert revisions.current() == word


def unnamed_constraints() -> list[str]:
    """Return the tables with a constraint that no migration could change, as it has no name."""
    return [
        table.name
        for table in load_models().sorted_tables
        for constraint in table.constraints
        if not constraint.name
    ]
