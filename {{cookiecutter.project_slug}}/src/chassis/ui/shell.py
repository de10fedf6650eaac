"""The frame around each page: what all pages share, then the page that was asked for."""

import time

import streamlit as st

from .. import logs, project, session_notes, streamlit_private
from ..auth import sign_in
from ..auth.current import client_address, current_user, go_home
from ..auth.identity import Identity
from ..i18n import _
from ..settings import get_settings
from . import menu
from .language import language_switch
from .libraries import import_libraries
from .plain_text import plain
from .problems import EXPECTED, draw_problem


def draw() -> None:
    """Draw everything: the script of the app."""
    import_libraries()
    started = time.perf_counter()
    settings = get_settings()
    ours = project.current()
    icon = str(ours.folder / ours.icon)
    # The icon comes first: otherwise st.navigation loads that of the page from fonts.gstatic.com.
    st.set_page_config(page_icon=icon, page_title=settings.app_name, layout="wide")
    if ours.logo:
        st.logo(str(ours.folder / ours.logo), size="large", icon_image=icon)
    else:
        st.logo(icon, size="large")
    # The CSV that a table offers by itself would run as formulas what `spreadsheet` makes harmless.
    st.html("<style>button[aria-label^='Download as CSV'] {display: none}</style>")
    with st.sidebar:
        language_switch()
    try:
        _run_page(settings.app_name)
    except EXPECTED as problem:
        draw_problem(problem)
    finally:  # also when the page ends with st.stop() or an error
        if settings.app_debug:
            _draw_debug_panel(time.perf_counter() - started)


def _run_page(app_name: str) -> None:
    """Run the page that was asked for, or what has to come before it."""
    user = current_user()
    if user is None:
        page = menu.stand_in("login", _("Sign in"))
    elif user.must_change_password:
        _draw_user(user)
        page = menu.stand_in("account", _("Account"))
    else:
        _draw_user(user)
        page = menu.draw_menu(plain(app_name), user)
    st.set_page_config(page_title=f"{page.title} · {app_name}")
    _tell_if_throttled()
    page.run()


def _draw_user(user: Identity) -> None:
    """Draw who is signed in, and the way out."""
    if user.backend == "none":
        return
    with st.sidebar:
        st.caption(_("Signed in as %(name)s", name=plain(user.name or user.username)))
        if user.session_id is not None and st.button(
            _("Sign out"), icon=":material/logout:", width="stretch", key="sign_out"
        ):
            sign_in.sign_out(user, client_address())
            go_home()


def _tell_if_throttled() -> None:
    """Say so if clicks were delayed because they came faster than RATE_LIMIT_RERUN allows."""
    session_id = streamlit_private.session_id()
    if session_id is not None and session_notes.throttled.take(session_id):
        text = _("That was faster than this app can follow. Your clicks were delayed, not lost.")
        st.toast(text, icon=":material/hourglass_top:")


def _draw_debug_panel(seconds: float) -> None:
    """Draw what helps to find this run in the log."""
    state = {str(key): type(value).__name__ for key, value in st.session_state.items()}
    run = {**logs.run_context(), "duration_ms": round(seconds * 1000, 1), "session_state": state}
    with st.sidebar.expander(_("Debug"), icon=":material/bug_report:"):
        st.json(run)
