"""The language switch."""

import streamlit as st

from .. import project
from ..i18n import _, current_language
from ..settings import get_settings


def language_switch() -> None:
    """Draw the switch; the choice goes into the address, so that a reload keeps it."""
    languages = project.current().languages
    if len(languages) < 2:
        return
    now = current_language()
    language = st.selectbox(
        _("Language"),
        list(languages),
        index=list(languages).index(now) if now in languages else 0,
        format_func=languages.__getitem__,
        key="language",
        icon=":material/language:",
        filter_mode=None,
    )
    if language != st.query_params.get("lang", get_settings().app_language):
        st.query_params["lang"] = language
