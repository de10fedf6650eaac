"""The Streamlit script: runs at each interaction, draws what all pages share, then the page."""

import time
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from {{cookiecutter.package_name}} import logs
from {{cookiecutter.package_name}}.auth import access, sign_in
from {{cookiecutter.package_name}}.auth.access import Entry, entry
from {{cookiecutter.package_name}}.auth.current import (
    client_address,
    current_user,
    go_home,
)
from {{cookiecutter.package_name}}.auth.identity import Identity
from {{cookiecutter.package_name}}.auth.roles import Role
from {{cookiecutter.package_name}}.i18n import _, language_switch
from {{cookiecutter.package_name}}.libraries import import_libraries
from {{cookiecutter.package_name}}.plain_text import plain
from {{cookiecutter.package_name}}.problems import EXPECTED, draw_problem
from {{cookiecutter.package_name}}.rate_limit import take_throttled
from {{cookiecutter.package_name}}.settings import get_settings

ICON = Path(__file__).with_name("icon.svg")


def all_pages() -> list[Entry]:
    """Return the pages in the order of the menu, each with the role that it needs; add yours here.

    Their folder must not be called "pages": Streamlit opens the files of a folder of that name
    without running this script, until somebody has opened the home page.
    """
    pages = [
        entry("views/home.py", Role.VIEWER, title=_("Home"), icon=":material/home:", default=True),
        entry("views/records.py", Role.VIEWER, title=_("Equipment"), icon=":material/inventory_2:"),
        entry("views/health.py", Role.VIEWER, title=_("Health"), icon=":material/monitor_heart:"),
        entry("views/about.py", Role.VIEWER, title=_("About"), icon=":material/info:"),
    ]
    if settings.auth_backend != "none":
        icon = ":material/account_circle:"
        pages.append(entry("views/account.py", Role.VIEWER, title=_("Account"), icon=icon))
        if settings.auth_backend != "proxy":  # its users are kept elsewhere
            icon = ":material/group:"
            pages.append(entry("views/users.py", Role.ADMIN, title=_("Users"), icon=icon))
        icon = ":material/history:"
        pages.append(entry("views/audit.py", Role.ADMIN, title=_("Audit log"), icon=icon))
    return pages


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


def run_page() -> None:
    """Run the page that was asked for, or what has to come before it."""
    user = current_user()
    if user is None:
        page = access.stand_in("views/login.py", _("Sign in"), all_pages())
    elif user.must_change_password:
        draw_user(user)
        page = access.stand_in("views/account.py", _("Account"), all_pages())
    else:
        draw_user(user)
        page = access.draw_menu(plain(settings.app_name), all_pages(), user)
    st.set_page_config(page_title=f"{page.title} · {settings.app_name}")
    tell_if_throttled()
    page.run()


def draw_user(user: Identity) -> None:
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


import_libraries()
started = time.perf_counter()
settings = get_settings()

# The icon comes first: otherwise st.navigation loads that of the page from fonts.gstatic.com.
st.set_page_config(page_icon=ICON, page_title=settings.app_name, layout="wide")
st.logo(str(ICON), size="large")
# The CSV that a table offers by itself would run as formulas what `spreadsheet` makes harmless.
st.html("<style>button[aria-label^='Download as CSV'] {display: none}</style>")
with st.sidebar:
    language_switch()
try:
    run_page()
except EXPECTED as problem:
    draw_problem(problem)
finally:  # also when the page ends with st.stop() or an error
    if settings.app_debug:
        draw_debug_panel(time.perf_counter() - started)
