"""Attempts to fill the memory, over HTTP and websockets against the running application."""

import asyncio
import contextlib
import re
import time

import pytest
from chassis.auth import sessions, users
from chassis.auth.models import PendingLogin
from chassis.auth.roles import Role
from chassis.database.engine import transaction
from chassis.testing.sites import Site
from sqlalchemy import select
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from .conftest import memory_mb


@pytest.fixture(autouse=True)
def used(site: Site) -> None:
    """Use the application first: libraries are loaded in the background, or at the first use."""
    assert site.guest().outcome("nobody", "wrong password") == "wrong"
    admin = site.signed_in(users.find("admin") or site.add("admin", Role.ADMIN))

    async def visit() -> None:
        async with admin.tab() as tab:
            for page in ("", "health", "account", "users", "audit"):
                await tab.open(page)

    asyncio.run(visit())


def test_a_huge_sign_in_is_refused(site: Site) -> None:
    guest = site.guest()
    before = memory_mb(site)
    body = b"username=ann&password=" + b"x" * (64 << 20)
    for path in ("/", "/auth/continue", "/login"):
        assert guest.request("POST", path, content=body).status_code in (404, 405)

    async def send(size: int) -> int:
        async with guest.tab() as page:
            await page.open()
            message = BackMsg()
            state = message.rerun_script.widget_states.widgets.add()
            state.id = page.find("text_input", "Password").id
            state.string_value = "x" * size
            with contextlib.suppress(ConnectionClosed):  # while it is still sending
                await page.tab.send(message)
            with pytest.raises((ConnectionError, ConnectionClosed)):
                await page.tab.finished()
            code = page.tab.socket.close_code
            assert code is not None
            return code

    assert asyncio.run(send(64 << 20)) == 1009
    assert asyncio.run(send(100_000)) == 1009
    assert memory_mb(site) < before + 100
    started = time.perf_counter()
    assert guest.outcome("nobody", "x" * 60_000) == "wrong"
    assert time.perf_counter() - started < 10


@pytest.mark.timeout(300)
def test_many_half_open_sign_ins_leave_nothing(site: Site) -> None:
    before = memory_mb(site)

    async def ask(count: int) -> None:
        """Ask again and again for the form, each time as a new browser that never goes on."""
        host = site.server.url.removeprefix("http://")
        reader, writer = await asyncio.open_connection("localhost", int(host.partition(":")[2]))
        for number in range(count):
            path = "/" if number % 2 else f"/auth/continue?code={sessions.new_token()}"
            cookie = f"Cookie: session={sessions.new_token()}\r\n" if number % 4 > 1 else ""
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
        writer.close()

    async def attack() -> None:
        await asyncio.gather(*(ask(500) for _connection in range(20)))

    asyncio.run(attack())
    assert memory_mb(site) < before + 30
    with transaction(read_only=True) as session:
        assert len(session.scalars(select(PendingLogin)).all()) < 20
