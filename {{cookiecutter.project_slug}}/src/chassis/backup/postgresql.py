"""Copies of a PostgreSQL database, made by pg_dump and pg_restore."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy
from sqlalchemy import URL, Connection, NullPool
from sqlalchemy.exc import DBAPIError

from ..database.engine import DatabaseUnavailable, clear_errors, new_engine
from . import BackupError
from .contents import Contents, read_contents

# A restored database belongs to the user of DATABASE_URL, no matter whose it was.
OWNERLESS: Final = ("--no-owner", "--no-privileges")
# All that the app can have made in its schema, but not the extensions that an administrator did.
DROP_EVERYTHING: Final = """
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT 1 AS step, relname AS name, '' AS arguments,
            CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
        FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        UNION ALL
        SELECT 2, proname, format('(%s)', pg_get_function_identity_arguments(oid)), 'ROUTINE'
        FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
        UNION ALL
        SELECT 3, typname, '', 'TYPE'
        FROM pg_type
        WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'd')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_type.oid AND deptype = 'e')
        ORDER BY step
    LOOP
        EXECUTE format('DROP %s IF EXISTS %I.%I%s CASCADE',
            item.kind, current_schema(), item.name, item.arguments);
    END LOOP;
END $$
"""


def dump(url: URL, target: Path) -> Contents:
    """Copy the database as it is at one moment, while others read and write; return what it has."""
    with _connection(url) as connection:
        connection = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # pg_dump sees what this transaction sees, so that the counts are those of the dump.
        snapshot = connection.scalar(sqlalchemy.text("SELECT pg_export_snapshot()"))
        found = read_contents(connection)
        _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={target}")
    return found


def load(url: URL, dumped: Path) -> None:
    """Replace the database, as a whole or not at all."""
    # pg_restore alone would keep tables that are newer than the dump, and an upgrade would then
    # find them there. psql drops everything and restores in one transaction.
    script = dumped.with_name(f"{dumped.name}.sql")
    _run("pg_restore", None, *OWNERLESS, f"--file={script}", str(dumped))
    options = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1")
    drop = f"--command={DROP_EVERYTHING}"
    _run("psql", url, *options, "--single-transaction", drop, f"--file={script}")
    script.unlink()


def contents(url: URL) -> Contents:
    """Return what is in a database."""
    with _connection(url) as connection:
        return read_contents(connection)


@contextmanager
def scratch(url: URL, _folder: Path) -> Iterator[URL]:
    """Yield the address of a database to try something with; it is dropped at the end."""
    new = url.set(database=f"{(url.database or '')[:50]}_verify")
    with _connection(url) as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        quote = connection.dialect.identifier_preparer.quote_identifier
        name = quote(str(new.database))
        drop = sqlalchemy.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        create = sqlalchemy.text(f"CREATE DATABASE {name} TEMPLATE template0")
        connection.execute(drop)  # that of a run that was killed
        try:
            connection.execute(create)
        except DBAPIError as error:
            user = url.username or "the user"
            raise BackupError(
                f"a scratch database cannot be made: {_first_line(str(error.orig))};"
                f" an administrator may permit it with ALTER ROLE {user} CREATEDB"
            ) from None
        try:
            yield new
        finally:
            connection.execute(drop)


def is_lost(url: URL) -> bool:
    """Whether there is nothing in the database."""
    return not contents(url).rows


def set_aside(_url: URL, _suffix: str) -> list[Path]:
    """Do nothing: an empty database is not in the way."""
    return []


@contextmanager
def _connection(url: URL) -> Iterator[Connection]:
    try:
        with clear_errors(), new_engine(url, poolclass=NullPool).connect() as connection:
            yield connection
    except DatabaseUnavailable as error:
        raise BackupError(str(error)) from None


def _run(program: str, url: URL | None, *arguments: str) -> None:
    """Run a program of PostgreSQL; the password is not among its arguments, which all can read."""
    command, environment = [program, *arguments], dict(os.environ)
    if url is not None:
        if url.password:
            environment["PGPASSWORD"] = str(url.password)
        address = url._replace(drivername="postgresql", password=None)  # `set` would keep it
        command[1:1] = ["--no-password", f"--dbname={address.render_as_string()}"]
    try:
        subprocess.run(  # noqa: S603 - no shell
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
    except FileNotFoundError:
        raise BackupError(f"{program} is missing: apt-get install postgresql-client") from None
    except subprocess.CalledProcessError as error:
        text = error.stderr.decode(errors="replace")
        raise BackupError(_first_line(text) or f"{program} ended with {error.returncode}") from None


def _first_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")
