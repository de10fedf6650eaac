"""Translations: gettext catalogues in locale/; the English text in the code is the key.

After a change of texts run `make messages`, translate what is new in the .po file, run it again.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from .settings import get_settings

# All languages but English need locale/<language>/LC_MESSAGES/messages.po.
LANGUAGES: Final = {"en": "English", "ko": "한국어"}
LOCALE_DIR: Final = Path(__file__).with_name("locale")


def _(message: str, **values: object) -> str:
    """Translate the message and fill in its %(name)s placeholders."""
    text = _catalogue(current_language()).gettext(message)
    return text % values if values else text


def current_language() -> str:
    """Return the language of this session; outside of a script run that of APP_LANGUAGE."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        # A new session has no state yet, but maybe an address with ?lang=.
        chosen = st.session_state.get("language") or st.query_params.get("lang")
        if chosen in LANGUAGES:
            return str(chosen)
    return get_settings().app_language


def language_switch() -> None:
    """Draw the language switch; the choice goes into the address, so that a reload keeps it."""
    if len(LANGUAGES) < 2:
        return
    language = st.selectbox(
        _("Language"),
        list(LANGUAGES),
        index=list(LANGUAGES).index(current_language()),
        format_func=LANGUAGES.__getitem__,
        key="language",
        icon=":material/language:",
        filter_mode=None,
    )
    if language != st.query_params.get("lang", get_settings().app_language):
        st.query_params["lang"] = language


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("messages", LOCALE_DIR, [language], fallback=True)
