"""The adapter to streamlit-authenticator, and what it relies on in that library."""

import hashlib
import inspect
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import streamlit_authenticator
from chassis.auth import form
from streamlit.testing.v1 import AppTest
from streamlit_authenticator.views import authentication_view

ADVICE = "read what changed there, adapt auth/form.py, then write the new value here"

# The start of the SHA-256 of the source of what the adapter calls or replaces.
KNOWN = {
    "Authenticate.__init__": "605668c017fbbf3e",
    "Authenticate.login": "b964dd7d41731244",
    "Authenticate.reset_password": "c6c127f9e3469c55",
}


def test_the_library_is_the_one_that_the_adapter_was_written_for() -> None:
    assert version("streamlit-authenticator") == "0.4.2", ADVICE


@pytest.mark.parametrize("name", KNOWN)
def test_the_library_has_not_moved(name: str) -> None:
    method = getattr(streamlit_authenticator.Authenticate, name.partition(".")[2])
    digest = hashlib.sha256(inspect.getsource(method).encode()).hexdigest()[:16]
    assert digest == KNOWN[name], f"{name} of streamlit-authenticator has changed: {ADVICE}"


def test_the_library_draws_with_our_forms() -> None:
    assert isinstance(authentication_view.st, form._Streamlit), ADVICE


def test_the_library_does_not_hold_up_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(authentication_view, "time", SimpleNamespace(sleep=slept.append))
    AppTest.from_function(login_page, default_timeout=30).run()
    assert slept == [0]


def login_page() -> None:
    import streamlit as st
    from chassis.auth import form

    def check(username: str, password: str) -> bool:
        st.session_state["asked"] = (username, password)
        return password == "right"

    def finish() -> None:
        st.session_state["finished"] = True

    form.draw_login(check, finish)


def change_page() -> None:
    import streamlit as st
    from chassis.auth import form

    def change(password: str, new: str) -> None:
        st.session_state["changed"] = (password, new)

    try:
        form.draw_password_change(change, title="Change", rules="long")
    except form.PasswordsDifferError:
        st.error("differ")


def sign_in(username: str, password: str) -> AppTest:
    app = AppTest.from_function(login_page, default_timeout=30).run()
    app.text_input[0].set_value(username)
    app.text_input[1].set_value(password)
    app.button[0].click().run()
    assert not app.exception
    return app


def test_our_check_is_asked_and_the_session_follows() -> None:
    app = sign_in("ann", "right")
    assert app.session_state["asked"] == ("ann", "right")
    assert app.session_state["finished"]


def test_passwords_are_taken_as_they_were_typed() -> None:
    assert sign_in("ann", " right ").session_state["asked"] == ("ann", " right ")
    assert change(" old ", " new ", " new ").session_state["changed"] == (" old ", " new ")
    assert "changed" not in change("old", "new", "new ").session_state


def test_a_wrong_password_changes_nothing() -> None:
    app = sign_in("ann", "wrong")
    assert app.session_state["asked"] == ("ann", "wrong")
    assert "finished" not in app.session_state
    app.text_input[1].set_value("right")
    app.button[0].click().run()
    assert app.session_state["finished"]


def test_empty_fields_are_checked_like_all_others() -> None:
    assert sign_in("", "").session_state["asked"] == ("", "")


def test_the_flag_of_the_library_does_not_hide_the_form() -> None:
    app = AppTest.from_function(login_page, default_timeout=30)
    app.session_state["authentication_status"] = True
    app.session_state["username"] = "ann"
    assert len(app.run().text_input) == 2


def test_password_managers_know_the_fields() -> None:
    login = AppTest.from_function(login_page, default_timeout=30).run()
    fields = [field.proto.autocomplete for field in login.text_input]
    assert fields == ["username", "current-password"]
    change = AppTest.from_function(change_page, default_timeout=30).run()
    fields = [field.proto.autocomplete for field in change.text_input]
    assert fields == ["current-password", "new-password", "new-password"]


def change(password: str, new: str, repeat: str) -> AppTest:
    app = AppTest.from_function(change_page, default_timeout=30).run()
    for field, value in zip(app.text_input, (password, new, repeat), strict=True):
        field.set_value(value)
    app.button[0].click().run()
    assert not app.exception
    return app


def test_a_password_is_changed() -> None:
    assert change("old", "new", "new").session_state["changed"] == ("old", "new")


def test_a_password_that_was_mistyped_is_not_changed() -> None:
    app = change("old", "new", "now")
    assert "changed" not in app.session_state
    assert app.error[0].value == "differ"


def test_nothing_of_the_library_reads_files_or_asks_other_servers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the library opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)
    sign_in("ann", "right")
    change("old", "new", "new")
