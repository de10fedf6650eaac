"""Uploads: a body that hardly moves is given up, one that comes slowly is not."""

import asyncio

import pytest
from chassis.server import uploads
from chassis.server.budgets import SIGNED_IN, Budget
from chassis.settings import get_settings
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PATH = "/_stcore/upload_file/session/file"
SIZE = 1000


async def taking(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read a body as Streamlit does, and answer 204."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def put(receive: Receive, budget: Budget, *length: tuple[bytes, bytes]) -> int:
    """Upload a file; return the status of the answer."""
    message = ForwardMsg()
    message.file_urls_response.file_urls.add().upload_url = PATH
    uploads.give_out(message, [budget])
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = list(length)
    scope = {"type": "http", "method": "PUT", "path": PATH, "headers": headers}
    middleware = uploads.Uploads(taking, get_settings())
    asyncio.run(middleware(scope, receive, send))
    return statuses[0]


def body(chunk: bytes, count: int, pause: float) -> Receive:
    """Return a `receive` that brings a chunk from time to time."""
    left = count

    async def receive() -> Message:
        nonlocal left
        await asyncio.sleep(pause)
        left -= 1
        return {"type": "http.request", "body": chunk, "more_body": left > 0}

    return receive


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> Budget:
    """Return the budget of a session without files, where 0.2 s are long."""
    monkeypatch.setattr(uploads, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(uploads, "_places", {})
    monkeypatch.setattr(uploads.streamlit_private, "uploads_of", lambda _session_id: (0, 0))
    return Budget(SIGNED_IN)


LENGTH = (b"content-length", str(SIZE).encode())


def test_a_body_that_hardly_moves_is_given_up(budget: Budget) -> None:
    assert put(body(b"x", SIZE, 0.05), budget, LENGTH) == 408
    assert budget.arriving_files == budget.arriving_bytes == 0


def test_a_body_that_comes_slowly_is_taken(budget: Budget) -> None:
    chunk = bytes(uploads.BODY_BYTES_A_SECOND // 10)
    assert put(body(chunk, 10, 0.05), budget, LENGTH) == 204


def test_a_body_of_unknown_length_is_not_taken(budget: Budget) -> None:
    assert put(body(b"x", 1, 0), budget) == 411
    assert put(body(b"x", 1, 0), budget, (b"content-length", b"-1")) == 411
    assert put(body(b"x", 1, 0), budget, LENGTH, LENGTH) == 411


@pytest.mark.parametrize(
    ("files", "size"), [(uploads.MAX_FILES, 0), (1, 2**40)], ids=["files", "bytes"]
)
def test_what_is_arriving_counts(budget: Budget, files: int, size: int) -> None:
    budget.arriving_files, budget.arriving_bytes = files, size
    assert put(body(b"x", 1, 0), budget, LENGTH) == 413
    assert (budget.arriving_files, budget.arriving_bytes) == (files, size)
