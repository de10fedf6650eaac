"""Who may open which page and start which action: the only place that decides."""

import streamlit as st

from .. import project
from ..i18n import _
from ..project import ProjectError
from .current import current_user
from .identity import Identity
from .roles import Role


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


def require(role: Role = Role.VIEWER, *, group: str | None = None) -> Identity:
    """Return the user if they have the role, and are in the group; else raise AccessDenied.

    Call it first in everything that changes something: callbacks and fragments run without the
    main script and its guard. Administrators are in a group only if somebody put them there.
    """
    if group is not None and group not in project.current().groups:
        raise ProjectError(f"app.py has no group {group!r}: Chassis(..., groups=[{group!r}])")
    user = current_user()
    if user is None or user.must_change_password or not user.has(role, group):
        raise AccessDenied
    return user


def current_user_or_stop() -> Identity:
    """Return the user; end the run where nobody is signed in."""
    user = current_user()
    if user is None:
        st.stop()
    return user
