"""The database: does it answer, and has it the tables that the code needs?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy import URL

from ..database import engine, revisions
from ..database.engine import DatabaseUnavailable, transaction
from . import Result


def database() -> Result:
    """The database answers."""
    url = engine.get_engine().url
    if engine.is_sqlite() and not Path(url.database or "").exists():
        return Result("pass", "no file yet")  # to ask would make it; that it is missing fails below
    with _remedy_for(url), transaction(read_only=True) as session:
        session.execute(sqlalchemy.text("SELECT 1"))
    return Result("pass", "reachable")


def migrations() -> Result:
    """The tables are those that the code needs."""
    with _remedy_for(engine.get_engine().url):
        status = revisions.status()
    if status in revisions.FITTING:
        return Result("pass", status)
    return Result("fail", status, revisions.problem(status))


@contextmanager
def _remedy_for(url: URL) -> Iterator[None]:
    """Add to the error of a database that is away what helps to find out why."""
    try:
        yield
    except DatabaseUnavailable as error:
        if url.get_backend_name() == "sqlite":
            folder = Path(url.database or "").absolute().parent
            error.remedy = f"ls -ld {folder} {url.database}; df -h {folder}  (needs to be writable)"
        else:
            error.remedy = f"pg_isready -h {url.host or 'localhost'} -p {url.port or 5432}"
        raise
