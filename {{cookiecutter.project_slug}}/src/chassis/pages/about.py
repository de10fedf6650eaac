"""About page: which version runs, and with which settings."""

import platform

import pandas as pd
import streamlit as st

from .. import project
from ..auth.access import current_user_or_stop
from ..auth.roles import Role
from ..i18n import _
from ..settings import Settings, get_settings, sources
from ..ui.plain_text import plain


def draw_settings(settings: Settings) -> None:
    """Draw the settings and where each comes from; not those of production."""
    st.subheader(_("Settings"))
    if settings.is_production:
        st.info(_("The settings are not shown in production."), icon=":material/visibility_off:")
    else:
        st.caption(_("Secrets are masked. This table is not shown in production."))
        st.dataframe(
            pd.DataFrame(sources(settings)),
            hide_index=True,
            height="content",
            column_config={
                "name": st.column_config.TextColumn(_("Name"), width=270),
                "value": st.column_config.TextColumn(_("Value")),
                "source": st.column_config.TextColumn(_("Source")),
            },
        )


def draw() -> None:
    """Draw the page."""
    settings = get_settings()
    st.title(plain(settings.app_name))
    st.badge(settings.app_env, color="blue" if settings.is_production else "gray")
    versions = {
        _("Version"): project.current().version,
        "Streamlit": st.__version__,
        "Python": platform.python_version(),
    }
    with st.container(horizontal=True):
        for label, value in versions.items():
            # A container around each makes all of them equally wide.
            st.container().metric(label, value, border=True)
    if current_user_or_stop().has(Role.ADMIN):
        draw_settings(settings)
