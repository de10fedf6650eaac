"""Tells Streamlit who the visitor is, and keeps everybody from what belongs to somebody else.

What Streamlit and the pages know of a visitor is in the X-App-* headers that are written here, and
nowhere else. Streamlit compares them when a browser wants to resume a session (its option
server.trustedUserHeaders), so that a session id is worth nothing without the cookie.
"""

import asyncio
import posixpath
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime

from ..auth import sessions
from ..auth.backends import email_allowed
from ..auth.oidc import REDIRECT
from ..database.engine import DatabaseUnavailable
from ..logs import get_logger
from ..settings import Settings
from .cookies import CookieJar
from .peer import is_trusted
from .probes import PROBE_PATHS
from .refusal import refuse
from .session_traffic import parse_message

log = get_logger(__name__)

# With sessions.CACHE_SECONDS below 10 seconds: so long may a session that has ended live on.
POLL_SECONDS: Final = 5.0
# A session is written to the database when it is used, but not for every click.
TOUCH_SECONDS: Final = 60.0
MAX_TOUCHED: Final = 10_000
# What a visitor who has not signed in may send at once: a form, no files and no state.
MAX_GUEST_BYTES: Final = 64 * 1024

# The address of a media file in a message; messages with tables are large and have none.
_FILE: Final = re.compile(rb"media/([0-9a-f]{32,128})")
MAX_SCANNED_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 1000
# Longer than a message that sends the browser to another address of the app.
MAX_REDIRECT_BYTES: Final = 2048

# By these a browser asks whether what it keeps is still good.
CONDITIONS: Final = (b"if-none-match", b"if-modified-since")

USER: Final = "user"
GUEST: Final = "guest"
UNKNOWN: Final = "unknown"  # while the database is away

# Below these is what the app has shown to somebody, or got from somebody.
PRIVATE_TREES: Final = ("/component", "/_stcore/bidi-components", "/app/static")
MEDIA: Final = "/media/"
UPLOAD: Final = "/_stcore/upload_file/"
# Streamlit's own routes for st.login.
OIDC_PATHS: Final = ("/auth/login", "/auth/logout", REDIRECT)


@dataclass(eq=False)
class Tab:
    """An open websocket."""

    key: str
    state: str
    send: Send
    opened: float
    session_id: str = ""
    closed: bool = False
    left: float = 0.0  # when its browser was sent to another address
    # The media files that were sent to it, the newest last.
    files: dict[str, None] = field(default_factory=dict)

    def see(self, data: bytes) -> None:
        """Look at one message from the server to the browser."""
        if not self.session_id:
            self.session_id = _session_id(data)
        if not self.left and _is_redirect(data):
            self.left = time.monotonic()
        if len(data) <= MAX_SCANNED_BYTES:
            for file_id in _FILE.findall(data):
                self.files.pop(file_id.decode(), None)
                self.files[file_id.decode()] = None
            while len(self.files) > MAX_FILES:
                del self.files[next(iter(self.files))]


class IdentityGate:
    """ASGI middleware, for all backends but `none` the one that knows who asks."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._backend = settings.auth_backend
        self._has_sessions = self._backend in ("password", "oidc")
        self._jar = CookieJar(settings)
        self._base_path = settings.base_path
        self._touched: dict[str, float] = {}
        proxy_headers = (
            settings.auth_proxy_user_header,
            settings.auth_proxy_email_header,
            settings.auth_proxy_roles_header,
        )
        self._proxy_headers = [name.lower().encode() for name in proxy_headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        path = posixpath.normpath("/" + scope["path"].removeprefix(self._base_path).lstrip("/"))
        # A copy: what is outside of this middleware keeps the headers as they came.
        scope = {**scope, "headers": _without_ours(scope["headers"])}
        if path in OIDC_PATHS and (problem := self._oidc_problem(scope, path)):
            await refuse(scope, receive, send, *problem)
        elif self._backend == "proxy":
            await self._by_proxy(scope, receive, send, path)
        elif self._has_sessions:
            await self._by_session(scope, receive, send, path)
        else:
            await self._app(scope, receive, send)

    # --- Backend proxy ----------------------------------------------------------------------------

    async def _by_proxy(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        raw = [_values(scope, name) for name in self._proxy_headers]
        names = {_spelling(name) for name in self._proxy_headers}
        scope["headers"] = [pair for pair in scope["headers"] if _spelling(pair[0]) not in names]
        if any(len(values) > 1 for values in raw):
            await refuse(scope, receive, send, 400, "An identity header was sent twice.")
            return
        user, email, roles = (values[0] if values else b"" for values in raw)
        if not is_trusted(scope, self._settings) or not user:
            await refuse(scope, receive, send, 403, "Sign in through the proxy of this app.")
            return
        if not email_allowed(email.decode("utf-8", "replace")):
            await refuse(scope, receive, send, 403, "Your e-mail address may not sign in here.")
            return
        scope["headers"] += [
            (b"x-app-user", user),
            (b"x-app-email", email),
            (b"x-app-roles", roles),
        ]
        if scope["type"] == "websocket":
            tab = Tab(user.decode("latin-1"), USER, send, time.monotonic())
            await self._websocket(scope, receive, send, tab)
        elif not _is_private(path) or self._shared(path, "app_user", user.decode("latin-1"), USER):
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, 403, "This belongs to another session.")

    # --- Backends with sessions on the server -----------------------------------------------------

    async def _by_session(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        cookies = self._jar.read(scope)
        key = sessions.hash_of(cookies.token) if cookies.token else ""
        scope["headers"] = self._jar.without_ours(scope)
        if key:
            scope["headers"].append((b"x-app-session", key.encode()))
        if cookies.device:
            scope["headers"].append((b"x-app-device", cookies.device.encode()))
        if scope["type"] == "websocket":
            if not key:
                await refuse(scope, receive, send, 403, "Open the page first.")
                return
            state = await self._state(key)
            scope["headers"].append((b"x-app-state", state.encode()))
            await self._websocket(scope, receive, send, Tab(key, state, send, time.monotonic()))
        elif _is_private(path):
            await self._private(scope, receive, send, path, key)
        elif cookies.token:
            await self._app(scope, receive, send)
        else:
            # For "not modified" a browser shows the page that it keeps, and has no token then.
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in CONDITIONS]
            await self._app(scope, receive, self._sending_token(send))

    async def _private(
        self, scope: Scope, receive: Receive, send: Send, path: str, key: str
    ) -> None:
        state = await self._state(key) if key else GUEST
        if state == UNKNOWN:
            await refuse(scope, receive, send, 503, "The database is away; try again.")
        elif not self._shared(path, "app_session", key, state):
            await refuse(scope, receive, send, 403, "Sign in first.")
        else:
            if state == USER:
                await self._touch(key)
            await self._app(scope, receive, send)

    def _shared(self, path: str, name: str, value: str, state: str) -> bool:
        """Tell whether who asks may have a path: a session with the same st.user[name] has it.

        A guest gets what the sign-in page shows, and nothing of a session that has ended.
        """
        if path.startswith(UPLOAD):
            found = [_user_of(path.removeprefix(UPLOAD).partition("/")[0])]
        elif path.startswith(MEDIA):
            file_id = posixpath.splitext(path.removeprefix(MEDIA))[0]
            # What was sent to a tab stays its own, though a new run has begun to replace it.
            own = (tab for tab in _tabs if (tab.key, tab.state) == (value, state))
            if any(file_id in tab.files for tab in own):
                return True
            found = [_user_of(session_id) for session_id in _sessions_with(file_id)]
        else:
            return state == USER
        states = (USER, UNKNOWN, None) if state == USER else (state, None)
        return bool(value) and any(
            user.get(name) == value and user.get("app_state") in states for user in found
        )

    async def _state(self, key: str) -> str:
        if sessions.remembered(key) is not None:
            return USER
        try:
            identity = await asyncio.to_thread(sessions.lookup, key)
        except DatabaseUnavailable:
            return UNKNOWN
        return USER if identity is not None else GUEST

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

    def _oidc_problem(self, scope: Scope, path: str) -> tuple[int, str] | None:
        if self._backend != "oidc":
            return 404, "Not found."
        site = b"".join(_values(scope, b"sec-fetch-site"))
        if path != REDIRECT and site not in (b"", b"same-origin", b"none"):
            return 403, "Other sites cannot sign you in or out."
        return None

    # --- Websockets -------------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, tab: Tab) -> None:
        async def receive_checked() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not tab.closed:
                size = len(message.get("bytes") or message.get("text") or "")
                if tab.state == GUEST and size > MAX_GUEST_BYTES:
                    log.warning("message too large", bytes=size)
                    await close(tab, 1009)
                elif self._has_sessions and tab.state == USER and _is_use(message):
                    await self._touch(tab.key)
            if tab.closed and message["type"] == "websocket.receive":
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def send_seen(message: Message) -> None:
            if tab.closed:  # Streamlit may still be sending
                return
            if message["type"] == "websocket.send":
                tab.see(message.get("bytes") or b"")
            if message["type"] == "websocket.close":
                tab.closed = True
            await send(message)

        _tabs.add(tab)
        try:
            await self._app(scope, receive_checked, send_seen)
        finally:
            tab.closed = True
            _tabs.discard(tab)

    async def _touch(self, key: str) -> None:
        """Put off the idle limit, at most once a minute."""
        now = time.monotonic()
        every = min(TOUCH_SECONDS, self._settings.auth_session_idle_seconds / 10)
        if not key or now < self._touched.get(key, -every) + every:
            return
        if len(self._touched) >= MAX_TOUCHED:
            self._touched.clear()
        self._touched[key] = now
        try:
            await asyncio.to_thread(sessions.touch, key)
        except DatabaseUnavailable:
            self._touched.pop(key, None)


# --- Open tabs ------------------------------------------------------------------------------------

_tabs: set[Tab] = set()


async def watch(settings: Settings) -> None:
    """Close the tabs whose session has ended, here or in another process; runs for ever."""
    if settings.auth_backend == "none":
        return
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            await _close_ended(settings)
        except DatabaseUnavailable:
            log.warning("sessions cannot be checked while the database is away")
        except Exception:  # a bug here must not keep ended sessions alive for good
            log.exception("sessions could not be checked")


async def _close_ended(settings: Settings) -> None:
    if settings.auth_backend == "proxy":
        # The proxy is asked again from time to time: the browser reconnects by itself.
        oldest = time.monotonic() - settings.auth_session_max_seconds
        await asyncio.gather(*(close(tab, 1012) for tab in [*_tabs] if tab.opened < oldest))
        return
    signed_in = [tab for tab in _tabs if tab.state != GUEST]
    if not signed_in:
        return
    alive = await asyncio.to_thread(sessions.alive, {tab.key for tab in signed_in})
    arrived = time.monotonic() - sessions.MOVE_SECONDS
    ended = [tab for tab in signed_in if tab.key not in alive and tab.left < arrived]
    await asyncio.gather(*(_send_away(tab, settings) for tab in ended))


async def _send_away(tab: Tab, settings: Settings) -> None:
    """Let the browser load the page anew, where it finds the sign-in, and close the websocket."""
    message = ForwardMsg()
    message.auth_redirect.url = f"{settings.base_path}/"
    try:
        # A browser that is on its way to a new session would not get there.
        if not tab.closed and not tab.left:
            await tab.send({"type": "websocket.send", "bytes": message.SerializeToString()})
    except Exception as error:  # noqa: BLE001 - servers differ in what they raise
        log.debug("tab was gone", reason=type(error).__name__)
    await close(tab, 1008)
    if tab.session_id:  # its data must not wait for somebody who resumes it
        Runtime.instance().close_session(tab.session_id)


async def close(tab: Tab, code: int) -> None:
    """Close a websocket from this side."""
    if tab.closed:
        return
    tab.closed = True
    try:
        await tab.send({"type": "websocket.close", "code": code})
    except Exception as error:  # noqa: BLE001 - servers differ in what they raise
        log.debug("tab was gone", reason=type(error).__name__)


# --- What messages and headers say ----------------------------------------------------------------


def _spelling(name: bytes) -> bytes:
    """Return the one spelling of a header: programs behind us may take _ for -."""
    return name.lower().replace(b"_", b"-")


def _without_ours(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [pair for pair in headers if not _spelling(pair[0]).startswith(b"x-app-")]


def _values(scope: Scope, name: bytes) -> list[bytes]:
    """Return all values of a header, in any spelling."""
    return [value for key, value in scope["headers"] if _spelling(key) == _spelling(name)]


def _is_private(path: str) -> bool:
    trees = (MEDIA, UPLOAD, *(tree + "/" for tree in PRIVATE_TREES))
    return f"{path}/".startswith(trees)


def _is_use(message: Message) -> bool:
    """Tell whether a message comes from a person, not from a page that updates itself."""
    parsed = parse_message(message)
    if parsed is None or parsed.WhichOneof("type") != "rerun_script":
        return False
    return not parsed.rerun_script.is_auto_rerun


def _session_id(data: bytes) -> str:
    message = ForwardMsg.FromString(data)
    return message.new_session.initialize.session_id


def _is_redirect(data: bytes) -> bool:
    return len(data) <= MAX_REDIRECT_BYTES and ForwardMsg.FromString(data).HasField("auth_redirect")


def _user_of(session_id: str) -> dict[str, Any]:
    """Return st.user of a session of Streamlit; there is no public name for it."""
    manager = getattr(Runtime.instance(), "_session_mgr", None)
    info = manager.get_session_info(session_id) if manager is not None else None
    return dict(getattr(info.session, "_user_info", {})) if info is not None else {}


def _sessions_with(file_id: str) -> list[str]:
    """Return the ids of the sessions that show a media file; there is no public name for it."""
    files = getattr(Runtime.instance().media_file_mgr, "_files_by_session_and_coord", {})
    return [session_id for session_id, ids in [*files.items()] if file_id in ids.values()]
