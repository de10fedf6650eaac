"""What the service manager hears, on a real datagram socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from chassis.server import service_manager
from chassis.settings import Settings
from chassis.testing.ports import free_port

LIMIT_SECONDS = 10


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return the socket of a service manager that has started this process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(LIMIT_SECONDS)
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
        yield listener


def heard(manager: socket.socket) -> list[str]:
    """Return the lines of the next datagram."""
    return manager.recv(4096).decode().split("\n")


def test_lines_arrive_in_one_datagram(manager: socket.socket) -> None:
    assert service_manager.notify("READY=1", "STATUS=serving")
    assert heard(manager) == ["READY=1", "STATUS=serving"]


def test_an_abstract_name_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert service_manager.notify("READY=1")
        assert listener.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/notify"])
def test_without_a_manager_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not service_manager.notify("READY=1")


def test_a_manager_that_does_not_listen_blocks_nobody(manager: socket.socket) -> None:
    manager.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    answers = [service_manager.notify("WATCHDOG=1") for _ in range(1000)]
    assert answers[0]
    assert not answers[-1]


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", None, 10.0),
        ("30000000", "own", 10.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_is_told_three_times_within_its_limit(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    pid = str(os.getpid()) if pid == "own" else pid
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert service_manager.watchdog_seconds() == seconds


async def start_answering(port: int, first_line: bytes) -> asyncio.Server:
    """Answer every request on a port with a status line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first_line + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port)


def test_ready_is_said_when_readyz_says_so_and_then_the_watchdog_hears_of_us(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    port = free_port()

    async def start_slowly() -> None:
        task = asyncio.create_task(service_manager.report(Settings(app_port=port)))
        assert await asyncio.to_thread(heard, manager) == ["STATUS=starting"]
        not_ready = await start_answering(port, b"HTTP/1.1 503 Service Unavailable")
        await asyncio.sleep(3 * service_manager.POLL_SECONDS)
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(4096)
        manager.settimeout(LIMIT_SECONDS)
        not_ready.close()
        await not_ready.wait_closed()
        ready = await start_answering(port, b"HTTP/1.1 200 OK")
        lines = await asyncio.to_thread(heard, manager)
        assert lines == ["READY=1", f"STATUS=serving on 127.0.0.1, port {port}"]
        for _ in range(3):
            assert await asyncio.to_thread(heard, manager) == ["WATCHDOG=1"]
        task.cancel()
        ready.close()

    asyncio.run(start_slowly())
