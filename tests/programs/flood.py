"""A flood of guests, while somebody who has signed in clicks.

Two programs for the Python of a generated project, in an environment that has its database:

click URL AUTHORITY SECONDS              prints what the user waited for, before and after a line
flood URL AUTHORITY TABS ADDRESS ...     is the guests, until a line on standard input
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import importlib
import json
import os
import secrets
import ssl
import statistics
import sys
import time
from typing import Any
from urllib.parse import urlsplit

importlib.import_module("my_internal_tool.app")  # which makes the project
loadtest: Any = importlib.import_module("chassis.commands.loadtest")
sessions: Any = importlib.import_module("chassis.auth.sessions")
users: Any = importlib.import_module("chassis.auth.users")
audit: Any = importlib.import_module("chassis.auth.audit")
roles: Any = importlib.import_module("chassis.auth.roles")
protos: Any = importlib.import_module("streamlit.proto.BackMsg_pb2")
closed: Any = importlib.import_module("websockets.exceptions")

THINK_SECONDS = 0.25


class Site:
    """The app, as the flood and the user see it."""

    def __init__(self, url: str, authority: str, addresses: list[str]) -> None:
        self.url = url
        self.base = urlsplit(url)
        self.context = ssl.create_default_context(cafile=authority) if authority else None
        self.addresses = addresses

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection."""
        host, port = self.base.hostname or "", self.base.port
        if self.context is not None:
            return http.client.HTTPSConnection(host, port, timeout=30, context=self.context)
        return http.client.HTTPConnection(host, port, timeout=30)

    def headers(self, number: int, cookie: str = "") -> dict[str, str]:
        """Return the headers of one of the guests; a number below 0 is the user."""
        address = self.addresses[number % len(self.addresses)] if number >= 0 else "203.0.113.1"
        return {"X-Forwarded-For": address, "X-Address": address, "Cookie": cookie}

    def cookies(self, number: int) -> str:
        """Load the page as a guest; return the cookies that came with it."""
        with contextlib.closing(self.connection()) as connection:
            connection.request("GET", "/", headers=self.headers(number))
            answer = connection.getresponse()
            answer.read()
            lines = answer.headers.get_all("Set-Cookie") or []
        return "; ".join(line.partition(";")[0] for line in lines)

    def tab(self, number: int, cookie: str) -> Any:
        """Open a tab."""
        options: dict[str, Any] = {"ssl": self.context} if self.context else {}
        return loadtest.open_tab(
            self.url, headers=self.headers(number, cookie), proxy=None, open_timeout=30, **options
        )


class Flood:
    """Guests who send what costs most, as fast as they can, again and again."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ends: dict[str, int] = {}
        self.uploads: dict[int, int] = {}

    def ended(self, how: str) -> None:
        """Count how a tab has ended."""
        self.ends[how] = self.ends.get(how, 0) + 1

    async def guest(self, number: int) -> None:
        """Be one of the tabs: come back whenever the server ends it."""
        cookie = await asyncio.to_thread(self.site.cookies, number)
        kinds = [self.names, self.reruns, self.files]
        turn = number
        while True:
            try:
                async with self.site.tab(number, cookie) as tab:
                    await kinds[turn % len(kinds)](tab, number, cookie)
            except closed.InvalidStatus as refusal:
                self.ended(f"HTTP {refusal.response.status_code}")
                await asyncio.sleep(0.2)
            except (closed.WebSocketException, OSError, TimeoutError) as error:
                self.ended(type(error).__name__)
            turn += 1

    async def names(self, tab: Any, _number: int, _cookie: str) -> None:
        """Ask for places for very many files."""
        message = protos.BackMsg()
        message.file_urls_request.file_names.extend([""] * 32_000)
        await self.send(tab, message)

    async def reruns(self, tab: Any, _number: int, _cookie: str) -> None:
        """Send the largest forms."""
        message = protos.BackMsg()
        message.rerun_script.query_string = "x" * 60_000
        await self.send(tab, message)

    async def send(self, tab: Any, message: Any) -> None:
        """Send a message until the tab is closed."""
        data = message.SerializeToString()
        reading = asyncio.create_task(read(tab))
        with contextlib.suppress(closed.ConnectionClosed):
            while True:
                await tab.socket.send(data)
        await reading
        self.ended(f"code {tab.socket.close_code}")

    async def files(self, tab: Any, number: int, cookie: str) -> None:
        """Upload files of 49 MB, and one that hardly moves."""
        await tab.rerun()
        paths = [f"/_stcore/upload_file/{tab.session_id}/{number}-{part}" for part in range(3)]
        await asyncio.gather(
            *(asyncio.to_thread(self.upload, path, number, cookie) for path in paths)
        )

    def upload(self, path: str, number: int, cookie: str) -> None:
        """Upload a file as far as the server reads."""
        status = 0
        with contextlib.closing(self.site.connection()) as connection, contextlib.suppress(OSError):
            connection.request("GET", "/_stcore/health", headers=self.site.headers(number, cookie))
            answer = connection.getresponse()
            answer.read()
            xsrf = str(answer.headers["Set-Cookie"]).partition(";")[0]
            headers = self.site.headers(number, f"{cookie}; {xsrf}") | {
                "X-Xsrftoken": xsrf.partition("=")[2],
                "Content-Type": "multipart/form-data; boundary=x",
            }
            head = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
            body = head + bytes(49 << 20) + b"\r\n--x--\r\n"
            try:
                connection.request("PUT", path, body, headers)
            finally:
                with contextlib.suppress(http.client.HTTPException):
                    status = connection.getresponse().status
        self.uploads[status] = self.uploads.get(status, 0) + 1


async def read(tab: Any) -> None:
    """Read what comes until the server closes a tab; who does not read hears of no end."""
    with contextlib.suppress(closed.ConnectionClosed):
        async for _data in tab.socket:
            pass


async def clicks(tab: Any, seconds: float) -> list[float]:
    """Click for so long; return what each click took."""
    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found.append(await tab.rerun())
        await asyncio.sleep(THINK_SECONDS)
    return found


async def probes(site: Site, seconds: float) -> list[float]:
    """Ask whether the server lives for so long; return what each answer took."""

    def probe() -> float:
        with contextlib.closing(site.connection()) as connection:
            started = time.perf_counter()
            connection.request("GET", "/livez")
            assert connection.getresponse().status == http.client.OK
            return time.perf_counter() - started

    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found.append(await asyncio.to_thread(probe))
        await asyncio.sleep(THINK_SECONDS)
    return found


def p95(values: list[float]) -> float:
    """Return what 95 of 100 are below, in milliseconds."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] * 1000


def sign_in() -> str:
    """Add a user; return the cookie of a session."""
    secure = os.environ["APP_BASE_URL"].startswith("https:")
    name = f"clicker-{time.time_ns()}"
    user = users.create(
        name,
        roles=[roles.Role.VIEWER],
        actor=audit.Actor(None, "test"),
        password=secrets.token_urlsafe(),
        must_change_password=False,
    )
    return f"{'__Host-' if secure else ''}session={sessions.start(user.id)}"


async def click(site: Site, seconds: float) -> None:
    """Be the user: print what clicks and probes took, now and after a line on standard input."""
    async with site.tab(-1, sign_in()) as tab:
        await tab.rerun()
        for _time in range(2):
            found = await asyncio.gather(clicks(tab, seconds), probes(site, seconds))
            figures = {"click": p95(found[0]), "livez": p95(found[1]), "clicks": len(found[0])}
            print(json.dumps(figures), flush=True)
            await asyncio.to_thread(sys.stdin.readline)


async def flood(site: Site, tabs: int) -> None:
    """Be the guests until a line on standard input; print how their tabs have ended."""
    flooding = Flood(site)
    guests = [asyncio.create_task(flooding.guest(number)) for number in range(tabs)]
    await asyncio.to_thread(sys.stdin.readline)
    early = [guest.exception() for guest in guests if guest.done()]
    assert not early, early
    print(json.dumps({"ends": flooding.ends, "uploads": flooding.uploads}), flush=True)
    os._exit(0)  # threads may still be sending


what, url, authority, number = sys.argv[1:5]
if what == "click":
    asyncio.run(click(Site(url, authority, []), float(number)))
else:
    os.nice(10)  # in life it is another machine
    asyncio.run(flood(Site(url, authority, sys.argv[5:]), int(number)))
