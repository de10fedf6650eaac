"""What happens when a page fails: the log has the traceback, the user gets an id to report."""

import threading
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from .. import metrics
from ..i18n import _
from ..logs import error_id
from ..settings import get_settings
from ..ui.problems import EXPECTED, draw_problem

MAX_NOTED: Final = 1000

_failed: dict[str, None] = {}
_lock = threading.Lock()


def on_script_error(error: Exception) -> bool:
    """Count an uncaught error of a page; return whether the user has been told.

    Streamlit calls this in the thread of the script, after it has logged the error.
    """
    if isinstance(error, EXPECTED):  # in a callback or a fragment, which run without main.py
        draw_problem(error)
        return True
    metrics.script_error(type(error).__name__)
    context = get_script_run_ctx(suppress_warning=True)
    if context is not None:
        mark_failed(context.session_id)
    if get_settings().is_development:
        return False  # Streamlit shows the traceback
    message = _(
        "Something went wrong. Please try again. If it happens again, report this error id: "
        "%(error_id)s",
        error_id=error_id(error),
    )
    st.error(message, icon=":material/error:")
    return True


def mark_failed(session_id: str) -> None:
    """Note that the running script of a session failed."""
    with _lock:
        _failed[session_id] = None
        if len(_failed) > MAX_NOTED:  # nobody takes the notes when metrics are off
            del _failed[next(iter(_failed))]


def take_failed(session_id: str) -> bool:
    """Return whether the script of a session failed since the last call."""
    with _lock:
        return session_id in _failed and _failed.pop(session_id) is None
