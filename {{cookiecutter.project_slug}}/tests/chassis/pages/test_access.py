"""Who gets where: the guard of the pages, by menu, by address and by callback."""

from itertools import product

import pytest
from chassis import require
from chassis.auth import sessions, users
from chassis.auth.models import User
from chassis.auth.roles import Role
from chassis.database.engine import transaction
from chassis.project import ProjectError
from chassis.settings import get_settings
from chassis.testing.pages import add_user, app_of, at, opened_by, stranger
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

ADMIN_PAGES = ["users", "audit"]


def titles(app: AppTest) -> list[str]:
    return [title.value for title in app.title]


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


@pytest.mark.parametrize(
    "page", ["start", "notes", "ledger", "health", "about", "account", "users", "audit"]
)
def test_a_stranger_sees_the_sign_in_page_at_every_address(page: str) -> None:
    app = at(stranger(), page)
    assert titles(app) == ["Scratch Tool"]
    assert buttons(app) == ["Sign in", "Set the password"]
    assert not app.exception
    assert not app.dataframe


@pytest.mark.parametrize(
    ("role", "page"), [*product([Role.VIEWER, Role.EDITOR], ADMIN_PAGES), (Role.VIEWER, "notes")]
)
def test_the_address_of_a_page_opens_nothing_for_lesser_roles(role: Role, page: str) -> None:
    app = app_of(role)
    at(app, page)
    assert len(titles(app)) == 1
    assert "does not permit" in app.warning[0].value
    assert not app.main.button
    assert not app.dataframe
    assert not app.exception


@pytest.mark.parametrize("page", ADMIN_PAGES)
def test_admins_open_the_admin_pages(page: str) -> None:
    app = app_of(Role.ADMIN)
    at(app, page)
    assert not app.warning
    assert app.dataframe
    assert not app.exception


def test_a_page_of_a_group_opens_for_nobody_else() -> None:
    # Administrators have to put themselves into a group, which the audit log notes.
    app = at(app_of(Role.ADMIN, groups=["staff & guests"]), "ledger")
    assert "does not permit" in app.warning[0].value
    assert "Book" not in buttons(app)
    app = at(app_of(Role.VIEWER, groups=["finance"]), "ledger")
    assert titles(app) == ["Ledger"]
    assert not app.warning


def test_an_action_asks_for_the_group_again() -> None:
    ann = add_user(Role.VIEWER, "ann", groups=["finance"])
    app = at(opened_by(ann), "ledger")
    with transaction() as session:
        session.execute(update(User).where(User.id == ann.id).values(groups=frozenset()))
    sessions.forget_cached()
    next(button for button in app.button if button.label == "Book").click().run()
    assert "booked" not in app.session_state


def test_a_group_that_app_py_does_not_name_is_a_mistake_of_the_project() -> None:
    with pytest.raises(ProjectError, match="has no group 'finanze'"):
        require(group="finanze")


def test_the_menu_is_not_what_guards_a_page() -> None:
    app = app_of(Role.VIEWER)
    app.session_state["authentication_status"] = True
    app.session_state["roles"] = ["admin"]
    app.session_state["username"] = "admin"
    at(app, "users")
    assert "does not permit" in app.warning[0].value


def test_the_flag_of_the_library_signs_nobody_in() -> None:
    app = stranger()
    app.session_state["authentication_status"] = True
    app.session_state["username"] = "admin"
    app.session_state["roles"] = ["admin"]
    app.run()
    assert buttons(app) == ["Sign in", "Set the password"]


@pytest.mark.parametrize(
    "loss", [{"roles": frozenset({Role.VIEWER})}, {"must_change_password": True}]
)
def test_a_callback_asks_for_the_role_again(loss: dict[str, object]) -> None:
    # The page is open, with all its buttons, when the admin loses the role, or trust.
    admin = add_user(Role.ADMIN, "ann")
    victim = add_user(Role.VIEWER, "bob")
    app = opened_by(admin)
    at(app, "users")
    app.selectbox(key="users_chosen").set_value(victim.id).run()
    disable = next(button for button in app.button if button.label == "Disable")
    with transaction() as session:  # the session lives on, for the few seconds of the cache
        session.execute(update(User).where(User.id == admin.id).values(**loss))
    sessions.forget_cached()
    disable.click().run()
    found = users.get(victim.id)
    assert found is not None
    assert found.enabled


def test_a_user_without_a_password_of_his_own_gets_nowhere_else() -> None:
    app = opened_by(add_user(Role.ADMIN, must_change_password=True))
    for page in ("start", "users", "account"):
        at(app, page)
        assert "choose a password" in app.info[0].value
        assert [field.label for field in app.text_input] == [
            "Current password",
            "New password",
            "Repeat the new password",
        ]
        assert not app.dataframe


def test_an_absent_database_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(Role.VIEWER)
    app.run()
    sessions.forget_cached()
    monkeypatch.setenv("DATABASE_URL", "sqlite:////proc/nowhere/app.db")
    get_settings.cache_clear()
    app.run()
    assert "database does not answer" in app.error[0].value
    assert not app.exception
    assert not app.dataframe


def test_everyone_is_an_editor_without_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_BACKEND", "none")
    app = at(stranger(), "start")
    assert titles(app) == ["Start"]
    assert {info.get("url_pathname") for info in app._registered_pages.values()}.isdisjoint(
        {"users", "audit", "account"}
    )
    assert "Sign out" not in buttons(app)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_details_and_settings_are_for_admins(role: Role) -> None:
    app = at(app_of(role), "health")
    assert list(app.table[0].value.columns) == ["Status"]
    assert not app.metric
    at(app, "about")
    assert not app.dataframe
    assert not app.exception
