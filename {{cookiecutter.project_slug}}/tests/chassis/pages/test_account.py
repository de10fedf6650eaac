"""The account page."""

from chassis.auth import sessions
from chassis.auth.roles import Role
from chassis.testing.pages import PASSWORD, add_user, app_of, at, opened_by
from chassis.ui.plain_text import plain
from streamlit.testing.v1 import AppTest

NEW_PASSWORD = "nine yellow giraffes"


def open_page(app: AppTest) -> AppTest:
    at(app, "account")
    assert not app.exception
    return app


def change(app: AppTest, old: str, new: str, repeat: str) -> AppTest:
    for field, value in zip(app.text_input, (old, new, repeat), strict=True):
        field.set_value(value)
    next(button for button in app.button if "Change" in button.label).click().run()
    assert not app.exception
    return app


def test_the_user_is_described_in_plain_text() -> None:
    user = add_user(Role.EDITOR, "ann", name="*Ann* :red[Lee]", email="ann@example.com")
    app = open_page(opened_by(user))
    text = "\n".join(markdown.value for markdown in app.main.markdown)
    assert r"\*Ann\* \:red\[Lee\]" in text
    assert plain("ann@example.com") in text
    assert "Editor" in text
    assert r"\*Ann\*" in app.sidebar.caption[0].value


def test_groups_are_in_the_language_of_the_user() -> None:
    app = app_of(Role.VIEWER, groups=["finance"])
    app.query_params["lang"] = "ko"
    assert any("재무팀" in markdown.value for markdown in open_page(app).main.markdown)


def test_a_wrong_password_is_refused() -> None:
    app = open_page(app_of(Role.VIEWER))
    change(app, "wrong", NEW_PASSWORD, NEW_PASSWORD)
    assert app.error[0].value == "The current password is wrong."


def test_a_new_password_must_be_good_and_typed_twice() -> None:
    app = open_page(app_of(Role.VIEWER))
    change(app, PASSWORD, NEW_PASSWORD, "another")
    assert "not the same" in app.error[0].value
    change(app, PASSWORD, "short", "short")
    assert "at least 15" in app.error[0].value


def test_a_change_ends_every_session() -> None:
    user = add_user(Role.VIEWER)
    sessions.start(user.id)
    app = open_page(opened_by(user))
    change(app, PASSWORD, NEW_PASSWORD, NEW_PASSWORD)
    assert not app.error
    assert sessions.list_sessions(user.id) == []


def test_sessions_elsewhere_are_ended() -> None:
    user = add_user(Role.VIEWER)
    sessions.start(user.id, "198.51.100.7", "Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1")
    app = open_page(opened_by(user))
    table = app.dataframe[0].value
    assert sorted(table["Browser"]) == ["", "Safari, iPhone"]
    assert sorted(table["Address"]) == ["198.51.100.7", "203.0.113.9"]
    assert list(table["This browser"]).count("✓") == 1
    app.main.button[-1].click().run()
    assert len(sessions.list_sessions(user.id)) == 1
    assert len(app.dataframe[0].value) == 1
    assert app.main.button[-1].disabled
    assert not app.exception
