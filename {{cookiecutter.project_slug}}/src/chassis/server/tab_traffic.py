"""The messages of one browser tab, both ways: which ones pass, when, and what they cost.

One that is refused ends the tab, as no browser sends it: so it is logged once.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Final

from google.protobuf.message import DecodeError
from starlette.types import Message, Receive, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from .. import metrics, session_notes, streamlit_private
from ..limits import Limiter
from ..logs import get_logger
from ..settings import Settings
from . import messages, uploads
from .budgets import MAX_WAIT_SECONDS, Budget
from .messages import Refused
from .open_tabs import USER, Tab
from .run_timer import RunTimer

log = get_logger(__name__)

TRY_AGAIN_LATER: Final = 1013


class TabTraffic:
    """What stands between a websocket and Streamlit: its `receive` and its `send`."""

    def __init__(
        self,
        settings: Settings,
        reruns: Limiter,
        budgets: Sequence[Budget],
        tab: Tab | None,
        receive: Receive,
        send: Send,
    ) -> None:
        self._measure = settings.metrics_enabled
        self._limited = settings.rate_limit_enabled
        self._rerun_rate = settings.rate_limit_rerun
        self._reruns = reruns
        self._budgets = budgets
        self._tab = tab
        self._receive = receive
        self._send = send
        self._id = secrets.token_hex(8)
        self._timer = RunTimer()
        self._working_since: float | None = None
        self._files_asked_for = 0
        self._ended = False

    @property
    def _is_guest(self) -> bool:
        # Not settled when the tab opens: the database may have been away.
        return self._tab is not None and self._tab.state != USER

    async def receive(self) -> Message:
        """Return the next message that Streamlit may see."""
        self._pay_for_work()
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        self._working_since = time.thread_time()
        data = message.get("bytes") or b""
        try:
            await self._check(data)
        except Refused as refusal:
            await self._end(refusal)
            return {"type": "websocket.disconnect", "code": refusal.code}
        return message

    async def send(self, message: Message) -> None:
        """Pass a message of Streamlit on to the browser."""
        if self._ended:  # Streamlit may still be sending
            return
        if data := message.get("bytes"):
            try:
                self._see(data)
            except DecodeError:  # an error here would end the user's session
                log.exception("message not understood")
        await self._send(message)

    def _see(self, data: bytes) -> None:
        if self._measure or not self._timer.session_id:
            self._timer.see(data)
        if self._files_asked_for:
            answer = ForwardMsg.FromString(data)
            if answer.HasField("file_urls_response"):
                self._files_asked_for -= 1
                uploads.give_out(answer, self._budgets)

    async def _check(self, data: bytes) -> None:
        """Let a message pass, now or later; raises Refused."""
        message = messages.check(data, messages.GUEST if self._is_guest else messages.SIGNED_IN)
        if self._limited:
            await self._afford(len(data))
        if message.HasField("rerun_script"):
            await self._hold_back()
        elif message.HasField("file_urls_request"):
            self._files_asked_for += 1

    async def _afford(self, size: int) -> None:
        """Pay for a message, and wait until that much has come back."""
        for budget in self._budgets:
            budget.spend(messages=1, size=size)
        wait = max(budget.wait() for budget in self._budgets)
        if wait > 0:
            metrics.rate_limited("budget")
            if wait > MAX_WAIT_SECONDS:
                raise Refused("any", "budget", TRY_AGAIN_LATER)
            await self._rest(wait)

    async def _hold_back(self) -> None:
        """Hold a rerun back until there is room for it, so that no click is lost."""
        delayed = False
        while wait := await self._reruns.hit(self._rerun_rate, "rerun", self._id):
            if not delayed:
                metrics.rate_limited("rerun")
            delayed = True
            await self._rest(wait)
        if delayed:
            session_notes.throttled.add(self._timer.session_id)

    async def _rest(self, seconds: float) -> None:
        self._pay_for_work()
        await asyncio.sleep(seconds)
        self._working_since = time.thread_time()

    def _pay_for_work(self) -> None:
        """Pay for the time of the event loop since a message came, without that of other threads.

        Streamlit handles one without a pause, and asks for the next: nobody else worked meanwhile.
        """
        if self._working_since is None:
            return
        seconds = time.thread_time() - self._working_since
        self._working_since = None
        for budget in self._budgets:
            budget.spend(seconds=seconds)
        if self._measure:
            metrics.message_seconds("guest" if self._is_guest else "user", seconds)

    async def _end(self, refusal: Refused) -> None:
        metrics.rate_limited("message")
        log.warning("message refused, tab closed", message_type=refusal.kind, reason=refusal.reason)
        self._ended = True
        await self._send({"type": "websocket.close", "code": refusal.code})
        if self._is_guest and self._timer.session_id:  # else it is kept in case that it comes back
            streamlit_private.close_session(self._timer.session_id)
