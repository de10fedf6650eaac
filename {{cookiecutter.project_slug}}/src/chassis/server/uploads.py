"""Uploads of visitors: only where the server asked for a file, as many as fit, and in time.

A guest gets no place for a file (server/messages.py), so a guest uploads nothing.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from .. import metrics, streamlit_private
from ..settings import Settings
from .budgets import Budget
from .refusal import refuse
from .request import path_of, values

PATH: Final = "/_stcore/upload_file/"
# What all tabs that share a budget may have at the same time, beside MAX_UPLOADS_MB.
MAX_FILES: Final = 1000
# Places for files that one session keeps; the oldest one goes.
MAX_PLACES: Final = 5000
# How long a body may take: so long, and a second more for so many bytes that have come.
BODY_SECONDS: Final = 30.0
BODY_BYTES_A_SECOND: Final = 16 * 1024
# What a form has beside its file.
FORM_BYTES: Final = 64 * 1024

_PLACE: Final = re.compile(rf"{PATH}([^/]+)/([^/]+)$")


@dataclass
class Places:
    """Where the files of one session may go: the ids that the server gave out, and who pays."""

    budgets: Sequence[Budget]
    ids: dict[str, None] = field(default_factory=dict)


_places: dict[str, Places] = {}  # by Streamlit's id of the session


def give_out(message: ForwardMsg, budgets: Sequence[Budget]) -> None:
    """Note the places for files that a message tells a browser."""
    for file in message.file_urls_response.file_urls:
        if found := _PLACE.search(file.upload_url):
            session_id, file_id = found.groups()
            places = _places.setdefault(session_id, Places(budgets))
            places.ids[file_id] = None
            for budget in budgets:
                budget.sessions.add(session_id)
            while len(places.ids) > MAX_PLACES:
                del places.ids[next(iter(places.ids))]


def forget_ended() -> None:
    """Drop what belongs to sessions that are no more."""
    for session_id in [key for key in _places if not streamlit_private.knows_session(key)]:
        for budget in _places.pop(session_id).budgets:
            budget.sessions.discard(session_id)


class TooSlow(Exception):  # noqa: N818 - the client's failure, not ours
    """A body took too long."""


class Uploads:
    """ASGI middleware around Streamlit's own route for files."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._base_path = settings.base_path
        self._max_file = settings.max_upload_mb * 2**20
        self._max_bytes = settings.max_uploads_mb * 2**20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("PUT", "DELETE"):
            await self._app(scope, receive, send)
            return
        path = path_of(scope, self._base_path)
        if not path.startswith(PATH):
            await self._app(scope, receive, send)
            return
        session_id, _slash, file_id = path.removeprefix(PATH).partition("/")
        places = _places.get(session_id)
        if places is None or file_id not in places.ids:
            await self._refuse(scope, receive, send, 403, "Nothing was asked for here.")
        elif scope["method"] == "DELETE":
            await self._app(scope, receive, send)
        else:
            await self._put(scope, receive, send, places)

    async def _put(self, scope: Scope, receive: Receive, send: Send, places: Places) -> None:
        lengths = values(scope, b"content-length")
        if len(lengths) != 1 or not lengths[0].isdigit():
            await self._refuse(scope, receive, send, 411, "The length is missing.")
            return
        size = int(lengths[0])
        if size > self._max_file + FORM_BYTES:
            await self._refuse(scope, receive, send, 413, "This file is too large.")
        elif any(self._is_full(budget, size) for budget in places.budgets):
            await self._refuse(scope, receive, send, 413, "Too many files; remove some first.")
        else:
            await self._take(scope, receive, send, places, size)

    async def _take(
        self, scope: Scope, receive: Receive, send: Send, places: Places, size: int
    ) -> None:
        for budget in places.budgets:
            budget.arriving_files += 1
            budget.arriving_bytes += size
        try:
            await self._app(scope, _in_time(receive), send)
        except TooSlow:
            await self._refuse(scope, receive, send, 408, "The file took too long.")
        finally:
            for budget in places.budgets:
                budget.arriving_files -= 1
                budget.arriving_bytes -= size

    def _is_full(self, budget: Budget, size: int) -> bool:
        """Tell whether one more file of a size is too much for those who share a budget."""
        stored = [streamlit_private.uploads_of(session_id) for session_id in budget.sessions]
        files = budget.arriving_files + sum(files for files, _bytes in stored)
        held = budget.arriving_bytes + sum(size for _files, size in stored)
        return files >= MAX_FILES or held + size > self._max_bytes + FORM_BYTES

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, text: str
    ) -> None:
        metrics.rate_limited("upload")
        await refuse(scope, receive, send, status, text)


def _in_time(receive: Receive) -> Receive:
    """Return a `receive` that raises TooSlow for a body that hardly moves."""
    deadline = time.monotonic() + BODY_SECONDS

    async def receive_in_time() -> Message:
        nonlocal deadline
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        deadline += len(message.get("body", b"")) / BODY_BYTES_A_SECOND
        return message

    return receive_in_time
