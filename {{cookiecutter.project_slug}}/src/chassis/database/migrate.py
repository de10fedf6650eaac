"""The way of the database to other revisions, and new migrations: Alembic without its commands.

What only asks where the database is imports revisions.py instead: to import Alembic takes a tenth
of the start of the server.
"""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.operations import ops
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, NullPool

from .. import project
from . import chains, in_use, revisions
from .chains import BASE, PREFIX, Chain, RevisionError
from .engine import clear_errors, get_engine, new_engine
from .tables import ChassisBase, load_models

SCRIPTS: Final = Path(__file__).with_name("migrations")  # env.py and the template, for both chains
LOCK: Final = 7_263_418_095_442_017  # any number; two upgrades at once wait for each other
USERS_KEY: Final = "chassis_users.id"


def upgrade(target: str = "head") -> None:
    """Bring the database to newer revisions: all of the way, or not a step.

    A target that is no word for both is the project's; the chassis then goes to its newest.
    """
    goals = _goals(target, chassis="head")
    with _moving() as connection:
        for chain, at in revisions.positions_in(connection).items():
            if chain.status(at) == "newer":  # after a rollback of the code; the other may go on
                continue
            goal = chain.find(goals[chain], at.revision)
            if chain.revisions.index(goal) > chain.revisions.index(at.revision):
                command.upgrade(_configuration(chain, connection), goal)


def downgrade(target: str) -> None:
    """Bring the database back to older revisions.

    A target that is no word for both is the project's, but "base" is for both.
    """
    goals = _goals(target, chassis=BASE if target == BASE else "")
    with _moving() as connection:
        positions = revisions.positions_in(connection)
        ends = {}
        for chain, at in positions.items():
            ends[chain] = at.revision
            if goal := goals[chain]:
                if at.revision not in chain.revisions:
                    raise RevisionError(revisions.not_known(positions))
                ends[chain] = chain.find(goal, at.revision)
        chassis, of_project = ends
        if ends[chassis] == BASE != ends[of_project]:  # SQLite would obey, and leave it broken
            raise RevisionError(
                "tables of the project may refer to those of the chassis: `"
                f"{project.current().command_line} db downgrade base` takes back both"
            )
        for chain, goal in reversed(ends.items()):
            if goal != positions[chain].revision:
                command.downgrade(_configuration(chain, connection), goal)


def create(message: str, *, for_chassis: bool = False) -> Path:
    """Write a migration of what the models have and the database, which is current, has not."""
    if (found := revisions.status()) != "current":
        raise RevisionError(revisions.problem(found))
    chassis, of_project = chains.both()
    chain = chassis if for_chassis else of_project
    with _moving() as connection:
        config = _configuration(chain, connection)

        def complete(
            _context: object, _revision: object, scripts: list[ops.MigrationScript]
        ) -> None:
            changes = scripts[0].upgrade_ops_list
            config.attributes["only_adds"] = _only_add(changes)
            if all(change.is_empty() for change in changes):
                scripts.clear()

        script = command.revision(
            config,
            message,
            autogenerate=True,
            rev_id=chain.next_revision,
            version_path=str(chain.folder),
            process_revision_directives=complete,
        )
    if not isinstance(script, Script):
        raise RevisionError("the tables are as the models say: there is nothing to migrate")
    chains.migrations_in.cache_clear()
    return Path(script.path)


def _goals(target: str, chassis: str) -> dict[Chain, str]:
    """Return where each chain is to go; "" for one that stays."""
    if "+" in target[1:]:  # "+1" is a step
        return revisions.take_apart(target)
    return dict(zip(chains.both(), (chassis, target), strict=True))


def _only_add(changes: Iterable[ops.MigrateOperation]) -> bool:
    """Whether code that does not know of the changes will not notice them."""
    for change in changes:
        match change:
            case ops.UpgradeOps() | ops.ModifyTableOps():
                if not _only_add(change.ops):
                    return False
            case ops.AddColumnOp(column=column):  # older code does not fill it
                if not column.nullable and column.server_default is None:
                    return False
            case ops.CreateIndexOp():  # older code may write what is not unique
                if change.unique:
                    return False
            case ops.CreateTableOp():
                continue
            case _:
                return False
    return True


@contextmanager
def _moving() -> Iterator[Connection]:
    """Yield a connection on which all happens, in both chains, or nothing."""
    # On SQLite a table is changed by copying it: with foreign keys on, dropping the old one would
    # delete the rows that refer to it.
    engine = new_engine(get_engine().url, foreign_keys=False, poolclass=NullPool)
    in_use.share(engine)
    try:
        with clear_errors(), engine.begin() as connection:
            _lock(connection)
            positions = revisions.positions_in(connection)
            if any(chain.status(at) == "ahead" for chain, at in positions.items()):
                raise RevisionError(revisions.not_known(positions))
            for chain in positions:
                chain.prepare(connection)
            yield connection
            _check_foreign_keys(connection)
            for chain in positions:
                chain.record(connection)
    except CommandError as error:
        raise RevisionError(" ".join(str(error).split())) from error


def _configuration(chain: Chain, connection: Connection) -> Config:
    metadata = load_models()
    _refuse_what_is_not_the_projects(metadata)
    # Alembic prints what it does; our callers do.
    config = Config(cmd_opts=Namespace(quiet=True))
    config.attributes.update(chain=chain, connection=connection, metadata=metadata)
    options = {
        "script_location": str(SCRIPTS),
        "version_locations": str(chain.folder),
        "path_separator": "newline",  # a folder may have the others in its name
        "file_template": "%(rev)s_%(slug)s",
    }
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


def tables_of_chassis() -> set[str]:
    """Return the names of the chassis' tables, by their models."""
    return {str(mapper.local_table) for mapper in ChassisBase.registry.mappers}


def _refuse_what_is_not_the_projects(metadata: MetaData) -> None:
    """Leave the chassis the freedom to make and to change tables of its own."""
    of_chassis = tables_of_chassis()
    for table in metadata.sorted_tables:
        if table.name in of_chassis:
            continue
        if table.name.startswith(PREFIX):
            raise RevisionError(
                f"the table {table.name} needs another name: those that begin with {PREFIX} are"
                " kept for the chassis"
            )
        for key in table.foreign_keys:
            if key.target_fullname.startswith(PREFIX) and key.target_fullname != USERS_KEY:
                raise RevisionError(
                    f"{table.name} refers to {key.target_fullname}: of the tables of the chassis,"
                    f" a project may refer to {USERS_KEY} only"
                )


def _lock(connection: Connection) -> None:
    """Wait for another upgrade; on SQLite the transaction itself does."""
    if connection.dialect.name == "postgresql":
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RevisionError(f"a row of {broken[0]} would refer to one of {broken[2]} that is gone")
