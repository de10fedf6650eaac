"""The Streamlit script: runs at each interaction, draws what all pages share, then the page."""

import time
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from {{cookiecutter.package_name}} import logs
from {{cookiecutter.package_name}}.i18n import _, language_switch
from {{cookiecutter.package_name}}.plain_text import plain
from {{cookiecutter.package_name}}.rate_limit import take_throttled
from {{cookiecutter.package_name}}.settings import get_settings

ICON = Path(__file__).with_name("icon.svg")


def all_pages() -> list[st.Page]:
    """Return the pages in the order of the menu; add yours here.

    Their folder must not be called "pages": Streamlit opens the files of a folder of that name
    without running this script, until somebody has opened the home page.
    """
    return [
        st.Page("views/home.py", title=_("Home"), icon=":material/home:", default=True),
        st.Page("views/health.py", title=_("Health"), icon=":material/monitor_heart:"),
        st.Page("views/about.py", title=_("About"), icon=":material/info:"),
    ]


def tell_if_throttled() -> None:
    """Say so if clicks were delayed because they came faster than RATE_LIMIT_RERUN allows."""
    context = get_script_run_ctx()
    if context is not None and take_throttled(context.session_id):
        text = _("That was faster than this app can follow. Your clicks were delayed, not lost.")
        st.toast(text, icon=":material/hourglass_top:")


def draw_debug_panel(seconds: float) -> None:
    """Draw what helps to find this run in the log."""
    state = {str(key): type(value).__name__ for key, value in st.session_state.items()}
    run = {**logs.run_context(), "duration_ms": round(seconds * 1000, 1), "session_state": state}
    with st.sidebar.expander(_("Debug"), icon=":material/bug_report:"):
        st.json(run)


started = time.perf_counter()
settings = get_settings()

# The icon comes first: otherwise st.navigation loads that of the page from fonts.gstatic.com.
st.set_page_config(page_icon=ICON, layout="wide")
st.logo(str(ICON), size="large")
with st.sidebar:
    language_switch()
page = st.navigation({plain(settings.app_name): all_pages()})
st.set_page_config(page_title=f"{page.title} · {settings.app_name}")
tell_if_throttled()
try:
    page.run()
finally:  # also when the page ends with st.stop() or an error
    if settings.app_debug:
        draw_debug_panel(time.perf_counter() - started)
