"""Fixtures for all tests: a clean environment, and the application as a running server."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url

from {{cookiecutter.package_name}}.data import engine, revisions
from {{cookiecutter.package_name}}.settings import Settings, get_settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

PROJECT = Path(__file__).parents[1]
START_SECONDS = 60


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the developer's variables and data out of the tests, and settings out of the next."""
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/app.db")  # not there yet
    get_settings.cache_clear()
    yield
    engine.forget()
    get_settings.cache_clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Let a test that is marked `alone` run while the other processes of pytest run none."""
    if not hasattr(item.config, "workerinput"):  # there is no other
        return (yield)
    run = Path(item.config.option.basetemp).parent  # the folder that all of them share
    with (run / "room").open("w") as room, (run / "door").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # who waits for an empty room lets nobody in before them
        fcntl.flock(room, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        return (yield)


# --- Databases ------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Run the test on each database, fresh and with all tables; return its DATABASE_URL.

    Only on one of them: `@pytest.mark.parametrize("database", ["sqlite"], indirect=True)`.
    """
    with fresh_database(request.param, tmp_path) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        get_settings.cache_clear()
        yield url


@contextlib.contextmanager
def fresh_database(kind: str, directory: Path) -> Iterator[str]:
    """Make a database with all tables and yield its URL; PostgreSQL is dropped at the end."""
    if kind == "sqlite":
        yield new_sqlite(directory / f"{secrets.token_hex(4)}.db")
        return
    name = f"test_{secrets.token_hex(6)}"
    server = postgres_url()
    _on_postgres(server, f'CREATE DATABASE "{name}" TEMPLATE "{_postgres_template()}"')
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        engine.dispose()
        _on_postgres(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def new_sqlite(path: Path) -> str:
    """Make a SQLite database with all tables; return its URL."""
    path.write_bytes(_migrated_sqlite())
    return f"sqlite:///{path}"


def postgres_url() -> URL:
    """Return the PostgreSQL server of the tests: that of TEST_POSTGRES_URL, or one of their own.

    The user of that URL must be permitted to CREATE DATABASE.
    """
    url = os.environ.get("TEST_POSTGRES_URL") or _own_postgres()
    return make_url(url).set(drivername="postgresql+psycopg")


@functools.cache
def _own_postgres() -> str:
    from .unit.postgres_server import PostgresServer, programs_or_skip

    server = PostgresServer(programs_or_skip())
    server.start()
    atexit.register(server.remove)
    return server.url


@functools.cache
def _migrated_sqlite() -> bytes:
    """Migrate once: copies are quicker."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "template.db")
        _migrate(f"sqlite:///{path}")
        return path.read_bytes()


@functools.cache
def _postgres_template() -> str:
    server = postgres_url()
    name = f"test_template_{secrets.token_hex(6)}"
    _on_postgres(server, f'CREATE DATABASE "{name}"')
    atexit.register(_on_postgres, server, f'DROP DATABASE "{name}"')
    _migrate(server.set(database=name).render_as_string(hide_password=False))
    return name


def _migrate(url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        get_settings.cache_clear()
        revisions.upgrade()
        engine.forget()
    get_settings.cache_clear()


def _on_postgres(server: URL, statement: str) -> None:
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(statement)


# --- Servers --------------------------------------------------------------------------------------


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
            [sys.executable, "-m", "{{cookiecutter.package_name}}.cli", "serve"],
            cwd=project,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
    return Server(process, f"http://localhost:{port}", metrics_url, database, output)


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
    # Tests of sign-in choose another one.
    "AUTH_BACKEND": "none",
    "AUTH_ALLOW_ANONYMOUS": "true",
    "APP_SECRET_KEY": "0123456789abcdef0123456789abcdef-test",
    "RATE_LIMIT_HTTP": "100000/minute",
    "RATE_LIMIT_CONNECT": "100000/minute",
    "RATE_LIMIT_RERUN": "100000/minute",
}
