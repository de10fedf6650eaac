"""Who uses the data: each connection of the app shares a lock, and a restore holds it alone.

On SQLite it is a file beside the database, on PostgreSQL an advisory lock. Processes of other
users, containers and machines may be invisible, but their locks count; a killed one holds none.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import URL, Engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from ..errors import ExplainedError
from .unavailable import DatabaseUnavailable

NUMBER: Final = 726_341_809  # any one that no migration and no project takes
# Two apps may share a database, each in a schema of its own.
KEY: Final = f"{NUMBER}, hashtext(coalesce(current_schema(), ''))"
HOLDERS: Final = (
    "SELECT DISTINCT coalesce(host(client_addr), 'this machine')"
    " FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND classid = :number AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# PostgreSQL notices a little later that a process has closed its connection, or was killed.
LETTING_GO_SECONDS: Final = 2.0
RESTORING: Final = "the database is unavailable: a backup is being restored"


class InUse(ExplainedError):  # noqa: N818 - it says what is the matter
    """Others use the data."""


def share(engine: Engine) -> None:
    """Let each connection of an engine share the lock as long as it is open."""
    if engine.dialect.name == "sqlite":
        path = _lock_file(engine.url)

        def take_file(connection: Any, record: ConnectionPoolEntry) -> None:
            try:
                descriptor = _open(path)
            except OSError as error:
                connection.close()
                text = f"the database is unavailable: unable to open {path}: {error.strerror}"
                raise DatabaseUnavailable(text) from error
            if not _lock(descriptor, fcntl.LOCK_SH):
                os.close(descriptor)
                connection.close()
                raise DatabaseUnavailable(RESTORING)
            record.info["lock"] = descriptor

        def let_go(_connection: Any, record: ConnectionPoolEntry) -> None:
            os.close(record.info.pop("lock"))

        event.listen(engine, "connect", take_file, insert=True)
        event.listen(engine, "close", let_go)
        return

    @event.listens_for(engine, "connect")
    def take(connection: Any, _record: ConnectionPoolEntry) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_try_advisory_lock_shared({KEY})")
            (is_held,) = cursor.fetchone()
        connection.commit()
        if not is_held:
            connection.close()
            raise DatabaseUnavailable(RESTORING)


@contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """Hold the lock while nobody shares it, so that nobody can begin to. The engine shares none."""
    if engine.dialect.name == "sqlite":
        with _alone_on_file(engine.url):
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        give_up = time.monotonic() + LETTING_GO_SECONDS
        while not connection.scalar(sqlalchemy.text(f"SELECT pg_try_advisory_lock({KEY})")):
            if time.monotonic() > give_up:
                found = connection.scalars(sqlalchemy.text(HOLDERS), {"number": NUMBER})
                where = ", ".join(sorted(found))
                raise InUse(f"stop the app first, all its instances: connected from {where}")
            time.sleep(0.1)
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):  # it has gone, and the lock with it
                connection.execute(sqlalchemy.text(f"SELECT pg_advisory_unlock({KEY})"))


@contextmanager
def _alone_on_file(url: URL) -> Iterator[None]:
    path = _lock_file(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = _open(path)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX):
            raise InUse(f"stop the app first, all its instances: one has {url.database} open")
        yield
    finally:
        os.close(descriptor)


def _lock_file(url: URL) -> Path:
    path = Path(url.database or "")
    return path.with_name(f".{path.name}.in-use")


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    if os.geteuid() == 0:  # a command of an administrator must not lock the app out
        owner = path.parent.stat()
        with suppress(PermissionError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
