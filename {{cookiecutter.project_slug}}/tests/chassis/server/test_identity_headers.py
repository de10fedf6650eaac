"""Forged identity headers, over HTTP and websockets against the running application."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest
from chassis.auth import sessions, users
from chassis.auth.roles import Role
from chassis.commands.loadtest import open_tab
from chassis.testing.servers import PRODUCTION, Server, running_server, small_project
from chassis.testing.sites import Site
from websockets.exceptions import InvalidStatus

from .conftest import PAGE

BOB = ("X-Forwarded-User", "bob")
SPELLINGS = ["X-App-{}", "x-app-{}", "X_App_{}", "X-APP_{}", "x_app-{}"]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Server]]:
    """Return two servers for AUTH_BACKEND=proxy: to one this machine is the proxy."""
    project = small_project(tmp_path_factory.mktemp("small"), PAGE)
    log = tmp_path_factory.mktemp("log")
    backend = PRODUCTION | {"AUTH_BACKEND": "proxy"}
    with (
        running_server(log, backend, project) as trusted,
        running_server(log, backend | {"TRUSTED_PROXIES": "10.9.8.7"}, project) as other,
    ):
        yield {True: trusted, False: other}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("twice", [False, True])
def test_identity_headers_of_a_client_are_dropped(small: Site, spelling: str, twice: bool) -> None:
    boss = users.find("boss") or small.add("boss", Role.ADMIN)
    stolen = sessions.hash_of(small.signed_in(boss).cookies["session"])
    values = {"Session": stolen, "User": "boss", "Roles": "admin", "State": "user", "Email": "b@x"}
    headers = {spelling.format(name): value for name, value in values.items()}
    if twice:
        headers |= {spelling.format(name).upper(): value for name, value in values.items()}
    guest = small.guest()

    async def visit() -> str:
        async with guest.tab(**headers) as page:
            await page.open()
            return page.text()

    text = asyncio.run(visit())
    assert "user=nobody" in text
    assert stolen not in text


@pytest.mark.parametrize(
    ("headers", "trusted", "seen"),
    [
        ([BOB], True, "user=bob"),
        ([BOB, ("X-App-User", "boss")], True, "user=bob"),
        ([BOB, ("X-Forwarded-User", "boss")], True, 400),
        ([BOB, ("x_forwarded_user", "boss")], True, 400),
        ([BOB, ("X-Forwarded-Groups", "a"), ("X-Forwarded-Groups", "admin")], True, 400),
        ([("X-Forwarded-User", "bob\u00ad")], True, 400),
        ([("X-Forwarded-User", "bob\u0085")], True, 400),
        ([("X-Forwarded-User", "b" * 201)], True, 400),
        ([("X-App-User", "boss")], True, 403),
        ([], True, 403),
        ([("X-Forwarded-User", "boss")], False, 403),
        ([("X-Forwarded-User", "boss"), ("X-Forwarded-For", "127.0.0.1")], False, 403),
    ],
)
def test_only_the_proxy_names_the_user(
    proxied: dict[bool, Server], headers: list[tuple[str, str]], trusted: bool, seen: str | int
) -> None:
    url = proxied[trusted].url

    async def visit() -> str | int:
        try:
            async with open_tab(url, headers=headers) as tab:
                await tab.rerun()
                return "\n".join(map(str, tab.messages))
        except InvalidStatus as refusal:
            return refusal.response.status_code

    answer = asyncio.run(visit())
    if isinstance(seen, int):
        assert answer == seen
        sent = [(name.encode(), value.encode()) for name, value in headers]
        assert httpx.get(url, headers=sent).status_code == seen
    else:
        assert isinstance(answer, str)
        assert seen in answer


@pytest.mark.parametrize("upgrade", ["", "Upgrade: websocket\r\nConnection: Upgrade\r\n"])
def test_a_header_that_no_database_could_store_is_refused(
    proxied: dict[bool, Server], upgrade: str
) -> None:
    address = httpx.URL(proxied[True].url)
    with socket.create_connection((address.host, address.port or 80), timeout=10) as client:
        lines = f"GET / HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n{upgrade}"
        client.sendall(f"{lines}X-Forwarded-User: bob\0\r\n\r\n".encode())
        assert b" 400 " in client.recv(1000).partition(b"\r\n")[0]
