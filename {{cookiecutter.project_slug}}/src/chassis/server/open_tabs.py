"""The open browser tabs: what was sent to each, and how they end with their session."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Final, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from .. import streamlit_private
from ..auth import sessions
from ..database.engine import DatabaseUnavailable
from ..logs import get_logger
from ..settings import Settings

log = get_logger(__name__)

State = Literal["user", "guest", "unknown"]
USER: Final = "user"
GUEST: Final = "guest"
UNKNOWN: Final = "unknown"  # while the database is away

# With sessions.CACHE_SECONDS below 10 seconds: so long may a session that has ended live on.
POLL_SECONDS: Final = 5.0
TAB: Final = "app_tab"  # in scope["state"]

# The address of a media file in a message; messages with tables are large and have none.
_FILE: Final = re.compile(rb"media/([0-9a-f]{32,128})")
MAX_SCANNED_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 1000
# Longer than a message that sends the browser to another address of the app.
MAX_REDIRECT_BYTES: Final = 2048


@dataclass(eq=False)
class Tab:
    """An open websocket; `key` is the name of the user, or the hash of the browser's cookie."""

    key: str
    state: State
    send: Send
    opened: float = field(default_factory=time.monotonic)
    session_id: str = ""
    closed: bool = False
    left: float = 0.0  # when its browser was sent to another address
    # The media files that were sent to it, the newest last.
    files: dict[str, None] = field(default_factory=dict)

    def see(self, data: bytes) -> None:
        """Look at one message from the server to the browser."""
        if not self.session_id:
            self.session_id = ForwardMsg.FromString(data).new_session.initialize.session_id
        if not self.left and _is_redirect(data):
            self.left = time.monotonic()
        if len(data) <= MAX_SCANNED_BYTES:
            for file_id in _FILE.findall(data):
                self.files.pop(file_id.decode(), None)
                self.files[file_id.decode()] = None
            while len(self.files) > MAX_FILES:
                del self.files[next(iter(self.files))]


_tabs: set[Tab] = set()


async def serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send, tab: Tab) -> None:
    """Serve a websocket as long as its tab may be open."""

    async def receive_checked() -> Message:
        message = await receive()
        if message["type"] != "websocket.receive" or not tab.closed:
            return message
        return {"type": "websocket.disconnect", "code": 1008}

    async def send_seen(message: Message) -> None:
        if tab.closed:  # Streamlit may still be sending
            return
        if message["type"] == "websocket.send":
            tab.see(message.get("bytes") or b"")
        if message["type"] == "websocket.close":
            tab.closed = True
        await send(message)

    scope.setdefault("state", {})[TAB] = tab
    _tabs.add(tab)
    try:
        await app(scope, receive_checked, send_seen)
    finally:
        tab.closed = True
        _tabs.discard(tab)


def tab_of(scope: Scope) -> Tab | None:
    """Return the tab of a websocket; None where nobody signs in."""
    tab: Tab | None = scope.get("state", {}).get(TAB)
    return tab


def is_signed_in(key: str) -> bool:
    """Tell whether somebody who has signed in has an open tab here."""
    return any(tab.key == key and tab.state == USER for tab in _tabs)


def was_sent(file_id: str, key: str, state: State) -> bool:
    """Tell whether an open tab of the same visitor in the same state was sent a media file."""
    return any(file_id in tab.files for tab in _tabs if (tab.key, tab.state) == (key, state))


async def watch(settings: Settings) -> None:
    """Close the tabs whose session has ended, here or in another process; runs until cancelled."""
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
        await asyncio.gather(*(_close(tab, 1012) for tab in [*_tabs] if tab.opened < oldest))
        return
    signed_in = [tab for tab in _tabs if tab.state != GUEST]
    if not signed_in:
        return
    alive = await asyncio.to_thread(sessions.alive, {tab.key for tab in signed_in})
    arrived = time.monotonic() - sessions.MOVE_SECONDS
    for tab in signed_in:
        if tab.state == UNKNOWN and tab.key in alive:
            tab.state = USER
    ended = [tab for tab in signed_in if tab.key not in alive and tab.left < arrived]
    await asyncio.gather(*(_send_away(tab, settings) for tab in ended))


async def _send_away(tab: Tab, settings: Settings) -> None:
    """Let the browser load the page again, where it finds the sign-in, and close the websocket."""
    message = ForwardMsg()
    message.auth_redirect.url = f"{settings.base_path}/"
    try:
        # A browser that is on its way to a new session would not get there.
        if not tab.closed and not tab.left:
            await tab.send({"type": "websocket.send", "bytes": message.SerializeToString()})
    except Exception as error:  # noqa: BLE001 - servers differ in what they raise
        log.debug("tab was gone", reason=type(error).__name__)
    await _close(tab, 1008)
    if tab.session_id:  # its data must not wait for somebody who resumes it
        streamlit_private.close_session(tab.session_id)


async def _close(tab: Tab, code: int) -> None:
    """Close a websocket from this side."""
    if tab.closed:
        return
    tab.closed = True
    try:
        await tab.send({"type": "websocket.close", "code": code})
    except Exception as error:  # noqa: BLE001 - servers differ in what they raise
        log.debug("tab was gone", reason=type(error).__name__)


def _is_redirect(data: bytes) -> bool:
    return len(data) <= MAX_REDIRECT_BYTES and ForwardMsg.FromString(data).HasField("auth_redirect")
