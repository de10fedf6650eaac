"""What the tests of the pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from streamlit.testing.v1 import AppTest

from {{cookiecutter.package_name}}.auth import audit, sessions, users
from {{cookiecutter.package_name}}.auth.roles import Role
from {{cookiecutter.package_name}}.data import engine
from {{cookiecutter.package_name}}.rate_limit import get_limiter
from {{cookiecutter.package_name}}.settings import get_settings

from ..conftest import PROJECT, new_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from {{cookiecutter.package_name}}.auth.users import Account

PASSWORD = "seven purple elephants"
SYSTEM = audit.Actor(None, "test")
SCRIPT = PROJECT / "src" / "{{cookiecutter.package_name}}" / "main.py"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests read the texts as they are in the code, whatever the project's default."""
    monkeypatch.setenv("APP_LANGUAGE", "en")


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Forget what earlier tests did: every AppTest has the same session id."""
    yield
    get_limiter.cache_clear()


@pytest.fixture(autouse=True)
def own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test users of its own, who sign in with passwords."""
    monkeypatch.setenv("AUTH_BACKEND", "password")
    monkeypatch.setenv("DATABASE_URL", new_sqlite(tmp_path / "pages.db"))
    get_settings.cache_clear()
    yield
    sessions.forget_cached()
    engine.forget()


@pytest.fixture
def app() -> AppTest:
    """Return the app as an admin who has just opened it sees it, not yet run."""
    return app_of(Role.ADMIN)


def app_of(role: Role) -> AppTest:
    """Return the app as a new user with this role sees it, not yet run."""
    return opened_by(add_user(role))


def opened_by(user: Account) -> AppTest:
    """Return the app in a browser in which this user has signed in."""
    token = sessions.start(user.id, "203.0.113.9")
    app = stranger()
    app.user = {"app_session": sessions.hash_of(token)}
    return app


def stranger() -> AppTest:
    """Return the app as somebody sees it who is not signed in."""
    get_settings.cache_clear()  # a test may still change the environment
    app = AppTest.from_file(SCRIPT, default_timeout=30)
    app.user = {"app_session": sessions.hash_of(sessions.new_token())}
    return app


def add_user(role: Role, username: str = "", **options: Any) -> Account:
    """Add a user whose name is that of the role unless another is given."""
    options = {"password": PASSWORD, "must_change_password": False, **options}
    return users.create(username or role.value, roles={role}, actor=SYSTEM, **options)
