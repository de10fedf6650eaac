"""The server of this project on this machine, as other processes see it."""

from typing import Any

import psutil

from ..project import SCRIPT


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


def host_of(address: str) -> str:
    """Return where to connect to what listens on `address`, which may stand for all addresses."""
    return "127.0.0.1" if address == "0.0.0.0" else address  # noqa: S104 - nothing listens here
