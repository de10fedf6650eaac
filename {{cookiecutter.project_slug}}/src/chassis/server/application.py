"""Puts the server together: the parts that `streamlit_app.py` hands to `st.App`."""

import sys
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware

from .. import logs, project, streamlit_private
from ..auth import oidc
from ..limits import get_limiter
from ..project import ProjectError
from ..settings import Settings, SettingsError, get_settings, of_kubernetes
from . import auth_routes, launch, probes, refusals
from .document import Document
from .gate import MAX_HEADER_BYTES, Gate
from .http_limits import HttpLimits
from .identity_gate import IdentityGate
from .inline_modules import InlineModules
from .lifespan import lifespan
from .peer import Peer
from .provider_sign_in import ProviderSignIn
from .script_errors import on_script_error
from .security_headers import SecurityHeaders
from .session_traffic import SessionTraffic
from .uploads import Uploads

SCRIPT = Path(__file__).parents[1] / "script" / "main.py"


def assemble() -> dict[str, Any]:
    """Return the arguments of `st.App`; a wrong setting or page ends the process here."""
    settings = _start()
    return {
        "script_path": SCRIPT,
        "lifespan": lifespan,
        "routes": [*probes.ROUTES, *auth_routes.routes(settings), *refusals.routes(settings)],
        "middleware": middleware(settings),
        "on_script_error": on_script_error,
        "secrets": oidc.secrets(settings),
    }


def _start() -> Settings:
    """Read the settings and begin to log, before everything else."""
    try:
        settings = get_settings()
        logs.configure(settings)
        streamlit_private.allow_slow_headers(MAX_HEADER_BYTES)
        for name in of_kubernetes():
            logs.get_logger(__name__).warning(
                "not read, as Kubernetes has written the address of a service into it", name=name
            )
        get_limiter()
        project.current().check()  # the first visitor would be late to find a wrong page
        # Again, for those who start with `streamlit run`.
        if note := launch.check_database(settings):
            logs.get_logger(__name__).warning("database", reason=note)
    except (SettingsError, ProjectError, launch.StartError) as error:
        sys.exit(str(error))
    return settings


def middleware(settings: Settings) -> list[Middleware]:
    """Return the middleware, outermost first."""
    return [
        Middleware(part, settings=settings)
        for part in (
            Peer,
            SecurityHeaders,
            Gate,
            HttpLimits,
            IdentityGate,
            Document,
            InlineModules,
            ProviderSignIn,
            Uploads,
            SessionTraffic,
        )
    ]
