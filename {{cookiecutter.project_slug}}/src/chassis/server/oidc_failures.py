"""Leads back to the sign-in page when the provider signs nobody in.

Streamlit answers with a bare line of text when the provider is down, and with the start page, as if
nothing had happened, when the provider refuses.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import streamlit_private
from ..auth.oidc import REDIRECT
from ..settings import Settings

LOGIN: Final = "/auth/login"
# The sign-in page reads this from its address.
QUERY: Final = "sign_in=failed"


class OidcFailures:
    """ASGI middleware around the two routes of st.login, for AUTH_BACKEND=oidc."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        base = settings.base_path
        self._paths = {base + LOGIN, base + REDIRECT} if settings.auth_backend == "oidc" else set()
        self._callback = base + REDIRECT
        self._location = f"{base}/?{QUERY}".encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        replaced = False

        async def send_or_lead_back(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and self._failed(scope["path"], message):
                replaced = True
                headers = [(b"location", self._location), (b"cache-control", b"no-store")]
                message = {"type": "http.response.start", "status": 303, "headers": headers}
            elif message["type"] == "http.response.body" and replaced:
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, send_or_lead_back)

    def _failed(self, path: str, message: Message) -> bool:
        if message["status"] >= 400:
            return True
        cookies = [value for name, value in message["headers"] if name.lower() == b"set-cookie"]
        start = f"{streamlit_private.USER_COOKIE}=".encode("ascii")
        signed_in = any(
            cookie.startswith(start) and not cookie.startswith(start + b'"";') for cookie in cookies
        )
        return path == self._callback and not signed_in
