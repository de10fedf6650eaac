"""Times and days as clock and calendar of the user show them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import streamlit as st


def time_zone() -> ZoneInfo:
    """Return the time zone of the browser, UTC where it says none or one that does not exist."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, OSError, KeyError):  # the browser may say anything
        return ZoneInfo("UTC")


def today() -> date:
    """Return the day that it is for the user; for the server it may be another."""
    return datetime.now(time_zone()).date()


def local_time(when: datetime | None, *, seconds: bool = False) -> str:
    """Write a time in the zone of the browser: "2026-11-21 14:05"; empty for None."""
    if when is None:
        return ""
    local = when.astimezone(time_zone())
    return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"
