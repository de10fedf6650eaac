"""Watches the websocket of each browser tab: which messages pass, how often, how long runs take.

The messages are Streamlit's protobufs, which are no public API: pyproject.toml therefore holds
Streamlit to one minor version, and the tests drive a real session through this module.
"""

import asyncio
import secrets
import time
from typing import Final

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from .. import metrics, session_notes
from ..limits import Limiter
from ..logs import get_logger
from ..settings import Settings

log = get_logger(__name__)

# What a tab needs to send. The rest is for developers of Streamlit or harmful: `clear_cache`
# empties the caches of all users, `load_git_info` tells branch and file names.
ALLOWED_MESSAGES: Final = frozenset(
    {
        "rerun_script",
        "stop_script",
        "file_urls_request",
        "app_heartbeat",
        "backend_operation_request",
    }
)

# Messages that open, name and close a run are small; charts and tables need not be decoded.
MAX_DECODED_BYTES: Final = 32 * 1024

RESULTS: Final = {
    ForwardMsg.FINISHED_SUCCESSFULLY: "success",
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY: "success",
    ForwardMsg.FINISHED_EARLY_FOR_RERUN: "rerun",
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR: "error",
}


class RunTimer:
    """Follows the messages that one tab receives, and reports each finished script run."""

    def __init__(self) -> None:
        self.session_id = ""
        self._page = "unknown"
        self._started: float | None = None

    def see(self, data: bytes) -> None:
        """Look at one message from the server to the browser."""
        if len(data) > MAX_DECODED_BYTES:
            return
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session_id = message.new_session.initialize.session_id
            self._started = time.perf_counter()
        elif kind == "navigation":
            self._page = self._current_page(message)
        elif kind == "script_finished" and self._started is not None:
            failed = session_notes.failed.take(self.session_id)
            result = "error" if failed else RESULTS.get(message.script_finished, "unknown")
            metrics.script_run(self._page, result, time.perf_counter() - self._started)
            self._started = None

    @staticmethod
    def _current_page(message: ForwardMsg) -> str:
        """Return the URL name of the page that runs, "home" for the default page."""
        navigation = message.navigation
        for page in navigation.app_pages:
            if page.page_script_hash == navigation.page_script_hash:
                return page.url_pathname or "home"
        return "unknown"


class SessionTraffic:
    """ASGI middleware around the websocket of a tab; HTTP passes untouched."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._measure = settings.metrics_enabled
        self._rerun_rate = settings.rate_limit_rerun
        # In memory even where there is Redis: a tab is connected to one process only.
        self._limiter = Limiter(enabled=settings.rate_limit_enabled)
        self._open_tabs = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        timer = RunTimer()
        tab = secrets.token_hex(8)

        async def receive_allowed() -> Message:
            while True:
                message = await receive()
                kind = message_kind(message)
                if kind == "rerun_script" and await self._delay(tab):
                    session_notes.throttled.add(timer.session_id)
                if kind is None or kind in ALLOWED_MESSAGES:
                    return message
                log.warning("message refused", message_type=kind)

        async def send_seen(message: Message) -> None:
            data = message.get("bytes")
            if data and (self._measure or not timer.session_id):
                try:
                    timer.see(data)
                except DecodeError:  # an error here would end the user's session
                    log.exception("message not understood")
            await send(message)

        self._count_tabs(+1)
        try:
            await self._app(scope, receive_allowed, send_seen)
        finally:
            self._count_tabs(-1)

    async def _delay(self, tab: str) -> bool:
        """Hold a rerun back until there is room for it, so that no click is lost."""
        delayed = False
        while wait := await self._limiter.hit(self._rerun_rate, "rerun", tab):
            if not delayed:
                metrics.rate_limited("rerun")
            delayed = True
            await asyncio.sleep(wait)
        return delayed

    def _count_tabs(self, change: int) -> None:
        self._open_tabs += change
        metrics.sessions_open(self._open_tabs)


def message_kind(message: Message) -> str | None:
    """Return the type of a browser's message; None if it is no message (connect, close, junk)."""
    parsed = parse_message(message)
    return parsed.WhichOneof("type") if parsed is not None else None


def parse_message(message: Message) -> BackMsg | None:
    """Return what a browser sent; None if it is no message (connect, close, junk)."""
    data = message.get("bytes")
    if message["type"] != "websocket.receive" or not data:
        return None
    try:
        return BackMsg.FromString(data)
    except DecodeError:
        return None  # Streamlit closes the connection by itself
