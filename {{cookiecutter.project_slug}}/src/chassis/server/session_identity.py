"""AUTH_BACKEND=password and oidc: the cookie of a session on the server says who the visitor is."""

import asyncio
import math
import time
from typing import Final

from google.protobuf.message import DecodeError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from .. import streamlit_private
from ..auth import sessions
from ..database.engine import DatabaseUnavailable
from ..settings import Settings
from . import open_tabs, private_files
from .cookies import CookieJar
from .messages import GUEST as GUEST_RULES
from .messages import kind_of
from .open_tabs import GUEST, UNKNOWN, USER, State, Tab
from .refusal import refuse
from .request import path_of, unconditional

# A session is written to the database when it is used, but not for every click.
TOUCH_SECONDS: Final = 60.0
MAX_TOUCHED: Final = 10_000


class SessionIdentity:
    """ASGI middleware: tells Streamlit which session a cookie stands for, and gives new ones."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._jar = CookieJar(settings)
        self._base_path = settings.base_path
        self._touch_seconds = min(TOUCH_SECONDS, settings.auth_session_idle_seconds / 10)
        self._touched: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cookies = self._jar.read(scope)
        key = sessions.hash_of(cookies.token) if cookies.token else ""
        scope["headers"] = self._jar.without_ours(scope)
        if key:
            scope["headers"].append((b"x-app-session", key.encode()))
        if cookies.device:
            scope["headers"].append((b"x-app-device", cookies.device.encode()))
        path = path_of(scope, self._base_path)
        if scope["type"] == "websocket":
            await self._tab(scope, receive, send, key)
        elif private_files.is_private(path):
            await self._private(scope, receive, send, path, key)
        elif key:
            await self._app(scope, receive, send)
        else:
            # For "not modified" a browser shows the page that it keeps, and has no token then.
            scope["headers"] = unconditional(scope)
            await self._app(scope, receive, self._sending_token(send))

    async def _tab(self, scope: Scope, receive: Receive, send: Send, key: str) -> None:
        if not key:
            await refuse(scope, receive, send, 403, "Open the page first.")
            return
        state = await self._state(key)
        scope["headers"].append((b"x-app-state", state.encode()))
        tab = Tab(key, state, send)
        if state != USER:
            streamlit_private.limit_messages(receive, max(GUEST_RULES.sizes.values()))

        async def receive_noting_use() -> Message:
            message = await receive()
            due = tab.state == USER and not tab.closed and self._is_due(key)
            if due and _is_use(message):
                await self._touch(key)
            return message

        await open_tabs.serve(self._app, scope, receive_noting_use, send, tab)

    async def _private(
        self, scope: Scope, receive: Receive, send: Send, path: str, key: str
    ) -> None:
        state = await self._state(key) if key else GUEST
        if state == UNKNOWN:
            await refuse(scope, receive, send, 503, "The database is away; try again.")
        elif not private_files.belongs_to(path, "app_session", key, state):
            await refuse(scope, receive, send, 403, "Sign in first.")
        else:
            if state == USER:
                await self._touch(key)
            await self._app(scope, receive, send)

    async def _state(self, key: str) -> State:
        if sessions.remembered(key) is not None:
            return USER
        try:
            identity = await asyncio.to_thread(sessions.lookup, key)
        except DatabaseUnavailable:
            return UNKNOWN
        return USER if identity is not None else GUEST

    def _is_due(self, key: str) -> bool:
        return time.monotonic() >= self._touched.get(key, -math.inf) + self._touch_seconds

    async def _touch(self, key: str) -> None:
        """Put off the idle limit, at most once a minute."""
        if not self._is_due(key):
            return
        if len(self._touched) >= MAX_TOUCHED:
            self._touched.clear()
        self._touched[key] = time.monotonic()
        try:
            await asyncio.to_thread(sessions.touch, key)
        except DatabaseUnavailable:
            self._touched.pop(key, None)

    def _sending_token(self, send: Send) -> Send:
        """Give a browser that has no token one, with the page; nothing is stored for it here."""

        async def send_with_token(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = MutableHeaders(raw=list(message["headers"]))
                if headers.get("content-type", "").startswith("text/html"):
                    cookie = self._jar.session(sessions.new_token())
                    headers.append("Set-Cookie", cookie.decode())
                    headers["Cache-Control"] = "no-store"  # each browser needs its own
                    message = {**message, "headers": headers.raw}
            await send(message)

        return send_with_token


def _is_use(message: Message) -> bool:
    """Tell whether a message comes from a person, not from a page that updates itself."""
    data = message.get("bytes") or b""
    if kind_of(data) != "rerun_script":
        return False
    try:
        return not BackMsg.FromString(data).rerun_script.is_auto_rerun
    except DecodeError:
        return False  # it will be refused
