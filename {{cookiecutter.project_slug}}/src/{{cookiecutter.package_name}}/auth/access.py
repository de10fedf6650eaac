"""Who may open which page and start which action: the only place that decides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from ..i18n import _
from .current import current_user
from .roles import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .identity import Identity

__all__ = [
    "AccessDenied",
    "Entry",
    "current_user",
    "current_user_or_stop",
    "draw_menu",
    "entry",
    "require",
    "role_name",
    "stand_in",
]


class AccessDenied(Exception):  # noqa: N818 - a refusal, nothing failed
    """The user's roles do not permit what was asked for."""


def role_name(role: Role) -> str:
    """Return what users call a role, in their language."""
    names = {
        Role.VIEWER: _("Viewer"),
        Role.EDITOR: _("Editor"),
        Role.ADMIN: _("Administrator"),
    }
    return names[role]


class Entry(NamedTuple):
    """A page of the menu and the role that it needs."""

    script: str
    role: Role
    options: dict[str, Any]


def entry(script: str, role: Role, **options: Any) -> Entry:
    """Declare a page for users with this role; the options are those of st.Page."""
    return Entry(script, role, options)


def draw_menu(section: str, entries: Sequence[Entry], user: Identity) -> st.Page:
    """Draw the menu of what the user may open; return the page that was asked for.

    It knows all pages, so that the address of one that is not for the user leads to a text that
    says so: raises AccessDenied.
    """
    roles = {}
    for script, role, options in entries:
        page = st.Page(script, visibility="visible" if user.has(role) else "hidden", **options)
        roles[page] = role
    page = st.navigation({section: list(roles)})
    if not user.has(roles[page]):
        st.title(page.title)
        raise AccessDenied
    return page


def stand_in(script: str, title: str, entries: Sequence[Entry]) -> st.Page:
    """Return one page that is shown, without a menu, at the addresses of all the others."""
    pages = [
        st.Page(
            script,
            title=title,
            url_path=Path(one.script).stem,
            default=one.options.get("default", False),
        )
        for one in entries
    ]
    return st.navigation(pages, position="hidden")


def require(role: Role) -> Identity:
    """Return the user if he or she has the role, else raise AccessDenied.

    Call it first in everything that changes something: callbacks and fragments run without the
    main script and its guard.
    """
    user = current_user()
    if user is None or user.must_change_password or not user.has(role):
        raise AccessDenied
    return user


def current_user_or_stop() -> Identity:
    """Return the user; end the run where nobody is signed in."""
    user = current_user()
    if user is None:
        st.stop()
    return user
