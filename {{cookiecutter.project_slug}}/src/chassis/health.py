"""Is this process fit to serve? Runs the checks for /readyz, the metrics and the health page."""

import asyncio
import contextlib
import functools
import math
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Lock, Thread
from typing import Any, Final, TypeVar

import psutil
import streamlit as st

from . import machine, metrics, project, streamlit_private
from .checks import Check, Result, Status, tagged
from .logs import get_logger

T = TypeVar("T")

CACHE_SECONDS: Final = 5.0
HISTORY_LENGTH: Final = 120

log = get_logger(__name__)


@dataclass(frozen=True)
class Report:
    """The results of all checks at one time."""

    time: float  # seconds since the epoch
    status: Status
    ready: bool
    draining: bool
    results: Mapping[str, Result]

    def as_dict(self) -> dict[str, Any]:
        """Return the body of /readyz."""
        return {
            "status": self.status,
            "ready": self.ready,
            "draining": self.draining,
            "checks": {
                name: {
                    "status": result.status,
                    "detail": result.detail,
                    "duration_ms": result.duration_ms,
                }
                for name, result in self.results.items()
            },
        }


@dataclass(frozen=True)
class Sample:
    """One point of the history: seconds since the epoch, percent, and the status of each check."""

    time: float
    cpu_percent: float
    memory_percent: float
    statuses: Mapping[str, Status]


@dataclass(frozen=True)
class Snapshot:
    """Figures for the health page."""

    cpu_percent: float
    memory_percent: float
    disk_free_percent: float
    process_memory_bytes: int
    uptime_seconds: float
    sessions_open: int
    versions: Mapping[str, str]


_draining = False
_latest: tuple[project.Chassis | None, "Monitor"] | None = None


def set_draining(value: bool) -> None:
    """Turn /readyz to 503 while sessions live on, or back; safe in a signal handler."""
    global _draining
    _draining = value


def is_draining() -> bool:
    """Say whether new visitors should go elsewhere."""
    return _draining


def sessions_open() -> int:
    """Return the number of connected browser tabs."""
    return streamlit_private.sessions_open()


class Monitor:
    """Runs the checks: all at once, each with its time limit, at most once in CACHE_SECONDS."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self._checks = tuple(checks)
        self._lock = Lock()
        self._report: Future[Report] | None = None
        self._fresh_until = 0.0
        self._runs: dict[str, tuple[float, Future[Result | None]]] = {}
        self._ready = True
        self._history: deque[Sample] = deque(maxlen=HISTORY_LENGTH)

    def report(self) -> Future[Report]:
        """Return the newest report, or the one that is being made: callers share it."""
        with self._lock:
            if self._report is None or self._outdated(self._report):
                self._report = _in_thread(self._make_report)
            return self._report

    def history(self) -> tuple[Sample, ...]:
        """Return the samples of past reports, oldest first."""
        return tuple(self._history)

    def _outdated(self, report: Future[Report]) -> bool:
        if not report.done():
            return False
        if report.exception() is not None or time.monotonic() >= self._fresh_until:
            return True
        return report.result().draining != is_draining()

    def _make_report(self) -> Report:
        draining = is_draining()
        for check in self._checks:
            self._start(check)
        found = {check.name: self._wait_for(check) for check in self._checks}
        results = {name: result for name, result in found.items() if result is not None}
        # What does not apply to this process is not asked again.
        self._checks = tuple(check for check in self._checks if check.name in results)
        failed = _failed(results)
        ready = not any(check.name in failed for check in self._checks if check.required)
        warned = any(result.status != "pass" for result in results.values())
        status: Status = "fail" if not ready else "warn" if warned else "pass"
        report = Report(time.time(), status, ready, draining, results)
        self._publish(report)
        return report

    def _start(self, check: Check) -> None:
        run = self._runs[check.name][1] if check.name in self._runs else None
        if run is None or run.done():  # a check that still hangs is not started again
            future = _in_thread(functools.partial(self._run, check))
            self._runs[check.name] = (time.monotonic(), future)

    def _run(self, check: Check) -> Result | None:
        started = time.perf_counter()
        result: Result | None
        try:
            result = check.run()
        except Exception as error:  # noqa: BLE001 - servers differ in what they raise
            # The text of an error may hold a path or a secret: it goes to the log only.
            result = Result("fail", type(error).__name__)
            if not self._history or self._history[-1].statuses.get(check.name) != "fail":
                log.warning("health check failed", check=check.name, error=str(error))
        elapsed = _milliseconds(time.perf_counter() - started)
        return result and replace(result, duration_ms=elapsed)

    def _wait_for(self, check: Check) -> Result | None:
        started, run = self._runs[check.name]
        try:
            return run.result(timeout=max(0.0, started + check.limit_seconds - time.monotonic()))
        except TimeoutError:
            elapsed = time.monotonic() - started
            detail = f"timed out, no answer for {elapsed:.1f} s"
            return Result("fail", detail, duration_ms=_milliseconds(elapsed))

    def _publish(self, report: Report) -> None:
        for name, result in report.results.items():
            metrics.ready(name, result.status == "pass")
        statuses = {name: result.status for name, result in report.results.items()}
        memory = math.nan
        with contextlib.suppress(OSError, psutil.Error):
            memory = machine.memory_percent()
        self._history.append(Sample(report.time, machine.CPU.last(), memory, statuses))
        if report.ready != self._ready:
            log.warning("readiness changed", ready=report.ready, failed=_failed(report.results))
        self._ready = report.ready
        self._fresh_until = time.monotonic() + CACHE_SECONDS


def _failed(results: Mapping[str, Result]) -> list[str]:
    return [name for name, result in results.items() if result.status == "fail"]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _in_thread(function: Callable[[], T]) -> Future[T]:
    """Run the function on a daemon thread: unlike an executor's, it never holds up the exit."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(function())
        except Exception as error:  # noqa: BLE001 - servers differ in what they raise
            future.set_exception(error)

    Thread(target=run, name="health", daemon=True).start()
    return future


def _monitor() -> Monitor:
    """Return the monitor of the checks; while developing, a saved file brings other ones."""
    global _latest
    loaded = project.loaded()
    if _latest is None or (loaded is not None and loaded is not _latest[0]):
        _latest = (loaded, Monitor(list(tagged("health"))))
    return _latest[1]


def report() -> Report:
    """Return the newest report, at most CACHE_SECONDS old; waits for the checks if need be."""
    return _monitor().report().result()


async def report_async() -> Report:
    """Do what `report` does without blocking the event loop."""
    return await asyncio.wrap_future(_monitor().report())


def history() -> tuple[Sample, ...]:
    """Return samples of the last HISTORY_LENGTH reports, oldest first."""
    return _monitor().history()


def snapshot() -> Snapshot:
    """Return figures about this process and its machine."""
    process = psutil.Process()
    return Snapshot(
        cpu_percent=machine.CPU.last(),
        memory_percent=machine.memory_percent(),
        disk_free_percent=machine.disk_free_percent(),
        process_memory_bytes=process.memory_info().rss,
        uptime_seconds=time.time() - process.create_time(),
        sessions_open=sessions_open(),
        versions={
            "app": project.current().version,
            "python": platform.python_version(),
            "streamlit": st.__version__,
        },
    )
