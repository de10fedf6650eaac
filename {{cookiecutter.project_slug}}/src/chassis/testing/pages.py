"""Pages without a browser: Streamlit's AppTest in the frame of the app, as users of each role."""

from typing import Any

from streamlit.testing.v1 import AppTest

from .. import streamlit_private
from ..auth import audit, sessions, users
from ..auth.roles import Role
from ..auth.users import Account
from ..server.application import SCRIPT
from ..settings import get_settings

PASSWORD = "seven purple elephants"
SYSTEM = audit.Actor(None, "test")


def app_of(role: Role, **options: Any) -> AppTest:
    """Return the app as a new user with this role sees it, not yet run; options of `add_user`."""
    return opened_by(add_user(role, **options))


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


def set_roles(user: Account, *roles: Role) -> None:
    """Give the user these roles in the place of those that he or she has."""
    users.set_roles(user.id, roles, actor=SYSTEM)


def at(app: AppTest, address: str) -> AppTest:
    """Open the page with this address, and run it.

    AppTest.switch_page looks for files, which the pages of the chassis are not.
    """
    streamlit_private.choose_page(app, address)
    app.run()
    if not streamlit_private.knows_page(app, address):  # Streamlit opens the start page instead
        raise ValueError(f"no page of the menu has the address {address!r}")
    return app
