"""Databases for tests: fresh, with all tables, of each kind."""

import atexit
import contextlib
import functools
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url

from ..database import engine, migrate
from ..database.engine import get_engine as get_engine  # for tests that listen to it
from ..settings import get_settings


@contextlib.contextmanager
def fresh_database(kind: str, directory: Path) -> Iterator[str]:
    """Make a database with all tables and yield its URL; PostgreSQL is dropped at the end."""
    if kind == "sqlite":
        yield new_sqlite(directory / f"{secrets.token_hex(4)}.db")
        return
    name = f"test_{secrets.token_hex(6)}"
    server = postgres_url()
    _on_postgres(server, f'CREATE DATABASE "{name}" TEMPLATE "{_postgres_template()}"')
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        engine.dispose()
        _on_postgres(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def new_sqlite(path: Path) -> str:
    """Make a SQLite database with all tables; return its URL."""
    path.write_bytes(_migrated_sqlite())
    return f"sqlite:///{path}"


def postgres_url() -> URL:
    """Return the PostgreSQL server of the tests: that of TEST_POSTGRES_URL, or one of their own.

    The user of that URL must be permitted to CREATE DATABASE.
    """
    url = os.environ.get("TEST_POSTGRES_URL") or _own_postgres()
    return make_url(url).set(drivername="postgresql+psycopg")


@functools.cache
def _own_postgres() -> str:
    from .postgres_server import PostgresServer, programs_or_skip

    server = PostgresServer(programs_or_skip())
    server.start()
    atexit.register(server.remove)
    return server.url


@functools.cache
def _migrated_sqlite() -> bytes:
    """Migrate once: copies are quicker."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "template.db")
        _migrate(f"sqlite:///{path}")
        return path.read_bytes()


@functools.cache
def _postgres_template() -> str:
    server = postgres_url()
    name = f"test_template_{secrets.token_hex(6)}"
    _on_postgres(server, f'CREATE DATABASE "{name}"')
    atexit.register(_on_postgres, server, f'DROP DATABASE "{name}"')
    _migrate(server.set(database=name).render_as_string(hide_password=False))
    return name


def _migrate(url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setenv("AUTH_BACKEND", "password")  # needs no settings of a provider
        get_settings.cache_clear()
        migrate.upgrade()
        engine.forget()
    get_settings.cache_clear()


def _on_postgres(server: URL, statement: str) -> None:
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(statement)
