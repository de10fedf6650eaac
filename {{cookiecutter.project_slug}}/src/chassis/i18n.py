"""Translations: gettext catalogues; the English text in the code is the key.

That of the project, in its folder locale/, is asked first, then that of the chassis. `make
messages` writes them: docs/languages.md.
"""

import gettext
import sys
from functools import cache
from pathlib import Path
from typing import Final

from . import project

LOCALE_DIR: Final = Path(__file__).with_name("locale")


def _(message: str, **values: object) -> str:
    """Translate the message and fill in its %(name)s placeholders."""
    text = _catalogue(current_language(), project.current().folder).gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, count: int, **values: object) -> str:
    """Translate the message in the form that a number asks for, which is filled in as %(count)s."""
    catalogue = _catalogue(current_language(), project.current().folder)
    return catalogue.ngettext(singular, plural, count) % {"count": count, **values}


def current_language() -> str:
    """Return the language of this session; outside of a script run that of APP_LANGUAGE."""
    if "streamlit" in sys.modules:  # else nobody's script runs, and its import takes a second
        import streamlit as st

        from . import streamlit_private

        if streamlit_private.session_id() is not None:
            # A new session has no state yet, but maybe an address with ?lang=.
            chosen = st.session_state.get("language") or st.query_params.get("lang")
            if chosen in project.current().languages:
                return str(chosen)
    from .settings import get_settings  # late: app.py imports `_`, and `--help` needs no settings

    return get_settings().app_language


def without_catalogue() -> list[str]:
    """Return one line about each language of app.py in which nobody has translated anything."""
    here = project.current()
    folders = (here.folder / "locale", LOCALE_DIR)
    return [
        f"app.py names the language {language}, which has no translations: "
        f"make messages ADD={language}"
        for language in here.languages
        if language != "en"
        and not any(gettext.find("messages", folder, [language]) for folder in folders)
    ]


@cache
def _catalogue(language: str, folder: Path) -> gettext.NullTranslations:
    own = _read(folder / "locale", language)
    own.add_fallback(_read(LOCALE_DIR, language))
    return own


def _read(folder: Path, language: str) -> gettext.NullTranslations:
    """Read what is compiled; gettext.translation would keep a file that has changed since."""
    found = gettext.NullTranslations()
    for name in gettext.find("messages", folder, [language], all=True):
        with Path(name).open("rb") as file:
            found.add_fallback(gettext.GNUTranslations(file))
    return found
