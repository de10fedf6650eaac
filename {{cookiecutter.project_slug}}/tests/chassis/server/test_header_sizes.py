"""Requests with the cookies of all other sites of a company, and with more than that."""

import socket
import time
from urllib.parse import urlsplit

import pytest
from chassis.server.gate import MAX_HEADER_BYTES
from chassis.testing.servers import Server

PAGE = "GET / HTTP/1.1"
TAB = "GET /_stcore/stream HTTP/1.1"
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
PIECE = 4000  # bytes, about as many as networks carry at once


def ask(server: Server, first_line: str, headers: str, *, in_pieces: bool = False) -> int:
    """Return the status of the answer; fail if there is none within ten seconds."""
    url = urlsplit(server.url)
    upgrade = UPGRADE if first_line == TAB else "Connection: close\r\n"
    request = f"{first_line}\r\nHost: {url.netloc}\r\n{upgrade}{headers}\r\n".encode()
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as connection:
        for start in range(0, len(request), PIECE if in_pieces else len(request)):
            connection.sendall(request[start : start + PIECE] if in_pieces else request)
            if in_pieces:
                time.sleep(0.01)
        answer = connection.recv(100)
    return int(answer.split()[1])


def cookies(size: int) -> str:
    """Return one line of so many bytes."""
    return f"Cookie: other={'x' * (size - len('Cookie: other=') - 2)}\r\n"


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("size", [8_000, 9_000, 20_000, 60_000])
def test_any_number_of_cookies_that_nginx_lets_pass_is_taken(
    server: Server, size: int, *, in_pieces: bool
) -> None:
    assert ask(server, PAGE, cookies(size), in_pieces=in_pieces) == 200
    assert ask(server, TAB, cookies(size), in_pieces=in_pieces) == 101


def test_many_short_headers_are_taken(server: Server) -> None:
    many = "".join(f"X-Other-{number}: 1\r\n" for number in range(500))
    assert ask(server, PAGE, many) == 200
    assert ask(server, TAB, many) == 101


@pytest.mark.parametrize("first_line", [PAGE, TAB])
@pytest.mark.parametrize("size", [MAX_HEADER_BYTES + 1, 200_000])
def test_too_much_gets_an_answer(server: Server, first_line: str, size: int) -> None:
    # What does not fit into the buffer of h11 is no request to uvicorn.
    assert ask(server, first_line, cookies(size)) in ((431,) if size < 100_000 else (431, 400))
