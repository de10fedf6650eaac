"""The adapter to streamlit-authenticator, and the only module that knows it.

Two of its widgets draw our forms: login and reset password. Everything behind them is replaced,
because the library keeps its users in a YAML file or a dictionary, compares passwords with bcrypt
for known users only, and stays signed in by a token that scripts can read and that outlives the
logout. Here a form asks `check` or `change`, and a sign-in ends in a session on the server.
The widgets for registration, forgotten passwords, codes by e-mail and captchas are not used: they
belong to that file, or send data to the author's server.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_authenticator import Authenticate
from streamlit_authenticator.views import authentication_view

from ..i18n import _

LOGIN: Final = "Login"
CHANGE: Final = "Reset password"

# What the fields of a form hold, in their order: the library tells password managers "off".
AUTOCOMPLETE: Final = {
    LOGIN: ("username", "current-password"),
    CHANGE: ("current-password", "new-password", "new-password"),
}


class PasswordsDifferError(Exception):
    """The new password was not typed the same way twice."""


class _Typed(str):
    """A text that stays as it was typed, because the library cuts spaces off passwords."""

    __slots__ = ()

    def strip(self, _characters: str | None = None) -> str:
        return self


class _Form:
    """A form of Streamlit whose text fields say what they hold."""

    def __init__(self, form: DeltaGenerator, fields: Iterator[str]) -> None:
        self._form = form
        self._fields = fields

    def text_input(self, *args: Any, **options: Any) -> str:
        options["autocomplete"] = next(self._fields)
        return _Typed(self._form.text_input(*args, **options) or "")

    def form_submit_button(self, label: str) -> bool:
        return self._form.form_submit_button(label, type="primary", width="stretch")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._form, name)


class _Streamlit:
    """What the library imports as `st`: all of Streamlit, but with our forms."""

    def form(self, key: str, **options: Any) -> _Form:
        return _Form(st.form(key=key, **options), iter(AUTOCOMPLETE[key]))

    def __getattr__(self, name: str) -> Any:
        return getattr(st, name)


authentication_view.st = _Streamlit()


class _Checks:
    """Stands in for the library's controller of credentials."""

    def __init__(
        self,
        check: Callable[[str, str], bool] | None = None,
        change: Callable[[str, str], None] | None = None,
    ) -> None:
        self._check = check
        self._change = change

    def login(
        self, username: str = "", password: str = "", *_rest: object, **_options: object
    ) -> bool:
        return self._check is not None and self._check(str(username), str(password))

    def reset_password(
        self, _username: str, password: str, new: str, repeat: str, _callback: object = None
    ) -> bool:
        if new != repeat:
            raise PasswordsDifferError
        if self._change is not None:
            self._change(str(password), str(new))
        return True


class _ServerSession:
    """Stands in for the library's controller of cookies: the session is on the server."""

    def __init__(self, finish: Callable[[], None] | None = None) -> None:
        self._finish = finish

    def get_cookie(self) -> None:
        """Answer that nobody is signed in: otherwise the form would not be drawn."""

    def set_cookie(self) -> None:
        """Called after a successful check."""
        if self._finish is not None:
            self._finish()


class _Authenticate(Authenticate):  # type: ignore[misc] # the library has no types
    """The widgets without what the library's own constructor builds behind them."""

    def __init__(self, checks: _Checks, session: _ServerSession, rules: str = "") -> None:
        self.path = None
        self.attrs = {"login_sleep_time": 0, "password_instructions": rules}
        self.authentication_controller = checks
        self.cookie_controller = session


def draw_login(check: Callable[[str, str], bool], finish: Callable[[], None]) -> None:
    """Draw the form; `check` gets user name and password, `finish` is called if it says yes."""
    # The library leaves its form out where its own flag says that somebody is signed in. Nothing
    # else reads this flag: who is there is what current_user() says.
    st.session_state["authentication_status"] = None
    fields = {
        "Form name": _("Sign in"),
        "Username": _("User name"),
        "Password": _("Password"),
        "Login": _("Sign in"),
    }
    _Authenticate(_Checks(check), _ServerSession(finish)).login(key=LOGIN, fields=fields)


def draw_password_change(change: Callable[[str, str], None], *, title: str, rules: str) -> None:
    """Draw the form; `change` gets the old and the new password. May raise PasswordsDifferError."""
    st.session_state["authentication_status"] = True  # else the library raises
    fields = {
        "Form name": title,
        "Current password": _("Current password"),
        "New password": _("New password"),
        "Repeat password": _("Repeat the new password"),
        "Reset": _("Change the password"),
    }
    widgets = _Authenticate(_Checks(change=change), _ServerSession(), rules)
    widgets.reset_password("", key=CHANGE, fields=fields, clear_on_submit=True)
