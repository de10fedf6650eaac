"""Account page: who is signed in, the password, and the browsers that are signed in."""

import pandas as pd
import streamlit as st

from ..auth import form, sessions, sign_in
from ..auth.access import current_user_or_stop, require, role_name
from ..auth.audit import Actor
from ..auth.browser_names import browser_name
from ..auth.current import browser_hash, client_address, finish_sign_in
from ..auth.groups import group_names
from ..auth.identity import Identity
from ..auth.roles import Role
from ..auth.sign_in import Outcome
from ..i18n import _
from ..settings import get_settings
from ..ui.local_time import local_time
from ..ui.plain_text import plain
from ..ui.problems import draw_refusal


def draw_user(user: Identity) -> None:
    """Draw what the app knows about the user."""
    roles = [role_name(role) for role in Role if role in user.roles]
    groups = {_("Groups"): group_names(user.groups)} if user.groups else {}
    rows = {
        _("User name"): user.username,
        _("Name"): user.name if user.name != user.username else "",
        _("E-mail"): user.email,
        _("Role"): ", ".join(roles),
        **groups,
    }
    texts = [f"**{label}**  \n{plain(text)}" for label, text in rows.items() if text]
    with st.container(horizontal=True, gap="large", border=True):
        for text in texts:
            st.container(width="content").markdown(text)


def draw_password(user: Identity) -> None:
    """Draw the form that changes the password."""
    outcome = Outcome("ok")

    def change(password: str, new: str) -> None:
        nonlocal outcome
        outcome = sign_in.change_password(
            user, password, new, browser=browser_hash(), address=client_address()
        )
        if outcome.status == "ok":  # every session has ended, this one goes on as a new one
            finish_sign_in(outcome.code, done=True)

    rules = _(
        "At least %(number)s characters. Several words in a row are long and easy to remember.",
        number=get_settings().auth_password_min_length,
    )
    with st.container(width=480):
        try:
            form.draw_password_change(change, title=_("Password"), rules=rules)
        except form.PasswordsDifferError:
            st.error(_("The new passwords are not the same."), icon=":material/error:")
        draw_refusal(outcome, _("The current password is wrong."))


def draw_sessions(user: Identity) -> None:
    """Draw where the user is signed in, and the button that ends it elsewhere."""
    st.subheader(_("Where you are signed in"))
    own = sessions.list_sessions(user.user_id)
    rows = [
        {
            _("Browser"): browser_name(session.user_agent),
            _("Address"): session.address,
            _("Signed in"): local_time(session.created_at),
            _("Last used"): local_time(session.used_at),
            _("This browser"): "✓" if session.id == user.session_id else "",
        }
        for session in own
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.button(
        _("Sign out everywhere else"),
        icon=":material/logout:",
        on_click=end_other_sessions,
        disabled=len(own) < 2,
    )


def end_other_sessions() -> None:
    """End the user's sessions in other browsers."""
    user = require(Role.VIEWER)
    actor = Actor.of(user, client_address())
    for session in sessions.list_sessions(user.user_id):
        if session.id != user.session_id:
            sessions.revoke(session.id, actor)
    st.toast(_("You are signed out everywhere else."), icon=":material/check_circle:")


def draw() -> None:
    """Draw the page."""
    user = current_user_or_stop()
    st.title(_("Account"))
    if st.query_params.pop("done", None):
        st.toast(_("The password is changed."), icon=":material/check_circle:")
    if user.must_change_password:
        st.info(
            _("Please choose a password of your own. Then the app opens."), icon=":material/key:"
        )
    else:
        draw_user(user)
    if user.backend == "password":
        draw_password(user)
    if user.session_id is not None and not user.must_change_password:
        draw_sessions(user)
