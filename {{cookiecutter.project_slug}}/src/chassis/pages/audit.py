"""Audit log: who signed in, who changed what, when and from where; for administrators."""

import math

import pandas as pd
import streamlit as st

from ..auth import audit
from ..auth.access import require
from ..auth.roles import Role
from ..i18n import _
from ..settings import get_settings
from ..ui.local_time import local_time

ROWS = 50


def event_names() -> dict[str, str]:
    """Return what users call each event, in their language."""
    return {
        audit.SIGNED_IN: _("Signed in"),
        audit.SIGN_IN_FAILED: _("Sign-in failed"),
        audit.SIGNED_OUT: _("Signed out"),
        audit.SESSION_ENDED: _("Session ended"),
        audit.USER_ADDED: _("User added"),
        audit.USER_DISABLED: _("User disabled"),
        audit.USER_ENABLED: _("User enabled"),
        audit.USER_REMOVED: _("User removed"),
        audit.ROLES_CHANGED: _("Role changed"),
        audit.GROUPS_CHANGED: _("Groups changed"),
        audit.PASSWORD_CHANGED: _("Password changed"),
        audit.RESET_CODE_MADE: _("Reset code made"),
    }


def choose_filters() -> tuple[str, str]:
    """Draw the filters; return the text to look for and the event."""
    names = event_names()
    search, kind = st.columns(2)
    text = search.text_input(
        _("Search"),
        placeholder=_("Name or address"),
        icon=":material/search:",
        key="audit_text",
    )
    event = kind.selectbox(
        _("Event"),
        list(names),
        index=None,
        format_func=names.__getitem__,
        placeholder=_("All events"),
        key="audit_event",
    )
    return text.strip(), event or ""


def draw_events(text: str, event: str) -> None:
    """Draw one page of the events, and the way to the others."""
    total = audit.list_events(text=text, event=event, limit=0)[1]
    if not total:
        st.info(_("No events match."), icon=":material/search_off:")
        return
    table = st.container()
    pages = math.ceil(total / ROWS)
    page = st.pagination(pages, key="audit_page") if pages > 1 else 1
    events, _total = audit.list_events(text=text, event=event, limit=ROWS, offset=ROWS * (page - 1))
    names = event_names()
    rows = [
        {
            _("Time"): local_time(one.at, seconds=True),
            _("Event"): names.get(one.event, one.event),
            _("By"): one.actor,
            _("About"): one.subject,
            _("Address"): one.address,
            _("Detail"): one.detail,
        }
        for one in events
    ]
    table.dataframe(pd.DataFrame(rows), hide_index=True, height="content")
    st.caption(
        _(
            "%(total)s events, the newest first. They are kept for %(days)s days.",
            total=total,
            days=get_settings().audit_keep_days,
        )
    )


def draw() -> None:
    """Draw the page."""
    require(Role.ADMIN)
    st.title(_("Audit log"))
    draw_events(*choose_filters())
