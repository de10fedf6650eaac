"""The start page, as Streamlit runs it."""

from streamlit.testing.v1 import AppTest


def test_the_start_page_greets(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert app.title[0].value == "Start"
