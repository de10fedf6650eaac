"""What users read when they may not do something, or when the database is away."""

from __future__ import annotations

import streamlit as st

from .auth.access import AccessDenied
from .data.engine import DatabaseUnavailable
from .i18n import _

# Errors that are nobody's mistake; everything else is one, and ends in the log.
EXPECTED = (AccessDenied, DatabaseUnavailable)


def draw_problem(problem: Exception) -> None:
    """Draw the text for one of the EXPECTED errors."""
    if isinstance(problem, AccessDenied):
        st.warning(_("Your account does not permit this."), icon=":material/lock:")
        st.caption(_("If you need it for your work, ask an administrator."))
    else:
        text = _("The database does not answer. Nothing was saved; please try again in a minute.")
        st.error(text, icon=":material/database_off:")
        st.button(_("Try again"), icon=":material/refresh:", key="retry")
