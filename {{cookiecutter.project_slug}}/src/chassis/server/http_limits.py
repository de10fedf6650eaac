"""Limits how often one address may ask: HTTP requests, and new websocket connections."""

import math

from starlette.types import ASGIApp, Receive, Scope, Send

from .. import metrics
from ..limits import get_limiter
from ..settings import Settings
from .probes import PROBE_PATHS
from .refusal import refuse


class HttpLimits:
    """ASGI middleware: answers 429 with Retry-After when an address asks too often."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._limits = {
            "http": settings.rate_limit_http,
            "websocket": settings.rate_limit_connect,
        }
        # One page load asks for about 100 of these; the browser keeps them for a year.
        self._static = (f"{settings.base_path}/static/", f"{settings.base_path}/_stcore/health")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in self._limits or self._exempt(scope["path"]):
            await self._app(scope, receive, send)
            return
        name = "connect" if kind == "websocket" else "http"
        address = (scope.get("client") or ("unknown",))[0]
        wait = await get_limiter().hit(self._limits[kind], name, address)
        if wait:
            metrics.rate_limited(name)
            retry_after = {"Retry-After": str(math.ceil(wait))}
            await refuse(scope, receive, send, 429, "Too many requests.", retry_after)
            return
        await self._app(scope, receive, send)

    def _exempt(self, path: str) -> bool:
        return path in PROBE_PATHS or path.startswith(self._static)
