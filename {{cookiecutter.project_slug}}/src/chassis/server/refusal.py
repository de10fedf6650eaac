"""How the server says no, before Streamlit sees the request."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

# How long a refused body may go on: a connection that ends while a proxy writes to it looks like a
# server that has failed, and the proxy would send all visitors elsewhere.
LINGER_SECONDS: Final = 2.0
# Read slowly meanwhile: what is thrown away must not keep the event loop busy.
LINGER_PAUSE_SECONDS: Final = 0.05


def brings_body(scope: Scope) -> bool:
    """Tell whether a request has a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    text: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer an HTTP request or a websocket handshake with an HTTP status and one line of text."""
    response = PlainTextResponse(text + "\n", status, headers)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    elif brings_body(scope):
        response.headers["Connection"] = "close"
        start = {"status": status, "headers": response.raw_headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_read(receive), LINGER_SECONDS)
        await send({"type": "http.response.body"})
    else:
        await response(scope, receive, send)


async def _read(receive: Receive) -> None:
    message = await receive()
    while message.get("more_body"):
        await asyncio.sleep(LINGER_PAUSE_SECONDS)
        message = await receive()
