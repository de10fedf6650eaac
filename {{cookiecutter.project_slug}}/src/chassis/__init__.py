"""The public face of the chassis: all that a project imports. docs/chassis.md explains each name.

A name is loaded when it is asked for, so that `import chassis` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .auth.access import current_user_or_stop as current_user
    from .auth.access import require
    from .auth.roles import Role
    from .checks import Check
    from .checks import Result as CheckResult
    from .database.connection import DatabaseConnection
    from .database.encryption import EncryptedText
    from .database.engine import DatabaseUnavailable, transaction
    from .database.tables import Base, UTCDateTime, utc_now
    from .i18n import _, ngettext
    from .limits import rate_limited
    from .logs import get_logger
    from .metrics import count, observe, set_gauge, timed
    from .project import Chassis, Page
    from .settings import Settings, get_settings
    from .spreadsheet import original, to_csv, write_csv, write_xlsx
    from .texts import comparable
    from .ui import charts
    from .ui.html_frame import html_frame
    from .ui.local_time import local_time, time_zone, today
    from .ui.menu import page_link, switch_page
    from .ui.plain_text import plain
    from .ui.problems import EXPECTED, draw_problem

__all__ = [
    "EXPECTED",
    "Base",
    "Chassis",
    "Check",
    "CheckResult",
    "DatabaseConnection",
    "DatabaseUnavailable",
    "EncryptedText",
    "Page",
    "Role",
    "Settings",
    "UTCDateTime",
    "_",
    "charts",
    "comparable",
    "count",
    "current_user",
    "draw_problem",
    "get_logger",
    "get_settings",
    "html_frame",
    "local_time",
    "ngettext",
    "observe",
    "original",
    "page_link",
    "plain",
    "rate_limited",
    "require",
    "set_gauge",
    "switch_page",
    "time_zone",
    "timed",
    "to_csv",
    "today",
    "transaction",
    "utc_now",
    "write_csv",
    "write_xlsx",
]

# Where each name lives, after a colon what it is called there.
_HOMES: Final = {
    "EXPECTED": "ui.problems",
    "Base": "database.tables",
    "Chassis": "project",
    "Check": "checks",
    "CheckResult": "checks:Result",
    "DatabaseConnection": "database.connection",
    "DatabaseUnavailable": "database.engine",
    "EncryptedText": "database.encryption",
    "Page": "project",
    "Role": "auth.roles",
    "Settings": "settings",
    "UTCDateTime": "database.tables",
    "_": "i18n",
    "comparable": "texts",
    "count": "metrics",
    "current_user": "auth.access:current_user_or_stop",
    "draw_problem": "ui.problems",
    "get_logger": "logs",
    "get_settings": "settings",
    "html_frame": "ui.html_frame",
    "local_time": "ui.local_time",
    "ngettext": "i18n",
    "observe": "metrics",
    "original": "spreadsheet",
    "page_link": "ui.menu",
    "plain": "ui.plain_text",
    "rate_limited": "limits",
    "require": "auth.access",
    "set_gauge": "metrics",
    "switch_page": "ui.menu",
    "time_zone": "ui.local_time",
    "timed": "metrics",
    "to_csv": "spreadsheet",
    "today": "ui.local_time",
    "transaction": "database.engine",
    "utc_now": "database.tables",
    "write_csv": "spreadsheet",
    "write_xlsx": "spreadsheet",
}


def __getattr__(name: str) -> Any:
    """Load a name of the face: https://peps.python.org/pep-0562/."""
    if name == "charts":
        return importlib.import_module(".ui.charts", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _colon, other_name = _HOMES[name].partition(":")
    return getattr(importlib.import_module(f".{module}", __name__), other_name or name)
