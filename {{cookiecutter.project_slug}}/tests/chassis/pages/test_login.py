"""The sign-in page."""

from typing import get_args

import pytest
from chassis.auth import audit, oidc, users
from chassis.auth.models import PendingLogin
from chassis.auth.roles import Role
from chassis.database.engine import transaction
from chassis.testing.pages import PASSWORD, SYSTEM, add_user, at, stranger
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

WRONG = "User name or password is wrong."
NEW_PASSWORD = "nine yellow giraffes"


def sign_in(app: AppTest, username: str, password: str) -> AppTest:
    app.run()
    app.text_input[0].set_value(username)
    app.text_input[1].set_value(password)
    app.button[0].click().run()
    assert not app.exception
    return app


def pending() -> int:
    """Return how many sign-ins wait for their browser."""
    with transaction(read_only=True) as session:
        return len(session.scalars(select(PendingLogin)).all())


def events() -> list[str]:
    return [event.event for event in audit.list_events()[0]]


def test_the_right_password_sends_the_browser_for_its_cookie() -> None:
    add_user(Role.VIEWER)
    app = sign_in(stranger(), "viewer", PASSWORD)
    assert not app.error
    assert pending() == 1
    # The session begins with the cookie, not before.
    assert app.run().button[0].label == "Sign in"


@pytest.mark.parametrize(
    ("username", "password"),
    [("viewer", "wrong"), ("nobody", PASSWORD), ("viewer", ""), ("", ""), ("gone", PASSWORD)],
)
def test_all_failures_look_the_same(username: str, password: str) -> None:
    add_user(Role.VIEWER)
    users.disable(add_user(Role.VIEWER, "gone").id, SYSTEM)
    app = sign_in(stranger(), username, password)
    assert [error.value for error in app.error] == [WRONG]
    assert pending() == 0
    assert events()[0] == audit.SIGN_IN_FAILED


def test_too_many_failures_have_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_LOGIN_ACCOUNT", "2/15minutes")
    app = stranger()
    for _attempt in range(2):
        sign_in(app, "viewer", "wrong")
    sign_in(app, "viewer", "wrong")
    assert not app.error
    assert app.warning[0].value == "Too many attempts. Please try again in 15 min."


def use_code(app: AppTest, username: str, code: str, new: str, repeat: str) -> AppTest:
    app.run()
    for field, value in zip(app.text_input[2:], (username, code, new, repeat), strict=True):
        field.set_value(value)
    app.button[1].click().run()
    assert not app.exception
    return app


def test_a_code_of_an_admin_sets_a_password() -> None:
    user = add_user(Role.VIEWER)
    code = users.make_reset_code(user.id, SYSTEM)
    app = use_code(stranger(), "viewer", code.lower(), NEW_PASSWORD, NEW_PASSWORD)
    assert not app.error
    assert pending() == 1
    assert [error.value for error in sign_in(stranger(), "viewer", PASSWORD).error] == [WRONG]
    assert not sign_in(stranger(), "viewer", NEW_PASSWORD).error
    again = use_code(stranger(), "viewer", code, NEW_PASSWORD, NEW_PASSWORD)
    assert "code is wrong" in again.error[0].value


def test_a_code_needs_a_good_password_typed_twice() -> None:
    user = add_user(Role.VIEWER)
    code = users.make_reset_code(user.id, SYSTEM)
    app = use_code(stranger(), "viewer", code, NEW_PASSWORD, "another")
    assert "not the same" in app.error[0].value
    app = use_code(stranger(), "viewer", code, "short", "short")
    assert "at least 15" in app.error[0].value.replace("\\", "")
    assert pending() == 0
    assert not use_code(stranger(), "viewer", code, NEW_PASSWORD, NEW_PASSWORD).error


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_BACKEND", "oidc")
    url = "https://login.example.com/.well-known/openid-configuration"
    monkeypatch.setenv("OIDC_DISCOVERY_URL", url)
    monkeypatch.setenv("OIDC_CLIENT_ID", "tool")
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "not-a-secret-of-anybody")


@pytest.mark.usefixtures("provider")
def test_a_provider_has_one_button(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("streamlit.login", asked.append)
    app = stranger().run()
    assert not app.text_input
    assert [button.label for button in app.button] == ["Sign in"]
    app.button[0].click().run()
    assert asked == [oidc.PROVIDER]


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("reason", get_args(oidc.Refusal))
def test_the_reason_of_a_refusal_is_explained(reason: str) -> None:
    app = stranger()
    app.query_params["sign_in"] = reason
    assert len(app.run().error) == 1
    app.query_params["sign_in"] = "<b>anything else</b>"
    assert not app.run().error


def test_who_comes_past_the_proxy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_BACKEND", "proxy")
    app = stranger().run()
    assert "not signed in" in app.error[0].value
    assert not app.button
    app.user = {"app_user": "ann", "app_email": "", "app_roles": "editor, finance"}
    app.run()
    assert app.title[0].value == "Start"
    assert at(app, "ledger").title[0].value == "Ledger"
    assert not app.warning
    assert "Sign out" not in [button.label for button in app.button]


def test_a_name_of_the_proxy_has_one_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_BACKEND", "proxy")
    app = stranger()
    sent = " mu\u0308ller".encode().decode("latin-1")  # as headers arrive
    app.user = {"app_user": sent, "app_email": "m\0@example.com", "app_roles": "editor"}
    app.run()
    assert app.main.markdown[0].value == "Welcome, müller."
