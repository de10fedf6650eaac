"""A real PostgreSQL server that a test may kill, freeze and start again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from .ports import free_port

START_SECONDS = 60
PASSWORD = "p@ss/w:rd-100%"  # what is special in an address, and in the file of Alembic
FOLDERS = "/usr/lib/postgresql/*/bin"  # Debian keeps the programs of each version out of PATH


class PostgresServer:
    """A `postgres` on a free port of the loopback interface, with a directory of its own.

    pytest closes the parent of its directories to others whenever it starts, and PostgreSQL, which
    refuses to run as root, is one of them.
    """

    def __init__(self, programs: Path) -> None:
        self.port = free_port()
        self.url = f"postgresql://app:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/postgres"
        self._programs = programs
        self._directory = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._data = self._directory / "data"
        self._log = self._directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: list[str | Path] = []
        if os.getuid() == 0:
            self._as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(self._directory, 65534, 65534)
        password = self._directory / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        initdb = [*self._as_user, programs / "initdb", "-D", self._data, "-U", "app", "-E", "UTF8"]
        options = ["--no-sync", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password}"]
        subprocess.run([*initdb, *options], check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        postgres = [*self._as_user, self._programs / "postgres", "-D", self._data]
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*postgres, "-p", str(self.port), *options], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(self._log.read_text(encoding="utf-8"))
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server at once, as if it had crashed; connections are refused from now on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def remove(self) -> None:
        """End the server, and delete its data."""
        self.kill()
        shutil.rmtree(self._directory)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server and stop it at the end; skip the test where there is none."""
    server = PostgresServer(programs_or_skip())
    try:
        server.start()
        yield server
    finally:
        server.remove()


def programs_or_skip() -> Path:
    """Return the folder of the server's programs; skip the test where there is none."""
    if folder := os.environ.get("PG_BINDIR"):
        return Path(folder)
    candidates = sorted(Path("/").glob(FOLDERS.removeprefix("/")))
    if found := shutil.which("initdb"):
        candidates.append(Path(found).parent)
    for candidate in reversed(candidates):
        if (candidate / "postgres").exists():
            return candidate
    reason = "the programs of PostgreSQL not found: apt-get install postgresql, or PG_BINDIR"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
