"""The page that Streamlit's frontend runs in, with scripts of ours in its head."""

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import streamlit_private
from ..logs import get_logger
from ..settings import Settings
from . import refusals
from .request import unconditional

log = get_logger(__name__)

VALIDATORS: Final = ("etag", "last-modified")


def with_scripts(page: str, addresses: Sequence[str]) -> str:
    """Return the page with these scripts, which run before those of Streamlit.

    Without the place for them it stays as it is: the app matters more.
    """
    if page.count(streamlit_private.HEAD_END) != 1:
        log.error("Streamlit's page has changed: it is shown without the scripts of the chassis")
        return page
    tags = "".join(f'<script src="{address}"></script>\n' for address in addresses)
    return page.replace(streamlit_private.HEAD_END, tags + streamlit_private.HEAD_END)


class Document:
    """ASGI middleware: answers with our page where Streamlit answers with its own."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._theirs = streamlit_private.PAGE.read_bytes()
        scripts = [settings.base_path + refusals.SCRIPT] if settings.is_development else []
        self._ours = with_scripts(self._theirs.decode(), scripts).encode()
        self._differs = self._ours != self._theirs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._differs or scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        # A browser that has the page without our scripts must not be told that it is still good.
        asked = {**scope, "headers": unconditional(scope)}
        await self._app(asked, receive, self._replacing(send))

    def _replacing(self, send: Send) -> Send:
        """Hold back what may be Streamlit's page until it is there as a whole."""
        held: list[Message] = []

        async def send_ours(message: Message) -> None:
            if message["type"] == "http.response.start" and self._may_be_theirs(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body"):
                    for part in self._replaced(held):
                        await send(part)
                    held.clear()

        return send_ours

    def _may_be_theirs(self, start: Message) -> bool:
        headers = MutableHeaders(raw=list(start["headers"]))
        return (
            headers.get("content-type", "").startswith("text/html")
            and headers.get("content-length") == f"{len(self._theirs)}"
        )

    def _replaced(self, messages: list[Message]) -> list[Message]:
        start, *parts = messages
        if b"".join(part.get("body", b"") for part in parts) != self._theirs:
            return messages
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-length"] = str(len(self._ours))
        for name in VALIDATORS:
            del headers[name]
        body = {"type": "http.response.body", "body": self._ours}
        return [{**start, "headers": headers.raw}, body]
