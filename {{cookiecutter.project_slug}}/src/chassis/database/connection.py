"""The database as an `st.connection`, for pages that would rather write SQL:

    connection = st.connection("database", type=DatabaseConnection)
    orders = connection.query("SELECT * FROM orders WHERE region = :region", params=..., ttl=60)

It has the engine of data/engine.py. What changes data is better off in a `transaction()`.
"""

from typing import Any

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from streamlit.connections import SQLConnection

from .engine import clear_errors, get_engine


class DatabaseConnection(SQLConnection):
    """Streamlit's connection without settings of its own."""

    def _connect(self, autocommit: bool = False, **_settings: Any) -> Engine:  # noqa: ARG002 - its base's
        return get_engine(read_only=True)

    def query(self, *arguments: Any, **options: Any) -> pd.DataFrame:
        """Read into a data frame, cached for `ttl` seconds (forever without)."""
        with clear_errors(read_only=True):
            try:
                return super().query(*arguments, **options)
            except pd.errors.DatabaseError as error:  # pandas' wrapping hides which error it is
                raise error.__cause__ or error from None

    @property
    def session(self) -> Session:
        """Return a session that can write; `commit()` saves."""
        return Session(get_engine())
