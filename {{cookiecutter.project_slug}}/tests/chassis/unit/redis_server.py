"""A real Redis server that a test may kill, freeze and start again."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chassis.testing.ports import free_port
from redis import Redis, RedisError

PASSWORD = "correct-horse-battery"
START_SECONDS = 10


class RedisServer:
    """A `redis-server` on a free port of the loopback interface that keeps nothing on disk."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": PASSWORD,
            "save": "",
            "appendonly": "no",
            "dir": str(self._directory),
            "logfile": "redis.log",
        }
        command = ["redis-server"]
        for name, value in options.items():
            command += [f"--{name}", value]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((self._directory / "redis.log").read_text(encoding="utf-8"))
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server without a farewell; connections are refused from now on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Let the server hang: it accepts connections and never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def keys(self) -> list[str]:
        """Return the names of all keys."""
        with Redis.from_url(self.url, decode_responses=True) as client:
            return [str(key) for key in client.scan_iter()]

    def connections(self) -> int:
        """Return the number of open connections, not counting the one that asks."""
        with Redis.from_url(self.url) as client:
            return len(client.client_list()) - 1

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


@contextmanager
def running_redis(directory: Path) -> Iterator[RedisServer]:
    """Start a Redis server and stop it at the end; skip the test where there is none."""
    if shutil.which("redis-server") is None:
        reason = "redis-server not found: apt-get install redis-server"
        if os.environ.get("REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    server = RedisServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.kill()
