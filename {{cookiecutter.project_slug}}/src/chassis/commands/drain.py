"""The `drain` command: ask the server on this machine to turn new visitors away."""

import http.client
import json
import signal
import time
from typing import Any

import psutil

from ..server.launch import SCRIPT
from ..settings import Settings

WILDCARDS = {"0.0.0.0": "127.0.0.1"}  # noqa: S104 - an address to listen on is none to connect to


class DrainError(Exception):
    """The server did not do it; the text is one line that says why."""


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


def find_server(port: int) -> psutil.Process | None:
    """Return the process that was started like our server and listens on `port`."""
    for process in psutil.process_iter():
        try:
            if {"serve", SCRIPT} & set(process.cmdline()) and _listens(process, port):
                return process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return None


def _listens(process: psutil.Process, port: int) -> bool:
    return any(listens_on(connection, port) for connection in process.net_connections(kind="tcp"))


def listens_on(connection: Any, port: int) -> bool:
    """Tell whether a psutil connection is a listening socket of `port`."""
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)


def _readiness(settings: Settings) -> dict[str, Any] | None:
    """Return our report from /readyz, whatever its status; None if there is no such answer."""
    host = WILDCARDS.get(settings.app_host, settings.app_host)
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
