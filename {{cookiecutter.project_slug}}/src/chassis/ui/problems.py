"""What users read when something is refused to them, or when the database is away."""

import math

import streamlit as st

from ..auth.access import AccessDenied
from ..auth.sign_in import Outcome
from ..database.engine import DatabaseUnavailable
from ..i18n import _
from .plain_text import plain

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


def draw_refusal(outcome: Outcome, wrong: str) -> None:
    """Say why an attempt with a password or a code failed; `wrong` for one that was not right."""
    if outcome.status == "wait":
        minutes = math.ceil(outcome.seconds / 60)
        text = _("Too many attempts. Please try again in %(minutes)s min.", minutes=minutes)
        st.warning(text, icon=":material/hourglass_top:")
    elif outcome.status == "refused":
        st.error(plain(outcome.message), icon=":material/error:")
    elif outcome.status == "wrong":
        st.error(wrong, icon=":material/error:")
