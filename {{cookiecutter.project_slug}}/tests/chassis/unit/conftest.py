"""What the unit tests share."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chassis.project import Chassis
from chassis.settings import variables
from chassis.testing.ports import free_port


@pytest.fixture
def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, which is that of the project for the settings of this process.

    No .env files, and no secret files but those a test writes.
    """
    secret_files = tmp_path / "run-secrets"
    secret_files.mkdir()
    monkeypatch.setattr(variables, "SECRET_FILES", secret_files)
    monkeypatch.delenv(variables.ENVIRONMENT_ONLY)
    monkeypatch.delenv("UPLOADS_DIR")
    monkeypatch.setattr(Chassis, "root", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wait_until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Poll until the condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


STAND_IN = """
import http.server
import json
import signal
import sys

port, answer, obeys = int(sys.argv[2]), sys.argv[3], sys.argv[4] == "obeys"
draining = False


def set_draining(value):
    global draining
    draining = value and obeys


class Readiness(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode() or json.dumps({"draining": draining}).encode())

    def log_message(self, *arguments):
        pass


signal.signal(signal.SIGUSR1, lambda *_: set_draining(True))
signal.signal(signal.SIGUSR2, lambda *_: set_draining(False))
server = http.server.HTTPServer(("127.0.0.1", port), Readiness)
print("listening", flush=True)
server.serve_forever()
"""


@contextmanager
def stand_in(directory: Path, answer: str = "", *, obeys: bool = True) -> Iterator[tuple[int, int]]:
    """Run a process with the command line of our server; yield its process id and its port."""
    script = directory / "stand_in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    port = free_port()
    behaviour = [str(port), answer, "obeys" if obeys else "ignores"]
    command = [sys.executable, str(script), "serve", *behaviour]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        yield process.pid, port
        process.kill()
