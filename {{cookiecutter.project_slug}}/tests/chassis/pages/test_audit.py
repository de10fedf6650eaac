"""The audit log."""

from typing import Any

import pytest
from chassis.auth import audit
from chassis.auth.roles import Role
from chassis.testing.pages import app_of, at
from streamlit.testing.v1 import AppTest

ANN = audit.Actor(7, "ann", "198.51.100.7")


@pytest.fixture
def page() -> AppTest:
    """Return the page as an admin sees it, with some events."""
    app = app_of(Role.ADMIN)
    audit.record(audit.SIGNED_IN, ANN, subject_id=7, subject="ann")
    audit.record(audit.SIGN_IN_FAILED, audit.Actor(None, "", "203.0.113.1"))
    at(app, "audit")
    assert not app.exception
    return app


def rows(app: AppTest) -> Any:
    return app.dataframe[0].value


def test_the_newest_events_come_first(page: AppTest) -> None:
    assert rows(page)["Event"].tolist() == ["Sign-in failed", "Signed in", "User added"]
    assert rows(page)["By"].tolist()[1] == "ann"
    assert "3 events" in page.main.caption[0].value
    assert "365 days" in page.main.caption[0].value


def test_events_are_filtered(page: AppTest) -> None:
    page.text_input(key="audit_text").set_value("198.51").run()
    assert rows(page)["Event"].tolist() == ["Signed in"]
    page.selectbox(key="audit_event").set_value(audit.USER_ADDED).run()
    assert "No events match" in page.info[0].value
    page.text_input(key="audit_text").set_value("").run()
    assert rows(page)["Event"].tolist() == ["User added"]


def test_many_events_have_pages(page: AppTest) -> None:
    for _number in range(60):
        audit.record(audit.SIGNED_OUT, ANN)
    page.run()
    assert len(rows(page)) == 50
    page.pagination(key="audit_page").set_value(2).run()
    assert len(rows(page)) == 13
    # A filter leaves fewer pages than the one that was open.
    page.selectbox(key="audit_event").set_value(audit.USER_ADDED).run()
    assert len(rows(page)) == 1
    assert not page.exception


def test_every_event_has_a_name_in_the_page(page: AppTest) -> None:
    events = {
        text for name, text in vars(audit).items() if name.isupper() and isinstance(text, str)
    }
    assert set(page.selectbox(key="audit_event").options).isdisjoint(events)
    assert len(page.selectbox(key="audit_event").options) == len(events)
