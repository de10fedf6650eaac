"""Times as the clock of the user shows them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st


def time_zone() -> ZoneInfo:
    """Return the time zone of the browser, UTC where it says none or one that does not exist."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, OSError, KeyError):  # the browser may say anything
        return ZoneInfo("UTC")


def local_time(when: datetime | None, *, seconds: bool = False) -> str:
    """Write a time in the zone of the browser: "2026-11-21 14:05"; empty for None."""
    if when is None:
        return ""
    local = when.astimezone(time_zone())
    return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"
