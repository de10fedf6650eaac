"""The database as an `st.connection` in a page."""

import pytest
import streamlit as st
from chassis.database.engine import get_engine
from chassis.settings import get_settings
from streamlit.testing.v1 import AppTest

PAGE = """
import streamlit as st
from sqlalchemy import text
from chassis.database.engine import DatabaseUnavailable, get_engine
from chassis.database.connection import DatabaseConnection

connection = st.connection("database", type=DatabaseConnection)
with connection.session as session:
    session.execute(text("INSERT INTO orders VALUES (:region, 3)"), {"region": "north"})
    session.commit()
query = "SELECT sum(amount) AS amount FROM orders WHERE region = :region"
frame = connection.query(query, params={"region": "north"}, ttl=0)
st.text(f"amount={frame['amount'][0]}")
st.text(f"same={connection.engine.pool is get_engine().pool}")
"""
WRITING = """
import streamlit as st
from chassis.database.connection import DatabaseConnection

st.connection("database", type=DatabaseConnection).query("DELETE FROM orders", ttl=0)
"""
AWAY = """
import streamlit as st
from chassis.database.engine import DatabaseUnavailable
from chassis.database.connection import DatabaseConnection

try:
    st.connection("database", type=DatabaseConnection).query("SELECT 1", ttl=0)
except DatabaseUnavailable as error:
    st.text(f"{error}")
"""


@pytest.fixture(autouse=True)
def orders(database: str) -> None:
    """Add a table to read from."""
    assert database
    with get_engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (region VARCHAR(20), amount INTEGER)")
    st.cache_resource.clear()  # it holds the connection of the last test


def test_a_page_reads_and_writes() -> None:
    app = AppTest.from_string(PAGE, default_timeout=30).run()
    assert not app.exception
    assert [text.value for text in app.text] == ["amount=3", "same=True"]
    assert app.run().text[0].value == "amount=6"


def test_a_query_cannot_write() -> None:
    app = AppTest.from_string(WRITING, default_timeout=30).run()
    assert len(app.exception) == 1
    with get_engine(read_only=True).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar() == 0


def test_a_database_that_is_away_is_said_as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hush-hush@127.0.0.1:1/app")
    get_settings.cache_clear()
    app = AppTest.from_string(AWAY, default_timeout=30).run()
    assert not app.exception
    assert app.text[0].value.startswith("the database is unavailable: connection failed")
