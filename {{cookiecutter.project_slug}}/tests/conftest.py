"""Fixtures for all tests: a clean environment, and the application as a running server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from {{cookiecutter.package_name}}.settings import Settings, get_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT = Path(__file__).parents[1]
START_SECONDS = 60


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the developer's own variables out of the tests, and settings out of the next test."""
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A running application: its process, its addresses and what it printed."""

    process: subprocess.Popen[bytes]
    url: str
    metrics_url: str
    output: Path

    def log(self) -> str:
        """Return all that the server has printed so far."""
        return self.output.read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask the server to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


@contextmanager
def running_server(
    directory: Path, variables: Mapping[str, str], project: Path = PROJECT
) -> Iterator[Server]:
    """Start `serve` in `project` with these variables, wait until ready, stop it at the end."""
    server = start_server(directory, variables, project)
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


def start_server(directory: Path, variables: Mapping[str, str], project: Path) -> Server:
    """Start `serve` in `project` on free ports; `directory` receives its output."""
    port, metrics_port = free_port(), free_port()
    environment = {
        **os.environ,
        "APP_PORT": str(port),
        "APP_BASE_URL": f"http://localhost:{port}",
        "METRICS_PORT": str(metrics_port),
        **variables,
    }
    output = directory / f"server-{port}.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "{{cookiecutter.package_name}}.cli", "serve"],
            cwd=project,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    return Server(
        process, f"http://localhost:{port}", f"http://127.0.0.1:{metrics_port}/metrics", output
    )


def small_project(directory: Path, script: str) -> Path:
    """Return a project folder whose one page is `script`, served by our application code."""
    (directory / ".streamlit").mkdir()
    config = PROJECT / ".streamlit" / "config.toml"
    (directory / ".streamlit" / "config.toml").write_bytes(config.read_bytes())
    entry_point = (PROJECT / "streamlit_app.py").read_text(encoding="utf-8")
    page = entry_point.replace("application.SCRIPT", '"page.py"')
    (directory / "streamlit_app.py").write_text(page, encoding="utf-8")
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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return one server in production shape for all tests that do not change it."""
    with running_server(tmp_path_factory.mktemp("server"), PRODUCTION) as running:
        yield running


# As in production, but reached directly, and without limits that many tests at once would hit.
PRODUCTION = {
    "APP_ENV": "production",
    "APP_SECRET_KEY": "0123456789abcdef0123456789abcdef-test",
    "RATE_LIMIT_HTTP": "100000/minute",
    "RATE_LIMIT_CONNECT": "100000/minute",
    "RATE_LIMIT_RERUN": "100000/minute",
}
