"""The way to the database: `with transaction() as session: ...` commits at the end of the block."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from .. import kept, project
from ..settings import get_settings
from . import in_use
from .turns import Turns
from .unavailable import DatabaseUnavailable as DatabaseUnavailable

BUSY_SECONDS: Final = 5  # how long SQLite waits for another process that writes
TURN_SECONDS: Final = 30  # how long a transaction waits for the others of this process
# How many connections a process keeps open, and how many more it opens when needed.
POOL_KEPT: Final = 5
POOL_MORE: Final = 10
POSTGRESQL: Final = {
    "connect_timeout": 5,
    # A server that vanished without a farewell is noticed in seconds, not in the hours of TCP.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# https://sqlite.org/rescode.html: not the fault of the statement, but of file, disk or lock.
SQLITE_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html: connection, resources, operator
# intervention, system. 57014 is a query that was cancelled: the server is well.
POSTGRESQL_UNAVAILABLE: Final = ("08", "53", "57", "58", "XX001", "XX002")
QUERY_CANCELED: Final = "57014"


@dataclass
class _Database:
    """An engine, and the line in front of it."""

    engine: Engine
    turns: Turns
    open: threading.local = field(default_factory=threading.local)  # .session of this thread


def get_engine(*, read_only: bool = False) -> Engine:
    """Return the engine of DATABASE_URL, one for the whole process; it connects when needed."""
    engine = _database().engine
    if read_only:
        return engine.execution_options(read_only=True, postgresql_readonly=True)
    return engine


@contextmanager
def transaction(*, read_only: bool = False) -> Iterator[Session]:
    """Yield a session; commit at the end of the block, roll back if it is left by an exception.

    Inside another transaction of the same thread it is a part of that one: it is saved when the
    outer one is. `read_only` for what only reads: on SQLite it waits for no writer.
    """
    database = _database()
    outer: Session | None = getattr(database.open, "session", None)
    if outer is not None:
        if database.open.read_only and not read_only:
            raise RuntimeError("this transaction writes, but the one around it is read_only")
        with outer.begin_nested():
            yield outer
        return
    with (
        clear_errors(read_only=read_only),
        _turn(database, read_only),
        # Objects stay readable after the commit, when their session is gone.
        Session(get_engine(read_only=read_only), expire_on_commit=False) as session,
    ):
        database.open.session, database.open.read_only = session, read_only
        try:
            with session.begin():
                yield session
        finally:
            database.open.session = None


@contextmanager
def clear_errors(*, read_only: bool = False) -> Iterator[None]:
    """Turn the errors of a database that is away into DatabaseUnavailable."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
        wrote = read_only and code == sqlite3.SQLITE_READONLY  # a mistake of the caller
        if wrote or not _is_unavailable(error):
            raise
        cause = error.orig if isinstance(error, DBAPIError) else error
        text = " ".join(str(cause).split()) or type(cause).__name__
        raise DatabaseUnavailable(f"the database is unavailable: {text}") from error


def _is_unavailable(error: DBAPIError | PoolTimeoutError) -> bool:
    """Whether the database, not the statement, is what failed."""
    if isinstance(error, PoolTimeoutError):
        return True
    if error.orig is None:
        return False
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        return code in SQLITE_UNAVAILABLE
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:  # no answer at all, as when connecting failed
        return isinstance(error, sqlalchemy.exc.OperationalError)
    return state.startswith(POSTGRESQL_UNAVAILABLE) and state != QUERY_CANCELED


def is_sqlite() -> bool:
    """Whether the database is a file of this machine."""
    return get_engine().dialect.name == "sqlite"


def dispose() -> None:
    """Close the connections of the pool; the next use opens new ones."""
    for database in _databases().values():
        database.engine.dispose()


def forget() -> None:
    """Close the connections and forget the engines, for tests that change DATABASE_URL."""
    dispose()
    _databases().clear()


def new_engine(url: URL, *, foreign_keys: bool = True, **options: Any) -> Engine:
    """Make an engine for SQLite or PostgreSQL; all but migrations want that of `get_engine`."""
    # Parameters stay out of errors and logs: they are the data.
    options = {"hide_parameters": True, **options}
    if url.get_backend_name() == "postgresql":
        arguments = {"application_name": project.current().package[:63], **POSTGRESQL}
        # What the URL says wins.
        arguments = {name: arguments[name] for name in arguments if name not in url.query}
        return sqlalchemy.create_engine(url, pool_pre_ping=True, connect_args=arguments, **options)
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **options)
    path = Path(url.database or "")

    @event.listens_for(engine, "do_connect")
    def make_file(*_arguments: Any) -> None:
        _make_private(path)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Python's own transactions begin late, and not before SELECT and DDL: `begin` does it.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and then writes cannot wait for its turn: SQLite fails it
        # at once. So writers take the lock at the start.
        reads = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reads)}")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _make_private(path: Path) -> None:
    """Make the file of SQLite, which only the user of the app may read; its side files follow."""
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseUnavailable(f"cannot make {path}: {error.strerror}") from error


@contextmanager
def _turn(database: _Database, read_only: bool) -> Iterator[None]:
    """Let the transactions of this process wait in line: for a connection, or to write to SQLite.

    SQLite's own waiting starves some of them, and so does that of the pool.
    """
    if read_only and database.engine.dialect.name == "sqlite":  # it waits for nobody
        yield
        return
    if not database.turns.acquire(TURN_SECONDS):
        text = f"other transactions have not ended for {TURN_SECONDS} s"
        raise DatabaseUnavailable(f"the database is unavailable: {text}")
    try:
        yield
    finally:
        database.turns.release()


def _databases() -> dict[str, _Database]:
    return kept.in_process("databases", dict[str, _Database])


def _database() -> _Database:
    text = get_settings().database_url.get_secret_value()
    databases = _databases()
    if text not in databases:
        engine = new_engine(
            make_url(text),
            pool_size=POOL_KEPT,
            max_overflow=POOL_MORE,
            pool_timeout=TURN_SECONDS,
        )
        in_use.share(engine)
        places = 1 if engine.dialect.name == "sqlite" else POOL_KEPT + POOL_MORE
        database = _Database(engine, Turns(places))
        databases.setdefault(text, database)  # atomic: of two at once, one wins
    return databases[text]
