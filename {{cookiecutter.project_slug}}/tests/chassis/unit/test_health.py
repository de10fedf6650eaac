"""The health checks, and the monitor that runs them."""

import asyncio
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from chassis import health, machine
from chassis.health import Check, Monitor, Report, Status
from chassis.limits import get_limiter
from chassis.limits import storage as rate_limit_storage
from chassis.settings import Settings
from prometheus_client import REGISTRY
from scratch_tool import __version__
from streamlit import __version__ as streamlit_version
from structlog.testing import capture_logs

from .conftest import wait_until
from .redis_server import PASSWORD, running_redis


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    """Give each test a monitor and a limiter of its own, that do not drain."""
    monitor = health._monitor  # some tests put another in its place
    monitor.cache_clear()
    get_limiter.cache_clear()
    yield
    health.set_draining(False)
    monitor.cache_clear()
    if get_limiter.cache_info().currsize:
        asyncio.run(get_limiter().aclose())
    get_limiter.cache_clear()


@pytest.fixture
def settings() -> Settings:
    """Return the default settings."""
    return Settings()


def check(
    status: Status = "pass", name: str = "example", *, calls: list[str] | None = None
) -> Check:
    """Make a check that finds this status, and notes its name in `calls`."""

    def run(_settings: Settings) -> tuple[Status, str]:
        if calls is not None:
            calls.append(name)
        return status, f"found {status}"

    return Check(name, run)


def statuses(report: Report) -> dict[str, Status]:
    """Return the status of each check."""
    return {result.name: result.status for result in report.results}


# --- The monitor ----------------------------------------------------------------------------------


def test_report_holds_what_each_check_found(settings: Settings) -> None:
    report = Monitor(settings, [check("pass", "one"), check("warn", "two")]).report().result()
    body = json.loads(json.dumps(report.as_dict()))
    durations = [found.pop("duration_ms") for found in body["checks"].values()]
    assert body == {
        "status": "warn",
        "ready": True,
        "draining": False,
        "checks": {
            "one": {"status": "pass", "detail": "found pass"},
            "two": {"status": "warn", "detail": "found warn"},
        },
    }
    assert all(duration >= 0 for duration in durations)


@pytest.mark.parametrize(
    ("found", "required", "status", "ready"),
    [
        ("pass", True, "pass", True),
        ("warn", True, "warn", True),
        ("fail", True, "fail", False),
        ("fail", False, "warn", True),
    ],
)
def test_only_a_required_check_keeps_visitors_away(
    settings: Settings, found: Status, required: bool, status: Status, ready: bool
) -> None:
    example = Check("example", lambda _: (found, ""), required=required)
    report = Monitor(settings, [example]).report().result()
    assert (report.status, report.ready) == (status, ready)


def test_check_that_breaks_fails_without_telling_why(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)

    def broken(_settings: Settings) -> tuple[Status, str]:
        (tmp_path / "missing").read_text(encoding="utf-8")
        return "pass", "not reached"

    monitor = Monitor(settings, [Check("broken", broken), check("pass", "other")])
    with capture_logs() as logs:
        for _ in range(3):
            report = monitor.report().result()
    assert statuses(report) == {"broken": "fail", "other": "pass"}
    assert report.results[0].detail == "FileNotFoundError"
    assert str(tmp_path) not in str(report.as_dict())
    assert [(entry["event"], entry["check"]) for entry in logs] == [
        ("health check failed", "broken")
    ]


def test_report_is_kept_for_a_while(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monitor = Monitor(settings, [check(calls=calls)])
    first = monitor.report().result()
    assert monitor.report().result() is first
    assert len(calls) == 1
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    monitor = Monitor(settings, [check(calls=calls)])
    assert monitor.report().result() is not monitor.report().result()
    assert len(calls) == 3


def test_callers_at_the_same_time_share_one_report(settings: Settings) -> None:
    calls: list[str] = []
    go = threading.Event()

    def slow(_settings: Settings) -> tuple[Status, str]:
        calls.append("slow")
        go.wait(10)
        return "pass", ""

    async def fifty() -> list[Report]:
        waiting = [asyncio.wrap_future(monitor.report()) for _ in range(50)]
        go.set()
        return await asyncio.gather(*waiting)

    monitor = Monitor(settings, [Check("slow", slow, limit_seconds=10)])
    with ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(lambda: monitor.report().result()) for _ in range(50)]
        reports = asyncio.run(fifty()) + [future.result() for future in waiting]
    assert len({id(report) for report in reports}) == 1
    assert calls == ["slow"]


@pytest.fixture
def hanging() -> Iterator[tuple[Check, list[float], threading.Event]]:
    """Return a check that hangs, the times at which it was started, and what ends it."""
    starts: list[float] = []
    release = threading.Event()

    def hang(_settings: Settings) -> tuple[Status, str]:
        starts.append(time.monotonic())
        release.wait(60)
        return "pass", "awake"

    yield Check("hanging", hang, required=True, limit_seconds=0.2), starts, release
    release.set()


def test_hanging_check_delays_nothing_else(
    settings: Settings,
    hanging: tuple[Check, list[float], threading.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    example, starts, release = hanging
    monitor = Monitor(settings, [example, check("pass", "other")])
    for _ in range(5):
        report = monitor.report().result(timeout=10)
        assert statuses(report) == {"hanging": "fail", "other": "pass"}
        assert "timed out" in report.results[0].detail
        assert not report.ready
    # It was started once, and its thread is the only one that is left.
    assert len(starts) == 1
    wait_until(lambda: [thread.name for thread in threading.enumerate()].count("health") == 1)
    release.set()
    wait_until(lambda: monitor.report().result().ready)
    wait_until(lambda: monitor.report().result() and len(starts) > 1)


def test_hanging_check_leaves_the_event_loop_free(
    settings: Settings,
    hanging: tuple[Check, list[float], threading.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ticks_during_a_report() -> int:
        ticks = 0
        report = asyncio.create_task(health.report_async())
        while not report.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert not (await report).ready
        return ticks

    monkeypatch.setattr(health, "_monitor", lambda: Monitor(settings, [hanging[0]]))
    assert asyncio.run(ticks_during_a_report()) > 3


def test_hanging_check_does_not_hold_up_the_exit() -> None:
    program = """
import asyncio, threading
from chassis.health import Check, Monitor
from chassis.settings import Settings

hanging = Check("hanging", lambda settings: threading.Event().wait(), limit_seconds=0.1)

async def main():
    return await asyncio.wrap_future(Monitor(Settings(), [hanging]).report())

print(asyncio.run(main()).results[0].status)
"""
    # The end comes well before the check's: it would never end.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split()[-1:], done.stderr) == (0, ["fail"], "")


def test_metrics_tell_each_check(settings: Settings) -> None:
    Monitor(settings, [check("pass", "one"), check("warn", "two")]).report().result()
    assert REGISTRY.get_sample_value("app_ready", {"check": "one"}) == 1
    assert REGISTRY.get_sample_value("app_ready", {"check": "two"}) == 0


def test_history_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    monitor = Monitor(settings, [check("warn", "one")])
    started = time.time()
    for _ in range(health.HISTORY_LENGTH + 5):
        monitor.report().result()
    assert len(monitor.history()) == health.HISTORY_LENGTH
    times = [sample.time for sample in monitor.history()]
    assert times == sorted(times)
    newest = monitor.history()[-1]
    assert newest.time >= started
    assert newest.statuses == {"one": "warn"}
    assert 0 < newest.memory_percent < 100
    assert 0 <= newest.cpu_percent <= 100


# --- Draining -------------------------------------------------------------------------------------


def test_drain_shows_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = Monitor(settings, [Check("drain", health.check_drain, required=True)])
    monkeypatch.setattr(health, "_monitor", lambda: monitor)
    with capture_logs() as logs:
        assert health.report().ready
        health.set_draining(True)
        report = health.report()
        assert (report.ready, report.draining, report.status) == (False, True, "fail")
        assert report.results[0].detail == "draining, open sessions: 0"
        health.set_draining(False)
        assert health.report().ready
    assert [(entry["event"], entry["ready"], entry["failed"]) for entry in logs] == [
        ("readiness changed", False, ["drain"]),
        ("readiness changed", True, []),
    ]


# --- The checks -----------------------------------------------------------------------------------


def test_without_streamlit_there_is_no_readiness() -> None:
    report = health.report()
    assert statuses(report)["runtime"] == "fail"
    assert not report.ready


@pytest.mark.parametrize(
    ("run", "strict", "lenient"),
    [
        (
            health.check_disk,
            {"health_disk_min_free_percent": 99},
            {"health_disk_min_free_percent": 1},
        ),
        (
            health.check_memory,
            {"health_memory_max_percent": 1},
            {"health_memory_max_percent": 99},
        ),
    ],
)
def test_thresholds_come_from_the_settings(
    run: Callable[[Settings], tuple[Status, str]],
    strict: dict[str, int],
    lenient: dict[str, int],
) -> None:
    assert run(Settings.model_validate(strict))[0] == "warn"
    assert run(Settings.model_validate(lenient))[0] == "pass"


def test_busy_machine_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.CPU, "measure", lambda: 95.0)
    assert health.check_cpu(Settings()) == ("warn", "95 % used")
    assert health.check_cpu(Settings(health_cpu_max_percent=95)) == ("pass", "95 % used")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a Linux file system")
def test_hidden_proc_costs_figures_not_readiness(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where /proc shows processes only."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    monkeypatch.setattr(machine, "CPU", machine.CpuMeter())
    figures = [example for example in health.CHECKS if not example.required]
    monitor = Monitor(settings, figures)
    report = monitor.report().result()
    assert statuses(report) == {"disk": "pass", "memory": "fail", "cpu": "fail"}
    assert (report.ready, report.status) == (True, "warn")
    assert math.isnan(monitor.history()[-1].memory_percent)


def test_redis_is_checked_only_where_it_is_used() -> None:
    assert "redis" not in statuses(health.report())


def test_redis_comes_and_goes_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(rate_limit_storage, "RETRY_SECONDS", 0.1)

    def redis() -> dict[str, str]:
        report = health.report()
        assert report.status == "fail"  # of the runtime, which does not run here
        assert PASSWORD not in str(report)
        assert str(server.port) not in str(report)
        found: dict[str, str] = report.as_dict()["checks"]["redis"]
        return found

    with running_redis(tmp_path) as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        assert redis()["status"] == "pass"
        server.kill()
        assert redis()["status"] == "warn"
        assert redis()["detail"] == "unreachable, limits hold for each process on its own"
        server.start()
        wait_until(lambda: redis()["status"] == "pass")
        server.freeze()
        wait_until(lambda: redis()["status"] == "warn")


def test_redis_away_keeps_the_process_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_redis(tmp_path) as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        server.kill()
        report = Monitor(Settings(), [health.REDIS_CHECK]).report().result()
    assert (report.status, report.ready) == ("warn", True)


# --- The figures of the health page ---------------------------------------------------------------


def test_snapshot() -> None:
    snapshot = health.snapshot()
    assert snapshot.sessions_open == 0
    assert snapshot.versions["app"] == __version__
    assert snapshot.versions["streamlit"] == streamlit_version
    assert snapshot.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert 0 < snapshot.disk_free_percent < 100
    assert 0 < snapshot.memory_percent < 100
    assert snapshot.process_memory_bytes > 10_000_000
    assert 0 < snapshot.uptime_seconds < 24 * 3600


def test_history_of_the_process_is_its_monitors() -> None:
    assert health.history() == ()
    report = health.report()
    assert [sample.time for sample in health.history()] == [report.time]
