"""What happens when a page fails: the log has the traceback, the user gets an id to report."""

import streamlit as st

from .. import metrics, session_notes, streamlit_private
from ..i18n import _
from ..logs import error_id
from ..settings import get_settings
from ..ui.problems import EXPECTED, draw_problem


def on_script_error(error: Exception) -> bool:
    """Count an uncaught error of a page; return whether the user has been told.

    Streamlit calls this in the thread of the script, after it has logged the error.
    """
    if isinstance(error, EXPECTED):  # in a callback or a fragment, which run without main.py
        draw_problem(error)
        return True
    metrics.script_error(type(error).__name__)
    if (session_id := streamlit_private.session_id()) is not None:
        session_notes.failed.add(session_id)
    if get_settings().is_development:
        return False  # Streamlit shows the traceback
    message = _(
        "Something went wrong. Please try again. If it happens again, report this error id: "
        "%(error_id)s",
        error_id=error_id(error),
    )
    st.error(message, icon=":material/error:")
    return True
