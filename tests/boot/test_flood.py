"""Floods of guests on a running bake, with and without nginx, while somebody works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measured
import pytest
from baking import ROOT
from nginx import free_ports, site
from serving import PRODUCTION, App, get, serving
from visiting import SIGN_IN

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 12.0
# One address, and a network of IPv6 whose every tab has an address of its own.
ONE = ["198.51.100.7"]
NETWORK = [f"2001:db8:0:66::{number:x}" for number in range(20)]
# What all guests of an address may take of the event loop: at once, and again within a minute.
GUESTS_SECONDS = 1.5
LOOP_SECONDS = GUESTS_SECONDS * (1 + SECONDS / 60) + 0.5
MEMORY_MB = 150  # of 120 sessions that have been opened within a minute
DISK_MB = 1


@dataclass
class Peak:
    """The most that the server had while a block ran, above what it had before."""

    app: App
    memory: float = 0.0
    disk: float = 0.0

    def __enter__(self) -> Peak:
        self._before = self._memory(), self._files()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self.memory = max(self.memory, self._memory() - self._before[0])
            self.disk = max(self.disk, self._files() - self._before[1])

    def _memory(self) -> float:
        pages = Path(f"/proc/{self.app.process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _files(self) -> float:
        """Return the size of all open files that have no name any more, as uploads have, in MB."""
        size = 0
        for descriptor in Path(f"/proc/{self.app.process.pid}/fd").iterdir():
            try:
                if "(deleted)" in str(descriptor.readlink()):
                    size += descriptor.stat().st_size
            except OSError:
                continue
        return size / 1e6


def total(app: App, series: str) -> float:
    """Return the sum of the samples whose names and labels begin like this."""
    status, text = get(app.metrics_port, "/metrics")
    assert status == 200
    lines = [line for line in text.splitlines() if line.startswith(series)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def environment(app: App, url: str) -> dict[str, str]:
    """Return that of the app, for a program that adds a user."""
    database = f"sqlite:///{app.output.parent}/{app.port}.db"
    return {**os.environ, **PRODUCTION, **SIGN_IN, "APP_BASE_URL": url, "DATABASE_URL": database}


def line(program: subprocess.Popen[str], said: str = "") -> dict[str, Any]:
    """Say a line to a program, if there is one to say, and return what it prints."""
    assert program.stdin is not None
    assert program.stdout is not None
    if said:
        program.stdin.write(f"{said}\n")
        program.stdin.flush()
    return dict(json.loads(program.stdout.readline()))


def report(
    what: str,
    quiet: dict[str, float],
    busy: dict[str, float],
    refused: str,
    spent: float,
    peak: Peak,
) -> None:
    """Note what a user waited for, and what the flood has cost."""
    for name in ("click", "livez"):
        text = f"p95 {busy[name]:.0f} ms, {quiet[name]:.0f} ms when quiet"
        measured.note(f"flood of {what}: {name}", text)
    loop, memory, disk = f"{spent / SECONDS:.1%}", f"{peak.memory:.0f} MB", f"{peak.disk:.0f} MB"
    text = f"{refused}, {loop} of the event loop, {memory} of memory, {disk} of files"
    measured.note(f"flood of {what}: cost", text)


@pytest.fixture(scope="module", params=["direct", "nginx"])
def front(
    request: pytest.FixtureRequest, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[App, str, str]]:
    """Return an app with its default limits, its address, and the authority that vouches for it."""
    folder = tmp_path_factory.mktemp("flood")
    limits = {name: text for name, text in PRODUCTION.items() if "RATE_LIMIT" not in name} | SIGN_IN
    if request.param == "direct":
        with serving(project, folder / "output", **limits) as app:
            yield app, app.url, ""
        return
    ports = free_ports()
    url = f"https://localhost:{ports[443]}"

    def edit(root: Path) -> None:
        main = root / "nginx.conf"
        text = main.read_text("utf-8").rstrip().removesuffix("}")
        text += "set_real_ip_from 127.0.0.1;\nreal_ip_header X-Address;\n}\n"
        main.write_text(text, "utf-8")

    with (
        serving(project, folder / "output", **limits, APP_BASE_URL=url) as app,
        site(project, folder / "nginx", {**ports, 8501: app.port}, edit) as running,
    ):
        yield app, running.url, str(running.authority)


@pytest.mark.parametrize(("tabs", "addresses"), [(5, ONE), (20, NETWORK)], ids=["5", "20"])
def test_a_flood_of_guests_costs_nothing(
    project: Path, front: tuple[App, str, str], tabs: int, addresses: list[str], tmp_path: Path
) -> None:
    app, url, authority = front
    shutil.copy(ROOT / "tests/programs/flood.py", tmp_path)

    def started(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [project / ".venv/bin/python", tmp_path / "flood.py", *arguments],
            cwd=project,
            env=environment(app, url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    names = ("app_rate_limited_total", 'app_message_seconds_total{who="guest"')
    with started("click", url, authority, str(SECONDS)) as user:
        quiet = line(user)
        before = {name: total(app, name) for name in names}
        with Peak(app) as peak, started("flood", url, authority, str(tabs), *addresses) as guests:
            busy = line(user, "go on")
            flood = line(guests, "stop")
        user.communicate("end\n")
    refused, spent = (total(app, name) - before[name] for name in names)
    way = "nginx" if authority else "direct"
    report(f"{tabs} tabs, {way}", quiet, busy, f"{refused:.0f} refused", spent, peak)
    assert refused >= tabs
    assert spent <= LOOP_SECONDS
    assert set(flood["uploads"]) <= {"403", "429", "0"}, flood
    assert "HTTP 502" not in flood["ends"], flood
    assert peak.memory < MEMORY_MB
    assert peak.disk < DISK_MB
    assert busy["clicks"] > 0
