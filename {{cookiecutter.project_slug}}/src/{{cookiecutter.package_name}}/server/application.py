"""Puts the server together: the parts that `streamlit_app.py` hands to `st.App`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from .. import logs
from ..rate_limit import get_limiter
from ..settings import Settings, SettingsError, get_settings
from . import probes
from .gate import Gate
from .http_limits import HttpLimits
from .lifespan import lifespan
from .script_errors import on_script_error
from .security_headers import SecurityHeaders
from .session_traffic import SessionTraffic

if TYPE_CHECKING:
    from starlette.routing import Route

__all__ = ["SCRIPT", "lifespan", "middleware", "on_script_error", "routes"]

SCRIPT = Path(__file__).parents[1] / "main.py"


def _start() -> Settings:
    """Settings and logs come before everything else; a wrong setting ends the process here."""
    try:
        settings = get_settings()
        logs.configure(settings)
        get_limiter()
    except SettingsError as error:
        sys.exit(str(error))
    return settings


_settings = _start()


def routes() -> list[Route]:
    """Return the routes that are ours, beside Streamlit's own."""
    return probes.ROUTES


def middleware() -> list[Middleware]:
    """Return the middleware, outermost first."""
    return [
        Middleware(SecurityHeaders, settings=_settings),
        Middleware(Gate, settings=_settings),
        Middleware(HttpLimits, settings=_settings),
        Middleware(SessionTraffic, settings=_settings),
    ]
