"""Limits how often one visitor may ask: each HTTP request, and each handshake of a websocket.

Who has signed in is counted by session as soon as one of its tabs is open, all others by address.
How many tabs may be opened is up to SessionTraffic, which knows whose they are.
"""

import math

from starlette.types import ASGIApp, Receive, Scope, Send

from .. import metrics
from ..auth import sessions
from ..limits import counted, get_limiter
from ..settings import Settings
from . import open_tabs
from .cookies import CookieJar
from .probes import PROBE_PATHS
from .refusal import refuse
from .static_files import STATIC, static_files


class HttpLimits:
    """ASGI middleware: answers 429 with Retry-After when a visitor asks too often."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._rate = settings.rate_limit_http
        self._jar = CookieJar(settings)
        # One page load asks for about 100 of these; the browser keeps them for a year.
        files = {path for path in static_files() if path.startswith(f"{STATIC}/")}
        free = {settings.base_path + path for path in (*files, "/_stcore/health")}
        self._free = free | PROBE_PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in self._free:
            await self._app(scope, receive, send)
            return
        wait = await get_limiter().hit(self._rate, "http", self._visitor(scope))
        if wait:
            metrics.rate_limited("http")
            retry_after = {"Retry-After": str(math.ceil(wait))}
            await refuse(scope, receive, send, 429, "Too many requests.", retry_after)
            return
        await self._app(scope, receive, send)

    def _visitor(self, scope: Scope) -> str:
        """Return under what name a request is counted."""
        token = self._jar.read(scope).token
        key = sessions.hash_of(token) if token else ""
        if key and open_tabs.is_signed_in(key):
            return f"session {key}"
        return counted((scope.get("client") or ("",))[0])
