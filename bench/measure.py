"""Runs inside the generated project: measures it against bare Streamlit and prints JSON.

usage: python measure.py PROJECT PACKAGE [--quick]
"""

import asyncio
import contextlib
import functools
import importlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from chassis.auth import audit, roles, sessions, users
from chassis.commands import loadtest
from chassis.database import migrate

BENCH = Path(__file__).parent
# Compiling all modules at each start would hide what differs.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}
QUICK = "--quick" in sys.argv
ROUNDS, RERUNS_PER_ROUND = (1, 2) if QUICK else (12, 20)
STARTS = 1 if QUICK else 5
SESSIONS = 2 if QUICK else 200
SESSION_SECONDS = 10
REST_SECONDS = 0 if QUICK else 30
GRACE_SECONDS = 0 if QUICK else 60
WARM_UP_SECONDS = 5


@dataclass(frozen=True)
class Side:
    """One of the two applications: how it is started, and where it says that it is ready."""

    name: str
    directory: Path
    command: list[str]
    ready_path: str
    variables: dict[str, str]


@dataclass(frozen=True)
class Running:
    """A started application."""

    process: psutil.Process
    url: str
    seconds_to_ready: float

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Return the resident memory of the process."""
        return float(self.process.memory_info().rss) / 2**20


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def started(side: Side) -> Iterator[Running]:
    """Start one side, wait until it is ready, and end it."""
    port = free_port()
    ports = {"port": port, "free": free_port()}
    variables = {key: value.format(**ports) for key, value in side.variables.items()}
    began = time.perf_counter()
    process = subprocess.Popen(
        [part.format(port=port) for part in side.command],
        cwd=side.directory,
        env=ENVIRONMENT | variables,
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://localhost:{port}"
        wait_for(f"{url}{side.ready_path}", process)
        yield Running(psutil.Process(process.pid), url, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Poll until the URL answers 200."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(url, timeout=5) as answer,  # noqa: S310 - loopback
        ):
            if answer.status == 200:
                return
        time.sleep(0.005)
    sys.exit(f"{url} did not answer 200 (exit code {process.poll()})")


def bare(name: str, directory: Path, variables: dict[str, str]) -> Side:
    """Return bare Streamlit, with the configuration that the generated project has."""
    command = [sys.executable, "-m", "streamlit", "run", "bare.py", "--server.port", "{port}"]
    command += ["--server.address", "127.0.0.1"]
    return Side(name, directory, command, "/_stcore/health", variables)


def generated(project: Path, package: str, database: str) -> Side:
    """Return the generated project in production shape, without a limit on reruns."""
    variables = {
        "APP_ENV": "production",
        "AUTH_BACKEND": "password",
        "DATABASE_URL": database,
        "APP_SECRET_KEY": "benchmark-0123456789abcdef0123456789abcdef",
        "APP_PORT": "{port}",
        "APP_BASE_URL": "http://localhost:{port}",
        "METRICS_PORT": "{free}",
        "RATE_LIMIT_RERUN": "1000000/second",
        "RATE_LIMIT_CONNECT": "1000000/second",
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(SESSION_SECONDS),
    }
    command = [str(Path(sys.executable).with_name(package.replace("_", "-"))), "serve"]
    return Side("generated", project, command, "/readyz", variables)


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in."""

    token_hash: str
    cookie: dict[str, str]


def signed_in(database: str) -> Visitor:
    """Make the tables, a user and a session."""
    os.environ |= {"AUTH_BACKEND": "password", "DATABASE_URL": database}
    migrate.upgrade()
    nobody = audit.Actor(None, "benchmark")
    user = users.create("bench", roles=[roles.Role.ADMIN], actor=nobody)
    token = sessions.start(user.id)
    return Visitor(sessions.hash_of(token), {"Cookie": f"session={token}"})


def session_check(visitor: Visitor) -> dict[str, float]:
    """CPU milliseconds of asking who is signed in: from memory, and from the database."""

    def milliseconds(times: int, *, forget: bool) -> float:
        began = time.process_time()
        for _ in range(times):
            if forget:
                sessions.forget_cached()
            if sessions.lookup(visitor.token_hash) is None:
                sys.exit("the session of the benchmark has ended")
        return (time.process_time() - began) / times * 1000

    return {"cached": milliseconds(20_000, forget=False), "asked": milliseconds(500, forget=True)}


def rerun_cost(sides: list[Side], open_tab: Any) -> dict[str, Any]:
    """CPU milliseconds per warm rerun of each side, what our code costs, and the first run.

    The sides take turns at each rerun: the speed of a shared machine changes within seconds.
    """

    async def work() -> dict[str, Any]:
        async with contextlib.AsyncExitStack() as stack:
            tabs, running, first = {}, {}, {}
            for side in sides:
                running[side.name] = stack.enter_context(started(side))
                time.sleep(WARM_UP_SECONDS)
                tab = await stack.enter_async_context(open_tab(running[side.name].url))
                first[side.name] = await tab.rerun()
                tabs[side.name] = tab
            cpu: dict[str, list[float]] = {name: [] for name in tabs}
            wall: dict[str, list[float]] = {name: [] for name in tabs}
            for _ in range(ROUNDS):
                before = {name: one.cpu_seconds() for name, one in running.items()}
                for _ in range(RERUNS_PER_ROUND):
                    for name, tab in tabs.items():
                        wall[name].append(await tab.rerun())
                for name, one in running.items():
                    used = one.cpu_seconds() - before[name]
                    cpu[name].append(used / RERUNS_PER_ROUND * 1000)
            rounds = zip(cpu["generated"], cpu["frozen"], strict=True)
            return {
                "cpu_ms": {name: statistics.median(values) for name, values in cpu.items()},
                "own_ms": statistics.median(ours - theirs for ours, theirs in rounds),
                "first": {name: first[name] / statistics.median(wall[name]) for name in tabs},
                "memory": {name: one.megabytes() for name, one in running.items()},
            }

    return asyncio.run(work())


def start_times(sides: list[Side]) -> dict[str, float]:
    """Best seconds to ready of a few starts of each side; starts alternate."""
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(STARTS):
        for side in sides:
            with started(side) as running:
                seconds[side.name].append(running.seconds_to_ready)
    return {name: min(values) for name, values in seconds.items()}


def memory_after_sessions(side: Side, open_tab: Any) -> dict[str, float]:
    """Resident memory before and after many closed sessions of 5 MB."""

    async def visits(url: str, count: int) -> None:
        for _ in range(count):
            async with open_tab(url) as tab:
                await tab.rerun()

    with started(side) as running:
        asyncio.run(visits(running.url, 5))
        time.sleep(SESSION_SECONDS + REST_SECONDS)
        before = running.megabytes()
        asyncio.run(visits(running.url, SESSIONS))
        time.sleep(SESSION_SECONDS + GRACE_SECONDS)
        return {"before": before, "after_sessions": running.megabytes()}


def main(project: Path, package: str) -> None:
    """Measure and print one JSON object."""
    importlib.import_module(f"{package}.app")  # tells the chassis whose settings it reads
    with tempfile.TemporaryDirectory() as folder:
        bare_project = Path(folder)
        database = f"sqlite:///{folder}/bench.db"
        visitor = signed_in(database)
        open_tab = functools.partial(loadtest.open_tab, headers=visitor.cookie)
        for name in ("bare.py", "page.py"):
            shutil.copy(BENCH / name, bare_project)
        shutil.copytree(project / ".streamlit", bare_project / ".streamlit")
        theme = Path("src", package, "theme.toml")
        (bare_project / theme).parent.mkdir(parents=True)
        shutil.copy(project / theme, bare_project / theme)
        home = project / "src" / package / "pages/home.py"
        original = home.read_bytes()
        plain = bare("bare", bare_project, {})
        frozen = bare("frozen", bare_project, {"FREEZE": "1"})
        ours = generated(project, package, database)
        try:
            shutil.copy(BENCH / "page.py", home)
            result = {"session_ms": session_check(visitor)}
            result |= rerun_cost([plain, frozen, ours], open_tab)
            result["start"] = start_times([plain, ours])
            shutil.copy(BENCH / "ballast.py", home)
            result["memory"] |= memory_after_sessions(ours, open_tab)
        finally:
            home.write_bytes(original)
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
