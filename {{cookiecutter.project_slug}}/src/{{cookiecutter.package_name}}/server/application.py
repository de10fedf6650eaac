"""Puts the server together: the parts that `streamlit_app.py` hands to `st.App`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware

from .. import logs
from ..auth import oidc
from ..rate_limit import get_limiter
from ..settings import Settings, SettingsError, get_settings
from . import auth_routes, launch, probes
from .gate import Gate
from .http_limits import HttpLimits
from .identity_gate import IdentityGate
from .lifespan import lifespan
from .oidc_failures import OidcFailures
from .peer import Peer
from .script_errors import on_script_error
from .security_headers import SecurityHeaders
from .session_traffic import SessionTraffic

if TYPE_CHECKING:
    from starlette.routing import Route

__all__ = ["SCRIPT", "lifespan", "middleware", "on_script_error", "routes", "secrets"]

SCRIPT = Path(__file__).parents[1] / "main.py"


def _start() -> Settings:
    """Settings and logs come before everything else; a wrong setting ends the process here."""
    try:
        settings = get_settings()
        logs.configure(settings)
        get_limiter()
        # Again, for those who start with `streamlit run`.
        if note := launch.check_database(settings):
            logs.get_logger(__name__).warning("database", reason=note)
    except (SettingsError, launch.StartError) as error:
        sys.exit(str(error))
    return settings


_settings = _start()


def routes() -> list[Route]:
    """Return the routes that are ours, beside Streamlit's own."""
    return [*probes.ROUTES, *auth_routes.routes(_settings)]


def secrets() -> dict[str, Any] | None:
    """Return what Streamlit's st.login would read from secrets.toml."""
    return oidc.secrets(_settings)


def middleware() -> list[Middleware]:
    """Return the middleware, outermost first."""
    return [
        Middleware(Peer, settings=_settings),
        Middleware(SecurityHeaders, settings=_settings),
        Middleware(Gate, settings=_settings),
        Middleware(HttpLimits, settings=_settings),
        Middleware(IdentityGate, settings=_settings),
        Middleware(OidcFailures, settings=_settings),
        Middleware(SessionTraffic, settings=_settings),
    ]
