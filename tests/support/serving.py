"""Run the `serve` command of a baked project, and look at what it answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Reached directly, without sign-in and the limits that tests hit; otherwise as in production.
PRODUCTION = {
    "APP_ENV": "production",
    "AUTH_BACKEND": "none",
    "AUTH_ALLOW_ANONYMOUS": "true",
    "APP_SECRET_KEY": "Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OWFiY2RlZg",
    "RATE_LIMIT_HTTP": "100000/minute",
    "RATE_LIMIT_CONNECT": "100000/minute",
}


def free_port() -> int:
    """Return a TCP port that nobody listens on, and that no other test gets.

    It is none of those that the system gives to connections and to whoever asks for any port: they
    might have it before the server that it is meant for has started. So might another test, which
    a UDP socket of the same number keeps off; it stays until this process ends.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with (
            contextlib.suppress(OSError),
            socket.socket(type=socket.SOCK_DGRAM) as reserved,
            socket.socket() as probe,
        ):
            reserved.bind(("127.0.0.1", port))
            probe.bind(("127.0.0.1", port))
            reserved.detach()
            return port


def until(condition: Callable[[], Any], seconds: float = 60.0, what: str = "") -> Any:
    """Poll until a condition gives something true, and return that; fail after a time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    return pytest.fail(f"not within {seconds} s: {what or condition}")


def get(port: int, path: str, host: str = "localhost") -> tuple[int, str]:
    """Return status and body of a page; status 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


@dataclass(frozen=True)
class App:
    """A running project."""

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int
    output: Path

    @property
    def url(self) -> str:
        """Return the address for a browser."""
        return f"http://localhost:{self.port}"

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a path."""
        return get(self.port, path)

    def checks(self) -> dict[str, dict[str, Any]]:
        """Return the checks of /readyz by name."""
        return dict(json.loads(self.get("/readyz")[1])["checks"])

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        status, text = get(self.metrics_port, "/metrics")
        assert status == 200
        lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def log(self) -> str:
        """Return what the project has printed so far."""
        return self.output.read_text("utf-8")

    def terminate(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and the seconds until the end."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60), time.monotonic() - started


@contextlib.contextmanager
def serving(project: Path, output: Path, **variables: str) -> Iterator[App]:
    """Start `serve` in a project that is set up, wait until it is ready, stop it at the end."""
    port, metrics_port = free_port(), free_port()
    env = {
        **os.environ,
        "APP_PORT": str(port),
        "APP_BASE_URL": f"http://localhost:{port}",
        "METRICS_PORT": str(metrics_port),
        "DATABASE_URL": f"sqlite:///{output.parent}/{port}.db",
        **variables,
    }
    command = [str(project / ".venv/bin/my-internal-tool")]
    subprocess.run([*command, "db", "upgrade"], cwd=project, env=env, check=True)
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "serve"],
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    app = App(process, port, metrics_port, output)

    def ready() -> bool:
        assert process.poll() is None, f"ended with {process.returncode}:\n{app.log()}"
        return app.get("/readyz")[0] == 200

    try:
        until(ready, 120, "readiness")
        yield app
    finally:
        end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that may have ended already."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
    if process.poll() is None:
        process.kill()
        process.wait()


def chromium() -> str:
    """Return the path of a Chromium; skip the test where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not os.path.exists(path):  # noqa: PTH110 - a string is what Playwright gives and takes
        pytest.skip("needs Chromium: make bootstrap")
    return path


def redis_server() -> str:
    """Return the path of a Redis server; skip the test where there is none."""
    path = shutil.which("redis-server")
    if path is None:
        pytest.skip("needs redis-server: make bootstrap")
    return path
