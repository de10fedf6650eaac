"""What a database holds, by which two of them are compared."""

from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import Connection

from ..database import revisions


@dataclass(frozen=True)
class Contents:
    """The revisions of a database, the oldest that its tables work with, and its rows by table."""

    revision: str
    oldest_code: str
    rows: dict[str, int]


def read_contents(connection: Connection) -> Contents:
    """Count the rows of all tables."""
    rows = {}
    for name in sorted(sqlalchemy.inspect(connection).get_table_names()):
        count = sqlalchemy.select(sqlalchemy.func.count()).select_from(sqlalchemy.table(name))
        rows[name] = connection.scalar(count) or 0
    return Contents(*revisions.words_of(connection), rows)
