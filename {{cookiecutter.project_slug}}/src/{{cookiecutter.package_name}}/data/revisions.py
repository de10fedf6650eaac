"""Which revision the database has, and the way to another one: Alembic without its command line."""

from __future__ import annotations

import ast
import functools
import re
import sys
from argparse import Namespace
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import sqlalchemy
from sqlalchemy import Engine, NullPool

from .engine import clear_errors, get_engine, new_engine
from .tables import load_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from alembic.operations.ops import MigrationScript
    from sqlalchemy import Connection

Status: TypeAlias = Literal["current", "behind", "ahead", "empty"]

FOLDER: Final = Path(__file__).with_name("migrations")
COMMAND: Final = f"{Path(sys.executable).name} -m {__name__.partition('.')[0]}.cli"
LOCK: Final = 7_263_418_095_442_017  # any number; two upgrades at once wait for each other


class RevisionError(Exception):
    """The database cannot be brought to a revision; one line that says why."""


def current(engine: Engine | None = None) -> str | None:
    """Return the revision of the database; None if it has no tables of ours."""
    engine = engine or get_engine(read_only=True)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return None  # to connect would make the file
    with clear_errors(), engine.connect() as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the revision of any database that has our tables, else None."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalars(sqlalchemy.text("SELECT version_num FROM alembic_version"))
    revision: str | None = found.first()
    return revision


def is_known(revision: str) -> bool:
    """Whether this version of the code has the revision."""
    return revision in _known()


def status(engine: Engine | None = None) -> Status:
    """Compare the database with the migrations of this version of the code."""
    revision = current(engine)
    if revision is None:  # also after a downgrade to "base"
        return "empty"
    if revision == head():
        return "current"
    return "behind" if revision in _known() else "ahead"


def problem(found: Status) -> str:
    """Return one line that says what is wrong with the database, and the command that mends it."""
    if found == "ahead":
        return (
            f"the database is at revision {current()}, which this version of the app does not know:"
            f" start the newer version, or run its `db downgrade {head()}`"
        )
    have = "has no tables yet" if found == "empty" else f"is at revision {current()}, not {head()}"
    return f"the database {have}: run `{COMMAND} db upgrade`"


def head() -> str:
    """Return the newest revision of the code."""
    [newest] = _known().keys() - {older for older in _known().values() if older}
    return newest


@functools.cache
def _known() -> dict[str, str | None]:
    """Return the revisions of the code, each with the one before it.

    Alembic could tell, but its import is a tenth of the start of the server.
    """
    found = {}
    for path in sorted(FOLDER.glob("versions/[!_]*.py")):
        values = {
            ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0]): node
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        }
        revision, older = (
            ast.literal_eval(values[name].value or "") for name in ("revision", "down_revision")
        )
        found[revision] = older
    return found


def upgrade(target: str = "head") -> None:
    """Bring the database to a newer revision: all of the way, or not a step."""
    from alembic import command

    with _configuration() as config:
        command.upgrade(config, target)


def downgrade(target: str) -> None:
    """Bring the database back to an older revision, "base" for none, "-1" for one step."""
    from alembic import command

    with _configuration() as config:
        command.downgrade(config, target)


def create(message: str) -> Path:
    """Write a migration of what the models have and the database, which is current, has not."""
    from alembic import command
    from alembic.script import Script

    if (found := status()) != "current":
        raise RevisionError(problem(found))
    numbers = [int(revision) for revision in _known() if re.fullmatch("[0-9]{4}", revision)]
    new_id = f"{max(numbers, default=0) + 1:04}"
    with _configuration() as config:
        script = command.revision(
            config, message, True, rev_id=new_id, process_revision_directives=_drop_empty
        )
    if not isinstance(script, Script):
        raise RevisionError("the tables are as the models say: there is nothing to migrate")
    _known.cache_clear()
    return Path(script.path)


def _drop_empty(_context: object, _revision: object, directives: list[MigrationScript]) -> None:
    if all(operations.is_empty() for operations in directives[0].upgrade_ops_list):
        directives.clear()


@contextmanager
def _configuration() -> Iterator[Config]:
    """Yield the configuration of Alembic with a connection on which all happens, or nothing."""
    from alembic.config import Config
    from alembic.util import CommandError

    # Alembic prints what it does; our callers do.
    config = Config(attributes={"metadata": load_models()}, cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    # On SQLite a table is changed by making it anew: with foreign keys on, dropping the old one
    # would delete the rows that refer to it.
    engine = new_engine(get_engine().url, foreign_keys=False, poolclass=NullPool)
    try:
        with clear_errors(), engine.begin() as connection:
            _lock(connection)
            config.attributes["connection"] = connection
            yield config
            _check_foreign_keys(connection)
    except CommandError as error:
        raise RevisionError(" ".join(str(error).split())) from error


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
