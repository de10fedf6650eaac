"""The gate refuses foreign networks, hosts and origins, and answers 404 where there is nothing."""

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping

import httpx
import pytest
from chassis.server.gate import Gate
from chassis.settings import Settings
from chassis.testing.servers import Server
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from .conftest import OFFICE, STRANGER


@pytest.mark.parametrize(
    "path", ["/", "/about", "/static/../", "/_stcore/health", "/_stcore/host-config", "/livez"]
)
def test_what_exists_is_served(server: Server, path: str) -> None:
    assert httpx.get(server.url + path).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    "path",
    [
        "/nonsense.js",
        "/healthz.txt",
        "/static/js/missing.js",
        "/_stcore/nope",
        "/_stcore/healthy",
        "/api",
        "/api/v1/users",
        "/.well-known/security.txt",
        "/.env",
        "/.git/config",
        "/_stcore/metrics",
        "/_stcore/metrics/",
        "//_stcore/metrics",
        "/_stcore//metrics",
        "/about/../_stcore/metrics",
        "/%5Fstcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/agent/interact",
        "/_stcore/agent/openapi.json",
        "/media/missing.png",
    ],
)
def test_what_is_not_for_visitors_is_404(server: Server, path: str) -> None:
    url = httpx.URL(server.url).copy_with(raw_path=path.encode())
    assert httpx.get(url).status_code == httpx.codes.NOT_FOUND


def test_a_static_file_is_found(server: Server) -> None:
    page = httpx.get(server.url).text
    script = re.findall(r'src="\./(static/[^"]+)"', page)[0]
    assert httpx.get(f"{server.url}/{script}").headers["content-type"].endswith("/javascript")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[", "a b"])
def test_a_foreign_host_is_refused(server: Server, host: str) -> None:
    response = httpx.get(server.url, headers={"Host": host})
    assert response.status_code == httpx.codes.BAD_REQUEST


def test_probes_answer_to_any_host(server: Server) -> None:
    headers = {"Host": "10.0.0.7:8501"}
    assert httpx.get(f"{server.url}/livez", headers=headers).status_code == httpx.codes.OK


def handshake(server: Server, headers: Mapping[str, str], origin: str | None) -> int:
    """Try to open the websocket; return the HTTP status of the answer."""

    async def attempt() -> int:
        url = server.url.replace("http:", "ws:") + "/_stcore/stream"
        try:
            async with connect(
                url,
                origin=Origin(origin) if origin else None,
                additional_headers=headers,
                subprotocols=None,
            ):
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    return asyncio.run(attempt())


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "file://", "http://["]
)
def test_a_foreign_origin_is_refused(server: Server, origin: str) -> None:
    # Streamlit itself would accept any port of localhost, and would ask the internet for its
    # own address before it refuses the others.
    assert handshake(server, {}, origin) == httpx.codes.FORBIDDEN
    assert "handshake" not in server.log()


def test_the_own_origin_and_no_origin_are_accepted(server: Server) -> None:
    assert handshake(server, {}, server.url) == 101
    assert handshake(server, {}, None) == 101


@pytest.mark.parametrize(
    ("origin", "accepted"), [("https://tool.example.com", True), ("http://tool.example.com", False)]
)
def test_an_origin_without_tls_is_not_that_of_a_site_with_tls(
    origin: str, *, accepted: bool
) -> None:
    sent: list[Message] = []

    async def accept(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"tool.example.com"), (b"origin", origin.encode())]
    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": headers}
    scope["extensions"] = {"websocket.http.response": {}}
    asyncio.run(
        Gate(accept, Settings(app_base_url="https://tool.example.com"))(scope, receive, send)
    )
    assert (sent[0]["type"] == "websocket.accept") == accepted


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("GET", "/about"), ("POST", "/livez")])
def test_a_body_that_nobody_reads_is_not_taken(server: Server, method: str, path: str) -> None:
    """The server would throw it away for as long as it comes."""

    async def send() -> tuple[bytes, float]:
        port = httpx.URL(server.url).port
        reader, writer = await asyncio.open_connection("localhost", port)
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        started = time.monotonic()
        answer = await reader.readline()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < started + 20 and not reader.at_eof():
                writer.write(b"8000\r\n" + bytes(0x8000) + b"\r\n")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), 0.01)
        writer.close()
        return answer, time.monotonic() - started

    answer, seconds = asyncio.run(send())
    assert b" 405 " in answer
    assert seconds < 10


PROXIED = {"Host": "tool.example.com", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        (OFFICE, 200),
        (STRANGER, 403),
        (f"{OFFICE}, {STRANGER}", 403),  # the left part is what the client claims
        ("nonsense", 403),
        ("", 403),
    ],
)
def test_only_allowed_networks_come_in(guarded_server: Server, forwarded: str, status: int) -> None:
    headers = PROXIED | {"X-Forwarded-For": forwarded}
    url = f"{guarded_server.url}/team/_stcore/health"  # not counted by the HTTP limit
    assert httpx.get(url, headers=headers).status_code == status


def test_the_websocket_is_for_allowed_networks_too(guarded_server: Server) -> None:
    headers = {"X-Forwarded-For": STRANGER}
    assert handshake(guarded_server, headers, None) == httpx.codes.FORBIDDEN


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/team/_stcore/health", 200),
        ("/team/_stcore/metrics", 404),
        ("/team/nonsense.js", 404),
        ("/team/about", 200),
        ("/team/index.html", 200),
    ],
)
def test_paths_below_a_base_path(path: str, status: int) -> None:
    assert ask_gate(path, APP_BASE_URL="https://tool.example.com/team") == status


@pytest.mark.parametrize(
    ("client", "status"), [("::ffff:203.0.113.9", 200), ("203.0.113.9", 200), ("2001:db8::1", 403)]
)
def test_mapped_ipv6_addresses_count_as_ipv4(client: str, status: int) -> None:
    variables = {"APP_BASE_URL": "https://tool.example.com", "ALLOWED_IPS": "203.0.113.0/24"}
    assert ask_gate("/", client, **variables) == status


def ask_gate(path: str, client: str = "127.0.0.1", **variables: str) -> int:
    """Ask the gate alone, in this process, with an application that answers 200 behind it."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> int:
        settings = Settings.model_validate({key.lower(): value for key, value in variables.items()})
        transport = httpx.ASGITransport(Gate(answer, settings), client=(client, 1))
        async with httpx.AsyncClient(transport=transport) as http:
            return (await http.get(f"https://tool.example.com{path}")).status_code

    return asyncio.run(ask())
