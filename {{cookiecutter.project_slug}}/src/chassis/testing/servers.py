"""The application as a running server."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from .. import project
from .databases import new_sqlite
from .ports import free_port

START_SECONDS = 60
COMMAND = (sys.executable, "-m", "chassis")

# As in production, but reached directly, and without limits that many tests at once would hit.
PRODUCTION = {
    "APP_ENV": "production",
    # Tests read the texts as the code has them.
    "APP_LANGUAGE": "en",
    # Tests of sign-in choose another one.
    "AUTH_BACKEND": "none",
    "AUTH_ALLOW_ANONYMOUS": "true",
    "APP_SECRET_KEY": "0123456789abcdef0123456789abcdef-test",
    "RATE_LIMIT_HTTP": "100000/minute",
    "RATE_LIMIT_CONNECT": "100000/minute",
    "RATE_LIMIT_RERUN": "100000/minute",
}
SMALL_ENTRY_POINT = """
import streamlit as st
from chassis.project import current

app = st.App(**{**current().server(), "script_path": "page.py"})
"""


@dataclass(frozen=True)
class Server:
    """A running application: its process, its addresses and what it printed."""

    process: subprocess.Popen[bytes]
    url: str
    metrics_url: str
    database: str
    output: Path

    def log(self) -> str:
        """Return all that the server has printed so far."""
        return self.output.read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask the server to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@contextlib.contextmanager
def running_server(
    directory: Path,
    variables: Mapping[str, str],
    folder: Path | None = None,
    command: Sequence[str] = COMMAND,
) -> Iterator[Server]:
    """Start `serve` with these variables, wait until it is ready, stop it at the end.

    It runs in `folder`, or in that of the project.
    """
    server = start_server(directory, variables, folder, command)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.process.kill()


def start_server(
    directory: Path,
    variables: Mapping[str, str],
    folder: Path | None = None,
    command: Sequence[str] = COMMAND,
) -> Server:
    """Start `serve` on free ports; `directory` receives its output."""
    port, metrics_port = int(variables.get("APP_PORT") or free_port()), free_port()
    # Not that of the developer.
    database = variables.get("DATABASE_URL") or new_sqlite(directory / f"{port}.db")
    environment = {
        **os.environ,
        "APP_PORT": str(port),
        "APP_BASE_URL": f"http://localhost:{port}",
        "METRICS_PORT": str(metrics_port),
        "DATABASE_URL": database,
        **variables,
    }
    output = directory / f"server-{port}.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "serve"],
            cwd=folder or project.current().root,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
    return Server(process, f"http://localhost:{port}", metrics_url, database, output)


def small_project(directory: Path, script: str) -> Path:
    """Return a project folder whose one page is `script`, without the frame around it."""
    (directory / ".streamlit").mkdir()
    config = project.current().root / ".streamlit" / "config.toml"
    (directory / ".streamlit" / "config.toml").write_bytes(config.read_bytes())
    (directory / "streamlit_app.py").write_text(SMALL_ENTRY_POINT, encoding="utf-8")
    (directory / "page.py").write_text(script, encoding="utf-8")
    return directory


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            pytest.fail(f"the server ended with {server.process.returncode}:\n{server.log()}")
        try:
            if httpx.get(f"{server.url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server was not ready after {START_SECONDS} s:\n{server.log()}")
