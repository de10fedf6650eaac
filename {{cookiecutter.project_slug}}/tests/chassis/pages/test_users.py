"""The users page."""

import dataclasses
from typing import Any

import pytest
from chassis import project
from chassis.auth import audit, sessions, users
from chassis.auth.roles import Role
from chassis.testing.pages import add_user, at, opened_by
from streamlit.testing.v1 import AppTest


@pytest.fixture
def page() -> AppTest:
    """Return the page as an admin called "admin" sees it; there is a viewer, too."""
    add_user(Role.VIEWER, name="Vic <b>*Tor*</b>")
    app = opened_by(add_user(Role.ADMIN))
    at(app, "users")
    assert not app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def choose(app: AppTest, username: str) -> int:
    user = users.find(username)
    assert user is not None
    app.selectbox(key="users_chosen").set_value(user.id).run()
    assert not app.exception
    return user.id


def rows(app: AppTest) -> Any:
    return app.dataframe[0].value.set_index("User name")


def last_event() -> tuple[str, str, str]:
    event = audit.list_events(limit=1)[0][0]
    return event.event, event.actor, event.subject


def test_users_are_listed(page: AppTest) -> None:
    assert list(rows(page).index) == ["admin", "viewer"]
    assert rows(page)["Role"]["viewer"] == "Viewer"
    assert rows(page)["State"]["viewer"] == "Never signed in"


def test_users_are_found(page: AppTest) -> None:
    page.text_input(key="users_text").set_value("tor").run()
    assert list(rows(page).index) == ["viewer"]
    page.text_input(key="users_text").set_value("100%").run()
    assert "No users match" in page.info[0].value


def test_a_user_is_added_and_gets_a_code(page: AppTest) -> None:
    page.text_input(key="add_username").set_value("Ann")
    page.text_input(key="add_name").set_value("Ann Lee")
    page.text_input(key="add_email").set_value("ann@example.com")
    page.selectbox(key="add_role").set_value(Role.EDITOR)
    click(page, "Add")
    assert rows(page)["Name"]["ann"] == "Ann Lee"
    assert rows(page)["Role"]["ann"] == "Editor"
    assert len(page.code[0].value) == len("ABCDE-ABCDE-ABCDE-ABCDE")
    page.run()
    assert not page.code  # shown once


@pytest.mark.parametrize("username", ["", "viewer", "<b>"])
def test_a_bad_name_is_refused(page: AppTest, username: str) -> None:
    page.text_input(key="add_username").set_value(username)
    click(page, "Add")
    assert page.error
    assert not page.code
    assert len(rows(page)) == 2


def test_a_user_is_disabled_and_enabled(page: AppTest) -> None:
    user_id = choose(page, "viewer")
    sessions.start(user_id)
    click(page, "Disable")
    assert rows(page)["State"]["viewer"] == "Disabled"
    assert sessions.list_sessions(user_id) == []
    assert last_event() == (audit.USER_DISABLED, "admin", "viewer")
    click(page, "Enable")
    assert rows(page)["State"]["viewer"] != "Disabled"


def test_a_role_is_changed(page: AppTest) -> None:
    choose(page, "viewer")
    role = next(box for box in page.selectbox if str(box.key).startswith("role_"))
    role.set_value(Role.EDITOR).run()
    click(page, "Save the role")
    assert rows(page)["Role"]["viewer"] == "Editor"
    assert last_event() == (audit.ROLES_CHANGED, "admin", "viewer")


def test_groups_are_changed(page: AppTest) -> None:
    user_id = choose(page, "viewer")
    sessions.start(user_id)
    groups = next(box for box in page.multiselect if str(box.key).startswith("groups_"))
    groups.set_value(["staff & guests"]).run()
    click(page, "Save the groups")
    assert rows(page)["Groups"]["viewer"] == "staff & guests"
    assert last_event() == (audit.GROUPS_CHANGED, "admin", "viewer")
    assert sessions.list_sessions(user_id) == []


def test_groups_are_in_the_language_of_the_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_LANGUAGE", "ko")  # AppTest writes the choices in that of the app
    page = opened_by(add_user(Role.ADMIN, "ann", groups=["finance"]))
    at(page, "users")
    assert page.dataframe[0].value.set_index("사용자 이름")["그룹"]["ann"] == "재무팀"
    choose(page, "ann")
    for box in page.multiselect:
        assert list(box.options) == ["재무팀", "직원과 손님"]


def test_without_groups_nobody_reads_of_them(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = dataclasses.replace(project.current(), groups=(), menu=list)
    monkeypatch.setattr(project, "current", lambda: ours)
    at(page, "users")
    assert not page.exception
    choose(page, "viewer")
    assert "Groups" not in rows(page)
    assert not page.multiselect


def test_the_last_admin_stays(page: AppTest) -> None:
    choose(page, "admin")
    click(page, "Disable")
    assert "last admin" in page.error[0].value
    assert rows(page)["State"]["admin"] != "Disabled"


def test_a_code_for_a_new_password_is_shown_once(page: AppTest) -> None:
    choose(page, "viewer")
    click(page, "Make a code for a new password")
    assert page.code
    assert "viewer" in page.main.markdown[0].value
    assert not page.run().code


def test_sessions_are_listed_and_ended(page: AppTest) -> None:
    user = users.find("viewer")
    assert user is not None
    sessions.start(user.id, "198.51.100.7", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    choose(page, "viewer")
    assert page.dataframe[1].value["Browser"].tolist() == ["Firefox, Windows"]
    click(page, "End all sessions")
    assert sessions.list_sessions(user.id) == []
    assert "Not signed in anywhere" in page.main.caption[0].value


def test_names_are_not_read_as_markdown(page: AppTest) -> None:
    choose(page, "viewer")
    text = "\n".join(markdown.value for markdown in page.main.markdown)
    assert r"\*Tor\*" in text


def test_many_users_have_pages(page: AppTest) -> None:
    for number in range(60):
        users.create(f"user{number:02}", roles={Role.VIEWER}, actor=audit.Actor(None, "test"))
    page.run()
    assert len(rows(page)) == 50
    page.pagination(key="users_page").set_value(2).run()
    assert len(rows(page)) == 12
    assert not page.exception
