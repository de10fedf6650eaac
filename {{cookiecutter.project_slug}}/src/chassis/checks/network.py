"""The network: can the server listen, and is its name known?"""

import ipaddress
import socket
import threading
from urllib.parse import urlsplit

import psutil

from ..server import launch
from ..server.running import find_server, listens_on
from ..settings import get_settings
from . import Result


def app_port() -> Result:
    """The port of the app is free, or our own server has it."""
    settings = get_settings()
    return _port(settings.app_host, settings.app_port, "APP")


def metrics_port() -> Result | None:
    """The port of the metrics is free, or our own server has it."""
    settings = get_settings()
    if not settings.metrics_enabled:
        return None
    return _port(settings.metrics_host, settings.metrics_port, "METRICS")


def _port(host: str, port: int, prefix: str) -> Result:
    try:
        launch.check_port(host, port, prefix)
    except launch.StartError as error:
        if server := find_server(port):
            return Result("pass", f"{port} is in use by this app, process {server.pid}")
        return Result("fail", str(error), _free_port_command(port))
    return Result("pass", f"{port} on {host} is free")


def _free_port_command(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if listens_on(connection, port) and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f"kill {connection.pid}  (it is {name})"
    except psutil.Error:  # macOS shows the connections of others to root only
        pass
    return f"lsof -i :{port}"


def dns(timeout: float = 5.0) -> Result:
    """The host of APP_BASE_URL has an address; nothing to ask for localhost and addresses."""
    host = urlsplit(get_settings().app_base_url).hostname or ""
    if host == "localhost" or _is_address(host):
        return Result("pass", f"{host} needs none")
    found: list[Result] = []
    # getaddrinfo has no time limit of its own; a daemon thread does not hold up the exit.
    thread = threading.Thread(target=lambda: found.append(_resolve(host)), daemon=True)
    thread.start()
    thread.join(timeout)
    return found[0] if found else _unknown(host, f"no answer for {host} in {timeout:g} s")


def _resolve(host: str) -> Result:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return _unknown(host, f"{host} has no address ({error.strerror})")
    addresses = sorted({str(answer[4][0]) for answer in answers})
    return Result("pass", f"{host} is {', '.join(addresses)}")


def _unknown(host: str, detail: str) -> Result:
    return Result("fail", detail, f"getent hosts {host}  (after adding an A or AAAA record for it)")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
