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
from chassis.checks import Check, Result, Status, limits, process, tagged
from chassis.checks import machine as machine_checks
from chassis.health import Monitor, Report
from chassis.limits import get_limiter
from chassis.limits import storage as rate_limit_storage
from chassis.settings import get_settings
from prometheus_client import REGISTRY
from scratch_tool import __version__
from streamlit import __version__ as streamlit_version
from structlog.testing import capture_logs

from .conftest import wait_until
from .redis_server import PASSWORD, running_redis


@pytest.fixture(autouse=True)
def fresh_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a monitor and a limiter of its own, that do not drain."""
    monkeypatch.setattr(health, "_latest", None)
    get_limiter.cache_clear()
    yield
    health.set_draining(False)
    if get_limiter.cache_info().currsize:
        asyncio.run(get_limiter().aclose())
    get_limiter.cache_clear()


def check(
    status: Status = "pass", name: str = "example", *, calls: list[str] | None = None
) -> Check:
    """Make a check that finds this status, and notes its name in `calls`."""

    def run() -> Result:
        if calls is not None:
            calls.append(name)
        return Result(status, f"found {status}")

    return Check(name, run)


def statuses(report: Report) -> dict[str, Status]:
    """Return the status of each check."""
    return {name: result.status for name, result in report.results.items()}


# --- The monitor ----------------------------------------------------------------------------------


def test_report_holds_what_each_check_found() -> None:
    report = Monitor([check("pass", "one"), check("warn", "two")]).report().result()
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
    found: Status, required: bool, status: Status, ready: bool
) -> None:
    example = Check("example", lambda: Result(found, ""), required=required)
    report = Monitor([example]).report().result()
    assert (report.status, report.ready) == (status, ready)


def test_check_that_breaks_fails_without_telling_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)

    def broken() -> Result:
        (tmp_path / "missing").read_text(encoding="utf-8")
        return Result("pass", "not reached")

    monitor = Monitor([Check("broken", broken), check("pass", "other")])
    with capture_logs() as logs:
        for _ in range(3):
            report = monitor.report().result()
    assert statuses(report) == {"broken": "fail", "other": "pass"}
    assert report.results["broken"].detail == "FileNotFoundError"
    assert str(tmp_path) not in str(report.as_dict())
    assert [(entry["event"], entry["check"]) for entry in logs] == [
        ("health check failed", "broken")
    ]


def test_report_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monitor = Monitor([check(calls=calls)])
    first = monitor.report().result()
    assert monitor.report().result() is first
    assert len(calls) == 1
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    monitor = Monitor([check(calls=calls)])
    assert monitor.report().result() is not monitor.report().result()
    assert len(calls) == 3


def test_callers_at_the_same_time_share_one_report() -> None:
    calls: list[str] = []
    go = threading.Event()

    def slow() -> Result:
        calls.append("slow")
        go.wait(10)
        return Result("pass", "")

    async def fifty() -> list[Report]:
        waiting = [asyncio.wrap_future(monitor.report()) for _ in range(50)]
        go.set()
        return await asyncio.gather(*waiting)

    monitor = Monitor([Check("slow", slow, limit_seconds=10)])
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

    def hang() -> Result:
        starts.append(time.monotonic())
        release.wait(60)
        return Result("pass", "awake")

    yield Check("hanging", hang, required=True, limit_seconds=0.2), starts, release
    release.set()


def test_hanging_check_delays_nothing_else(
    hanging: tuple[Check, list[float], threading.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    example, starts, release = hanging
    monitor = Monitor([example, check("pass", "other")])
    for _ in range(5):
        report = monitor.report().result(timeout=10)
        assert statuses(report) == {"hanging": "fail", "other": "pass"}
        assert "timed out" in report.results["hanging"].detail
        assert not report.ready
    # It was started once, and its thread is the only one that is left.
    assert len(starts) == 1
    wait_until(lambda: [thread.name for thread in threading.enumerate()].count("health") == 1)
    release.set()
    wait_until(lambda: monitor.report().result().ready)
    wait_until(lambda: monitor.report().result() and len(starts) > 1)


def test_hanging_check_leaves_the_event_loop_free(
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

    monkeypatch.setattr(health, "_monitor", lambda: Monitor([hanging[0]]))
    assert asyncio.run(ticks_during_a_report()) > 3


def test_hanging_check_does_not_hold_up_the_exit() -> None:
    program = """
import asyncio, threading
from chassis.checks import Check
from chassis.health import Monitor

hanging = Check("hanging", lambda: threading.Event().wait(), limit_seconds=0.1)

async def main():
    return await asyncio.wrap_future(Monitor([hanging]).report())

print(asyncio.run(main()).results["hanging"].status)
"""
    # The end comes well before the check's: it would never end.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split()[-1:], done.stderr) == (0, ["fail"], "")


def test_metrics_tell_each_check() -> None:
    Monitor([check("pass", "one"), check("warn", "two")]).report().result()
    assert REGISTRY.get_sample_value("app_ready", {"check": "one"}) == 1
    assert REGISTRY.get_sample_value("app_ready", {"check": "two"}) == 0


def test_history_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    monitor = Monitor([check("warn", "one")])
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


def test_drain_shows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = Monitor([Check("drain", process.drain, required=True)])
    monkeypatch.setattr(health, "_monitor", lambda: monitor)
    with capture_logs() as logs:
        assert health.report().ready
        health.set_draining(True)
        report = health.report()
        assert (report.ready, report.draining, report.status) == (False, True, "fail")
        assert report.results["drain"].detail == "draining, open sessions: 0"
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
    ("run", "name", "strict", "lenient"),
    [
        (machine_checks.disk, "HEALTH_DISK_MIN_FREE_PERCENT", "99", "1"),
        (machine_checks.memory, "HEALTH_MEMORY_MAX_PERCENT", "1", "99"),
    ],
)
def test_thresholds_come_from_the_settings(
    run: Callable[[], Result],
    name: str,
    strict: str,
    lenient: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for limit, status in ((strict, "warn"), (lenient, "pass")):
        monkeypatch.setenv(name, limit)
        get_settings.cache_clear()
        assert run().status == status


def test_busy_machine_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.CPU, "measure", lambda: 95.0)
    assert machine_checks.cpu() == Result("warn", "95 % used")
    monkeypatch.setenv("HEALTH_CPU_MAX_PERCENT", "95")
    get_settings.cache_clear()
    assert machine_checks.cpu() == Result("pass", "95 % used")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a Linux file system")
def test_hidden_proc_costs_figures_not_readiness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where /proc shows processes only."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    monkeypatch.setattr(machine, "CPU", machine.CpuMeter())
    figures = [example for example in tagged("health") if not example.required]
    monitor = Monitor(figures)
    report = monitor.report().result()
    assert statuses(report) == {
        "disk": "pass",
        "memory": "fail",
        "cpu": "fail",
        "desk": "pass",
    }
    assert (report.ready, report.status) == (True, "warn")
    assert math.isnan(monitor.history()[-1].memory_percent)


def test_redis_is_checked_only_where_it_is_used() -> None:
    assert "redis" not in statuses(health.report())


def test_what_does_not_apply_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    calls: list[str] = []
    monitor = Monitor([Check("none", lambda: calls.append("none")), check("pass", "one")])
    for _ in range(3):
        assert statuses(monitor.report().result()) == {"one": "pass"}
    assert calls == ["none"]


def test_the_checks_of_the_server_are_those_of_readyz() -> None:
    assert {check.name: check.required for check in tagged("health")} == {
        "runtime": True,
        "drain": True,
        "database": True,
        "migrations": True,
        "disk": False,
        "memory": False,
        "cpu": False,
        "redis": False,
        "desk": False,  # that of the project
    }


def test_the_server_loads_no_checks_of_commands() -> None:
    program = """
import sys
import chassis.server.application
from chassis import health

health.report()
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    prefix = "chassis.checks."
    loaded = {name.removeprefix(prefix) for name in done.stdout.split() if prefix in name}
    assert loaded == {"database", "limits", "machine", "process"}


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
        report = Monitor([Check("redis", limits.redis)]).report().result()
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
