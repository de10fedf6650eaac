"""Health page: what /readyz tells machines, drawn for people."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import psutil
import streamlit as st

from .. import health
from ..auth.access import current_user_or_stop
from ..auth.roles import Role
from ..checks import Status
from ..i18n import _
from ..logs import get_logger
from ..ui import charts
from ..ui.local_time import time_zone

# The checks run at most once in 5 seconds, however many people look at this page.
REFRESH_SECONDS = 10


def badge(status: Status) -> str:
    """Return the Markdown of a status: icon, text and colour."""
    text, icon, color = {
        "pass": (_("OK"), ":material/check_circle:", "green"),
        "warn": (_("Warning"), ":material/warning:", "orange"),
        "fail": (_("Failed"), ":material/error:", "red"),
    }[status]
    return f":{color}-badge[{icon} {text}]"


def check_name(name: str) -> str:
    """Return what users call a check, in their language."""
    names = {
        "runtime": _("Streamlit runtime"),
        "drain": _("Accepts sessions"),
        "database": _("Database"),
        "migrations": _("Database tables"),
        "disk": _("Disk space"),
        "memory": _("Memory"),
        "cpu": _("Processor"),
        "redis": _("Redis"),
    }
    return names.get(name) or _(name)


def translated(detail: str) -> str:
    """Translate a detail such as "running" or "31 % free".

    Errors stay as /readyz and the log have them.
    """
    texts = {
        "running": _("running"),
        "accepting sessions": _("accepting sessions"),
        "free": _("free"),
        "used": _("used"),
        "reachable": _("reachable"),
        "current": _("current"),
        "newer": _("newer, and fits"),
        "behind": _("behind"),
        "ahead": _("ahead"),
        "empty": _("empty"),
        "draining, open sessions:": _("draining, open sessions:"),
        "unreachable, limits hold for each process on its own": _(
            "unreachable, limits hold for each process on its own"
        ),
    }
    text = detail.strip("0123456789 %")
    return detail.replace(text, texts.get(text, text))


def draw_report(report: health.Report, *, details: bool) -> None:
    """Draw the overall status and the table of checks, with what they found for admins only."""
    headlines = {
        "pass": _("All checks have passed."),
        "warn": _("The app works, but something needs attention."),
        "fail": _("Not accepting new sessions."),
    }
    rows = []
    for name, result in report.results.items():
        row = {
            _("Check"): check_name(name),
            _("Status"): badge(result.status),
        }
        if details:
            row[_("Detail")] = translated(result.detail)
            row[_("Duration")] = f"{result.duration_ms:.1f} ms"
        rows.append(row)
    st.markdown(f"{badge(report.status)} {headlines[report.status]}")
    st.table(pd.DataFrame(rows).set_index(_("Check")))


def draw_figures(now: health.Snapshot) -> None:
    """Draw the figures of the process and its machine."""
    figures = [
        (_("Processor"), f"{now.cpu_percent:.0f} %"),
        (_("Memory"), f"{now.memory_percent:.0f} %"),
        (_("Free disk space"), f"{now.disk_free_percent:.0f} %"),
        (_("Memory of the app"), f"{now.process_memory_bytes / 2**20:.0f} MB"),
        (_("Open sessions"), f"{now.sessions_open}"),
        (_("Uptime"), duration(now.uptime_seconds)),
        (_("Version"), now.versions["app"]),
        ("Streamlit", now.versions["streamlit"]),
    ]
    for row in (figures[:4], figures[4:]):
        with st.container(horizontal=True):
            for label, value in row:
                # A container around each makes all of them equally wide.
                st.container(height="stretch").metric(label, value, border=True, height="stretch")


def duration(seconds: float) -> str:
    """Write a duration with its two largest units."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return _("%(days)s d %(hours)s h", days=days, hours=hours % 24)
    if hours:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
    return _("%(minutes)s min", minutes=minutes)


def draw_history(samples: Sequence[health.Sample]) -> None:
    """Draw the load of the last reports, in the time of the user."""
    zone = time_zone()
    rows = [
        {"time": datetime.fromtimestamp(sample.time, zone).replace(tzinfo=None)}
        | {"series": series, "percent": percent}
        for sample in samples
        for series, percent in (
            (_("Processor"), sample.cpu_percent),
            (_("Memory"), sample.memory_percent),
        )
    ]
    time = {"field": "time", "type": "temporal", "title": _("Time")}
    percent = {"field": "percent", "type": "quantitative", "title": _("Percent")}
    series = {"field": "series", "type": "nominal", "title": None}
    specification = {
        "config": charts.CONFIG,
        "data": {"name": "samples"},
        "datasets": {"samples": pd.DataFrame(rows)},
        "mark": {"type": "line", "interpolate": "monotone"},
        "encoding": {
            "x": time | {"title": None, "axis": {"format": "%H:%M:%S", "labelOverlap": True}},
            "y": percent | {"title": None, "scale": {"domain": [0, 100]}},
            "color": series,
            "tooltip": [time | {"format": "%H:%M:%S"}, series, percent],
        },
    }
    st.subheader(_("Load"))
    if len(samples) < 2:
        st.info(_("The chart appears with the second measurement."), icon=":material/show_chart:")
    else:
        st.vega_lite_chart(specification, height=240, alt=_("Load"))


@st.fragment(run_every=REFRESH_SECONDS)
def draw_health() -> None:
    """Draw everything that changes."""
    try:
        report, now = health.report(), health.snapshot()
    except (OSError, psutil.Error):
        get_logger(__name__).exception("health cannot be measured")
        st.error(_("The figures of this machine cannot be read."), icon=":material/error:")
        return
    details = current_user_or_stop().has(Role.ADMIN)
    draw_report(report, details=details)
    if details:
        draw_figures(now)
        draw_history(health.history())
    clock = datetime.now(time_zone())
    st.caption(_("Measured at %(time)s.", time=f"{clock:%H:%M:%S}"))


def draw() -> None:
    """Draw the page."""
    st.title(_("Health"))
    draw_health()
