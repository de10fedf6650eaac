"""Tells the service manager that started the process how it is: ready, alive, stopping.

Where NOTIFY_SOCKET is set, it names a datagram socket that takes lines such as READY=1; the manual
page sd_notify(3) describes them. Containers of podman have it too.
"""

import asyncio
import os
import socket
from typing import Final

from ..logs import get_logger
from ..settings import Settings

log = get_logger(__name__)

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"

POLL_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 10.0


def notify(*lines: str) -> bool:
    """Send lines to the service manager; return whether there is one that took them."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # Linux's abstract names begin with a null character
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            channel.connect(address)
            channel.send("\n".join(lines).encode())
    except OSError as error:
        log.warning("the service manager cannot be told", lines=lines, reason=error.strerror)
        return False
    return True


def status(text: str) -> str:
    """Return the line that shows a text beside the state of the service."""
    return f"STATUS={text}"


def watchdog_seconds() -> float | None:
    """Return how often to say that the process lives; None where nobody wants to hear it."""
    if os.environ.get("WATCHDOG_PID") not in (None, str(os.getpid())):
        return None
    try:
        limit = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    # Half of the limit is the advice; a third spares a busy machine.
    return limit / 3_000_000 if limit > 0 else None


async def report(settings: Settings) -> None:
    """Say READY once /readyz answers 200, then ping the watchdog as long as the loop turns."""
    if not notify(status("starting")):
        return
    host, port = settings.app_host, settings.app_port
    await until_it_answers(host, port, POLL_SECONDS)
    notify(READY, status(f"serving on {host}, port {port}"))
    log.info("ready")
    interval = watchdog_seconds()
    while interval is not None:
        notify(WATCHDOG)
        await asyncio.sleep(interval)


async def until_it_answers(host: str, port: int, poll_seconds: float) -> None:
    """Wait until /readyz answers 200."""
    while not await answers(host, port):  # noqa: ASYNC110 - nothing tells when it would be 200
        await asyncio.sleep(poll_seconds)


async def answers(host: str, port: int) -> bool:
    """Tell whether /readyz says 200: asked as a visitor would, so that the listener counts too."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(
                    b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def stopping() -> None:
    """Say that the process is on its way out."""
    notify(STOPPING, status("stopping"))
