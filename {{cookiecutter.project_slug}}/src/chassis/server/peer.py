"""Who is at the other end of the connection, and whom a trusted proxy says it speaks for."""

from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ..limits.addresses import parsed
from ..settings import Settings

PEER: Final = "app_peer"  # in scope["state"]


class Peer:
    """ASGI middleware, the outermost: keeps the peer, then believes X-Forwarded-* of proxies.

    uvicorn's own handling of these headers is off (FORWARDED_ALLOW_IPS is empty), because it
    replaces the peer: nobody could tell any more whether a request came through a proxy.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        trusted = [str(network) for network in settings.trusted_proxies]
        inner: Any = app  # uvicorn has types of its own for the same things
        self._app: Any = ProxyHeadersMiddleware(inner, trusted_hosts=trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            client = scope.get("client")
            scope.setdefault("state", {})[PEER] = client[0] if client else ""
        await self._app(scope, receive, send)


def is_trusted(scope: Scope, settings: Settings) -> bool:
    """Tell whether the connection comes from one of TRUSTED_PROXIES."""
    peer = parsed(scope.get("state", {}).get(PEER, ""))
    return peer is not None and any(peer in network for network in settings.trusted_proxies)
