"""A real S3-compatible server on the loopback interface: rclone, which checks every signature."""

import select
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from chassis.testing.ports import free_port

START_SECONDS = 30
CUT_BYTES = 50_000  # more than any request but an upload
KEY, SECRET = "a-key-id-of-the-tests", "secret-of-the-tests"


@dataclass(frozen=True)
class S3Server:
    """A running server with an empty bucket, and the folder that holds what is in it."""

    host: str
    bucket: Path

    @property
    def url(self) -> str:
        """Return the BACKUP_S3_URL of a folder of the bucket."""
        return self.address(SECRET)

    def address(self, secret: str, bucket: str = "bucket") -> str:
        """Return a BACKUP_S3_URL that need not be right."""
        return f"http://{KEY}:{secret}@{self.host}/{bucket}/some/folder?region=eu-central-1"

    def files(self) -> list[Path]:
        """Return what has arrived."""
        return sorted(path for path in self.bucket.rglob("*") if path.is_file())


@contextmanager
def running_s3(directory: Path) -> Iterator[S3Server]:
    """Start a server and stop it at the end."""
    bucket = directory / "s3" / "bucket"
    bucket.mkdir(parents=True)
    port = free_port()
    program = shutil.which("rclone", path=Path(sys.executable).parent) or shutil.which("rclone")
    assert program, "rclone is not installed: make setup"
    options = [
        "--config",
        "/dev/null",
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        f"{KEY},{SECRET}",
    ]
    # Each test of its own: what another process has written to the folder is seen at once.
    command = [program, "serve", "s3", *options, "--dir-cache-time", "0s", str(bucket.parent)]
    with (directory / "s3.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((directory / "s3.log").read_text(encoding="utf-8"))
            time.sleep(0.05)
        yield S3Server(f"127.0.0.1:{port}", bucket)
    finally:
        process.kill()
        process.wait()


@contextmanager
def cut_uploads(server: S3Server) -> Iterator[str]:
    """Yield a BACKUP_S3_URL of a server that lets go of each connection that sends much."""
    host, port = server.host.split(":")

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((host, int(port))) as there:
                ends = {self.request: there, there: self.request}
                sent = 0
                while sent < CUT_BYTES:
                    for one in select.select(list(ends), [], [])[0]:
                        if not (data := one.recv(4096)):
                            return
                        ends[one].sendall(data)
                        sent += len(data) if one is self.request else 0

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as relay:
        relay.daemon_threads = True
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        try:
            # The client signs the address that it knows, and rclone checks that.
            yield server.url.replace(server.host, f"127.0.0.1:{relay.server_address[1]}")
        finally:
            relay.shutdown()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
