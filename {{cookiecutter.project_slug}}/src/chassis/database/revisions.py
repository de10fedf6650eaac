"""Which revision the database has, and the way to another one: Alembic without its command line."""

from __future__ import annotations

import ast
import functools
import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import sqlalchemy
from sqlalchemy import Connection, Engine, NullPool

from .. import project
from ..errors import ExplainedError
from .engine import clear_errors, get_engine, new_engine
from .tables import load_models

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.operations.ops import MigrationScript

Status: TypeAlias = Literal["current", "newer", "behind", "ahead", "empty"]

FOLDER: Final = Path(__file__).with_name("migrations")
FITTING: Final = frozenset({"current", "newer"})  # what this version of the app can work with
# What a migration may do without a word about it: older code does not notice.
ADDING: Final = frozenset({"add_column", "batch_alter_table", "create_index", "create_table", "f"})
LOCK: Final = 7_263_418_095_442_017  # any number; two upgrades at once wait for each other


class RevisionError(ExplainedError):
    """The database cannot be brought to a revision; one line that says why."""


def current(engine: Engine | None = None) -> str | None:
    """Return the revision of the database; None if it has no tables of ours."""
    return _recorded(engine).get("version_num")


def _recorded(engine: Engine | None) -> dict[str, str]:
    """Return what the database says about its tables; nothing if it has none of ours."""
    engine = engine or get_engine(read_only=True)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return {}  # to connect would make the file
    with clear_errors(), engine.connect() as connection:
        return _recorded_in(connection)


def _recorded_in(connection: Connection) -> dict[str, str]:
    """Return the row of alembic_version of any database; nothing where there is none."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return {}
    found = connection.execute(sqlalchemy.text("SELECT * FROM alembic_version"))
    row = found.mappings().first()
    return dict(row or {})


def revision_of(connection: Connection) -> str | None:
    """Return the revision of any database that has our tables, else None."""
    return _recorded_in(connection).get("version_num")


def is_known(revision: str) -> bool:
    """Whether this version of the code has the revision."""
    return revision in _known()


def status(engine: Engine | None = None) -> Status:
    """Compare the database with the migrations of this version of the code.

    "newer" is what a newer version has left without breaking this one; "ahead" does not fit.
    """
    recorded = _recorded(engine)
    revision = recorded.get("version_num")
    if revision is None:  # also after a downgrade to "base"
        return "empty"
    if revision == head():
        return "current"
    if revision in _known():
        return "behind"
    return "newer" if recorded.get("oldest_code") in _known() else "ahead"


def problem(found: Status) -> str:
    """Return one line that says what is wrong with the database, and the command that mends it."""
    if found == "ahead":
        return (
            f"the database is at revision {current()}, which this version of the app does not know:"
            f" start the newer version, or run its `db downgrade {head()}`"
        )
    have = "has no tables yet" if found == "empty" else f"is at revision {current()}, not {head()}"
    return f"the database {have}: run `{project.current().command_line} db upgrade`"


def head() -> str:
    """Return the newest revision of the code."""
    [newest] = _known().keys() - {older for older in _known().values() if older}
    return newest


@functools.cache
def _known() -> dict[str, str | None]:
    """Return the revisions of the code, each with the one before it.

    Alembic could tell, but its import is a tenth of the start of the server.
    """
    return {str(found["revision"]): found["down_revision"] for found in map(_values, _files())}


def _files() -> list[ast.Module]:
    paths = sorted(FOLDER.glob("versions/[!_]*.py"))
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def _values(file: ast.Module) -> dict[str, str | None]:
    """Return the texts that a migration assigns to names."""
    return {
        ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0]): value
        for node in file.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
        if isinstance(value := node.value.value, str | None)
    }


def oldest_code(revision: str) -> str:
    """Return the oldest revision whose code works with the tables as they are at `revision`.

    A migration that only adds breaks no older code. Of any other, only its author can know: the
    line `works_with = "0003"` says that the code of revision 0003 and later gets along with it.
    """
    files = {_values(file)["revision"]: file for file in _files()}
    while True:
        values = _values(files[revision])
        older, works_with = values["down_revision"], values.get("works_with")
        if works_with:
            return works_with
        if older is None or not _only_adds(files[revision]):
            return revision
        revision = older


def _only_adds(file: ast.Module) -> bool:
    [upgrade] = [n for n in file.body if isinstance(n, ast.FunctionDef) and n.name == "upgrade"]
    return all(_is_harmless(call) for call in ast.walk(upgrade) if isinstance(call, ast.Call))


def _is_harmless(call: ast.Call) -> bool:
    """Tell whether a call of a migration changes nothing for code that does not know of it."""
    root: ast.expr = call
    while isinstance(root, ast.Call | ast.Attribute):
        root = root.func if isinstance(root, ast.Call) else root.value
    if not isinstance(root, ast.Name) or not isinstance(call.func, ast.Attribute):
        return False
    if root.id == "sa":  # describes, and does nothing
        return True
    name = call.func.attr
    if name == "create_index":  # older code may write what is not unique
        return not any(word.arg == "unique" for word in call.keywords)
    if name == "add_column":  # older code does not fill it
        words = {
            word.arg: ast.unparse(word.value)
            for argument in call.args
            if isinstance(argument, ast.Call)
            for word in argument.keywords
        }
        return "server_default" in words or words.get("nullable", "True") == "True"
    return name in ADDING


def keep_running(older: str) -> None:
    """Raise RevisionError if an upgrade would break a running version, whose head is `older`."""
    oldest = oldest_code(head())
    if older not in _known():
        return  # newer than this version: there is nothing to upgrade
    chain = [older]
    while (before := _known()[chain[-1]]) is not None:
        chain.append(before)
    if oldest not in chain:
        raise RevisionError(
            f"the migrations to {head()} would break the running version, which knows {older} and"
            f" older: they need {oldest}. docs/data.md says how to change tables in two releases"
        )


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

    if (found := current()) and found not in _known():
        raise RevisionError(problem("ahead"))
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
            _record_oldest_code(connection)
    except CommandError as error:
        raise RevisionError(" ".join(str(error).split())) from error


def _lock(connection: Connection) -> None:
    """Wait for another upgrade; on SQLite the transaction itself does."""
    if connection.dialect.name == "postgresql":
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def _record_oldest_code(connection: Connection) -> None:
    """Write down which older code still fits: that code cannot know the newer migrations."""
    inspector = sqlalchemy.inspect(connection)
    if not inspector.has_table("alembic_version"):
        return
    if "oldest_code" not in {one["name"] for one in inspector.get_columns("alembic_version")}:
        column = "ALTER TABLE alembic_version ADD COLUMN oldest_code VARCHAR(32)"
        connection.execute(sqlalchemy.text(column))
    found = connection.scalar(sqlalchemy.text("SELECT version_num FROM alembic_version"))
    if found in _known():
        statement = sqlalchemy.text("UPDATE alembic_version SET oldest_code = :oldest")
        connection.execute(statement, {"oldest": oldest_code(str(found))})


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RevisionError(f"a row of {broken[0]} would refer to one of {broken[2]} that is gone")
