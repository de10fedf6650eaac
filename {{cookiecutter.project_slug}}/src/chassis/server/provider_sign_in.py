"""AUTH_BACKEND=oidc: the claims of a provider become a session, and stay on the server.

Streamlit writes all claims into cookies, those of a user with many groups larger than proxies take,
valid for 30 days, and not to be revoked. And it answers with a bare line of text when the provider
is down, and with the start page, as if nothing had happened, when the provider refuses.
"""

import asyncio
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import streamlit_private
from ..auth import oidc
from ..auth.oidc import REDIRECT, Refusal
from ..auth.sign_in import SignedIn
from ..database.engine import DatabaseUnavailable
from ..logs import get_logger
from ..settings import Settings
from .cookies import CookieJar

log = get_logger(__name__)

LOGIN: Final = "/auth/login"


class ProviderSignIn:
    """ASGI middleware around the two routes of st.login."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._base_path = settings.base_path
        self._jar = CookieJar(settings)
        self._seconds = settings.auth_session_max_seconds
        paths = (LOGIN, REDIRECT) if settings.auth_backend == "oidc" else ()
        self._paths = {self._base_path + path for path in paths}
        if paths:
            streamlit_private.keep_claims()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        redirected = False

        async def send_or_redirect(message: Message) -> None:
            nonlocal redirected
            if message["type"] == "http.response.start":
                if scope["path"] == self._base_path + REDIRECT:
                    result = await self._result(scope, claims)
                elif message["status"] >= 400:
                    result = "failed"
                else:
                    await send(message)
                    return
                redirected = True
                message = {**message, "status": 303, "headers": self._headers(message, result)}
            elif redirected:
                message = {**message, "body": b""}
            await send(message)

        with streamlit_private.claims() as claims:
            await self._app(scope, receive, send_or_redirect)

    async def _result(self, scope: Scope, claims: dict[str, Any]) -> SignedIn | Refusal:
        if not claims:
            return "failed"
        headers, client = Headers(scope=scope), scope.get("client")
        try:
            return await asyncio.to_thread(
                oidc.sign_in,
                claims,
                browser=headers.get("x-app-session", ""),
                address=client[0] if client else "",
                user_agent=headers.get("user-agent", ""),
            )
        except DatabaseUnavailable:
            log.warning("a sign-in failed because the database is away")
            return "failed"

    def _headers(self, message: Message, result: SignedIn | Refusal) -> list[tuple[bytes, bytes]]:
        """Return the way back to the app: with a session, or to the sign-in page that says why."""
        kept = [pair for pair in message["headers"] if pair[0].lower() == b"set-cookie"]
        headers = MutableHeaders(raw=kept)
        headers["cache-control"] = "no-store"
        if isinstance(result, SignedIn):
            headers["location"] = f"{self._base_path}/"
            headers.append("set-cookie", self._jar.session(result.token, self._seconds).decode())
        else:
            headers["location"] = f"{self._base_path}/?sign_in={result}"
        return headers.raw
