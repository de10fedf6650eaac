"""The `drain` command: ask the server on this machine to turn new visitors away."""

import http.client
import json
import signal
import time
from typing import Any

import click
import psutil

from ..errors import ExplainedError
from ..server.running import find_server, host_of
from ..settings import Settings, get_settings


class DrainError(ExplainedError):
    """The server did not do it; the text is one line that says why."""


@click.command()
@click.option("--off", is_flag=True, help="Accept new visitors again.")
@click.option(
    "--timeout",
    default=15.0,
    show_default=True,
    help="Seconds to wait for the server to confirm.",
)
def drain(off: bool, timeout: float) -> str:
    """Send new visitors elsewhere; open sessions go on.

    The server, which must run on this machine, answers 503 on /readyz, so that the load balancer
    chooses another one.
    """
    return switch(get_settings(), on=not off, timeout=timeout)


def switch(settings: Settings, *, on: bool, timeout: float) -> str:
    """Switch draining on or off, wait until /readyz confirms it, and return what it says."""
    server = find_server(settings.app_port)
    if server is None:
        raise DrainError(f"no server of this project listens on port {settings.app_port} here")
    # Before it answers, the server does not handle the signal yet, and would die of it.
    if _readiness(settings) is None:
        raise DrainError(f"process {server.pid} does not answer on /readyz yet; try again")
    try:
        server.send_signal(signal.SIGUSR1 if on else signal.SIGUSR2)
    except psutil.AccessDenied:
        user = server.username()
        raise DrainError(f"process {server.pid} belongs to {user}; run this as {user}") from None
    except psutil.NoSuchProcess:
        raise DrainError(f"process {server.pid} has ended") from None
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        report = _readiness(settings)
        if report is not None and report["draining"] is on:
            return _summary(server.pid, report)
        time.sleep(0.1)
    raise DrainError(f"process {server.pid} did not confirm within {timeout:g} s")


def _readiness(settings: Settings) -> dict[str, Any] | None:
    """Return our report from /readyz, whatever its status; None if there is no such answer."""
    host = host_of(settings.app_host)
    connection = http.client.HTTPConnection(host, settings.app_port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        body = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return body if isinstance(body, dict) and "draining" in body else None


def _summary(pid: int, report: dict[str, Any]) -> str:
    detail = report.get("checks", {}).get("drain", {}).get("detail", "no detail")
    return f"process {pid}: {detail}"
