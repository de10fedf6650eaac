"""Users page: add, disable, give roles, reset passwords, end sessions; for administrators."""

import math
from collections.abc import Callable

import pandas as pd
import streamlit as st

from .. import project
from ..auth import sessions, users
from ..auth.access import require, role_name
from ..auth.audit import Actor
from ..auth.browser_names import browser_name
from ..auth.current import client_address
from ..auth.groups import group_names
from ..auth.roles import Role
from ..auth.users import Account, UserError
from ..i18n import _
from ..settings import get_settings
from ..ui.local_time import local_time
from ..ui.plain_text import plain

ROWS = 50


def highest(roles: frozenset[Role]) -> Role:
    """Return the role that includes the others; the page gives each user one."""
    return max(roles, key=list(Role).index, default=Role.VIEWER)


def admin() -> Actor:
    """Return who is clicking; every change asks for the role again."""
    return Actor.of(require(Role.ADMIN), client_address())


def attempt(change: Callable[[], object], done: str) -> bool:
    """Make a change and say how it ended, in the run that follows."""
    try:
        change()
    except UserError as error:
        st.session_state["users_notice"] = ("error", str(error))
        return False
    st.session_state["users_notice"] = ("success", done)
    return True


def draw_notice() -> None:
    """Say how the last change ended."""
    kind, text = st.session_state.pop("users_notice", (None, ""))
    if kind == "error":
        st.error(plain(text), icon=":material/error:")
    elif kind == "success":
        st.toast(plain(text), icon=":material/check_circle:")


def draw_code() -> None:
    """Show the code that was just made, this once."""
    username, code = st.session_state.pop("users_code", (None, ""))
    if username is None:
        return
    with st.container(border=True):
        st.write(
            _(
                "Give this code to %(username)s in a way that only they can read. It works once, "
                "within %(hours)s hours: on the sign-in page, below the password.",
                username=f"**{plain(username)}**",
                hours=users.RESET_CODE_HOURS,
            )
        )
        st.code(code, language=None)


# --- All users ------------------------------------------------------------------------------------


def draw_users() -> list[Account]:
    """Draw the table of users with search and paging; return those of this page."""
    search, button = st.columns([3, 1], vertical_alignment="bottom")
    text = search.text_input(
        _("Search"), placeholder=_("Name or e-mail"), icon=":material/search:", key="users_text"
    )
    if get_settings().auth_backend == "password":  # a provider's users appear when they sign in
        with button.popover(_("Add a user"), icon=":material/person_add:", width="stretch"):
            draw_add_form()
    total = users.list_accounts(text=text.strip(), limit=0)[1]
    if not total:
        st.info(_("No users match."), icon=":material/search_off:")
        return []
    table = st.container()
    pages = math.ceil(total / ROWS)
    page = st.pagination(pages, key="users_page") if pages > 1 else 1
    shown, _total = users.list_accounts(text=text.strip(), limit=ROWS, offset=ROWS * (page - 1))
    rows = [
        {
            _("User name"): user.username,
            _("Name"): user.name,
            _("E-mail"): user.email,
            _("Role"): role_name(highest(user.roles)),
            **({_("Groups"): group_names(user.groups)} if project.current().groups else {}),
            _("State"): state(user),
            _("Last sign-in"): local_time(user.last_login_at),
        }
        for user in shown
    ]
    table.dataframe(pd.DataFrame(rows), hide_index=True, height="content")
    return shown


def state(user: Account) -> str:
    """Say in a word or two whether the user can sign in."""
    if not user.enabled:
        return _("Disabled")
    if user.last_login_at is None:
        return _("Never signed in")
    return _("New password due") if user.must_change_password else _("Active")


def draw_add_form() -> None:
    """Draw the form for a new user, who gets a code to choose a password with."""
    with st.form("add", border=False, clear_on_submit=True):
        st.text_input(_("User name"), key="add_username", autocomplete="off")
        st.text_input(_("Name"), key="add_name", autocomplete="off")
        st.text_input(_("E-mail"), key="add_email", autocomplete="off")
        st.selectbox(_("Role"), list(Role), format_func=role_name, key="add_role")
        if groups := project.current().groups:
            st.multiselect(
                _("Groups"), groups, format_func=_, placeholder=_("None"), key="add_groups"
            )
        st.form_submit_button(_("Add"), type="primary", on_click=add_user, width="stretch")


def add_user() -> None:
    """Add the user of the form."""
    actor = admin()
    fields = st.session_state

    def change() -> None:
        user = users.create(
            fields["add_username"],
            name=fields["add_name"],
            email=fields["add_email"],
            roles={fields["add_role"]},
            groups=fields.get("add_groups", ()),
            actor=actor,
        )
        fields["users_code"] = (user.username, users.make_reset_code(user.id, actor))

    attempt(change, _("The user is added."))


# --- One user -------------------------------------------------------------------------------------


def draw_user(user: Account) -> None:
    """Draw what can be done with a user."""
    with st.container(border=True):
        st.markdown(f"**{plain(user.name or user.username)}** · {state(user)}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if user.backend == "password":  # a provider decides about the roles of its users
                role = st.selectbox(
                    _("Role"),
                    list(Role),
                    index=list(Role).index(highest(user.roles)),
                    format_func=role_name,
                    key=f"role_{user.id}_{highest(user.roles)}",
                    width=200,
                )
                st.button(
                    _("Save the role"),
                    on_click=set_role,
                    args=(user.id, role),
                    disabled=role == highest(user.roles),
                )
                draw_groups(user)
                st.button(
                    _("Make a code for a new password"),
                    icon=":material/key:",
                    on_click=make_code,
                    args=(user.id, user.username),
                    disabled=not user.enabled,
                )
            if user.enabled:
                st.button(_("Disable"), icon=":material/block:", on_click=disable, args=(user.id,))
            else:
                st.button(_("Enable"), icon=":material/check:", on_click=enable, args=(user.id,))
        draw_sessions(user)


def draw_groups(user: Account) -> None:
    """Draw the choice of the user's groups, where there are some."""
    known = project.current().groups
    if not known:
        return
    own = [name for name in known if name in user.groups]
    chosen = st.multiselect(
        _("Groups"),
        known,
        default=own,
        format_func=_,
        placeholder=_("None"),
        key=f"groups_{user.id}_{','.join(own)}",
        width=300,
    )
    st.button(
        _("Save the groups"),
        on_click=set_groups,
        args=(user.id, chosen),
        disabled=set(chosen) == set(own),
    )


def draw_sessions(user: Account) -> None:
    """Draw where the user is signed in, and the button that ends it."""
    open_now = sessions.list_sessions(user.id)
    if not open_now:
        st.caption(_("Not signed in anywhere."))
        return
    rows = [
        {
            _("Browser"): browser_name(session.user_agent),
            _("Address"): session.address,
            _("Signed in"): local_time(session.created_at),
            _("Last used"): local_time(session.used_at),
        }
        for session in open_now
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content")
    st.button(
        _("End all sessions"),
        icon=":material/logout:",
        on_click=end_sessions,
        args=(user.id,),
    )


def set_role(user_id: int, role: Role) -> None:
    """Give the user this role."""
    actor = admin()
    attempt(lambda: users.set_roles(user_id, {role}, actor), _("The role is changed."))


def set_groups(user_id: int, groups: list[str]) -> None:
    """Put the user into these groups."""
    actor = admin()
    attempt(lambda: users.set_groups(user_id, groups, actor), _("The groups are changed."))


def make_code(user_id: int, username: str) -> None:
    """Make a code with which the user chooses a new password."""
    code = users.make_reset_code(user_id, admin())
    st.session_state["users_code"] = (username, code)


def disable(user_id: int) -> None:
    """Lock the user out."""
    actor = admin()
    attempt(lambda: users.disable(user_id, actor), _("The user is disabled."))


def enable(user_id: int) -> None:
    """Let the user in again."""
    actor = admin()
    attempt(lambda: users.enable(user_id, actor), _("The user is enabled."))


def end_sessions(user_id: int) -> None:
    """Sign the user out everywhere."""
    actor = admin()
    attempt(lambda: sessions.revoke_user(user_id, actor), _("The sessions are ended."))


def draw() -> None:
    """Draw the page."""
    require(Role.ADMIN)
    st.title(_("Users"))
    draw_notice()
    draw_code()
    accounts = {user.id: user for user in draw_users()}
    if accounts:
        chosen = st.selectbox(
            _("Change a user"),
            list(accounts),
            index=None,
            format_func=lambda user_id: accounts[user_id].username,
            placeholder=_("Choose a user"),
            key="users_chosen",
        )
        if chosen is not None:
            draw_user(accounts[chosen])
