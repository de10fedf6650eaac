"""Tells Streamlit who the visitor is, in headers that nobody else can write.

What Streamlit and the pages know of a visitor is in the X-App-* headers. Streamlit compares them
when a browser wants to resume a session (its option server.trustedUserHeaders), so that a session
id is worth nothing without the cookie.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from ..auth.oidc import REDIRECT
from ..settings import Settings
from .probes import PROBE_PATHS
from .proxy_identity import ProxyIdentity
from .refusal import refuse
from .request import path_of, spelling, values
from .session_identity import SessionIdentity

IDENTITIES: Final[dict[str, type[ProxyIdentity] | type[SessionIdentity]]] = {
    "proxy": ProxyIdentity,
    "password": SessionIdentity,
    "oidc": SessionIdentity,
}
# Streamlit's own routes for st.login.
OIDC_PATHS: Final = ("/auth/login", "/auth/logout", REDIRECT)


class IdentityGate:
    """ASGI middleware: drops forged headers, and lets AUTH_BACKEND say who asks."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._backend = settings.auth_backend
        self._base_path = settings.base_path
        identity = IDENTITIES.get(settings.auth_backend)
        self._identified = identity(app, settings) if identity else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        # A copy: what is outside of this middleware keeps the headers as they came.
        scope = {**scope, "headers": _without_ours(scope)}
        if refusal := self._oidc_refusal(scope):
            await refuse(scope, receive, send, *refusal)
        else:
            await self._identified(scope, receive, send)

    def _oidc_refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and text for a request to sign in or out that must not pass."""
        path = path_of(scope, self._base_path)
        if path not in OIDC_PATHS:
            return None
        if self._backend != "oidc":
            return 404, "Not found."
        site = b"".join(values(scope, b"sec-fetch-site"))
        if path != REDIRECT and site not in (b"", b"same-origin", b"none"):
            return 403, "Other sites cannot sign you in or out."
        return None


def _without_ours(scope: Scope) -> list[tuple[bytes, bytes]]:
    return [pair for pair in scope["headers"] if not spelling(pair[0]).startswith(b"x-app-")]
