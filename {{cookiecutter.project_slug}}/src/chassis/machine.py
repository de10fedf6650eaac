"""How busy and how full the machine is, or the container that we run in."""

import contextlib
import shutil
from pathlib import Path
from threading import Lock
from typing import Any, Final

import psutil

MIN_CPU_SECONDS: Final = 0.5  # of all cores; the system counts in steps of 10 ms
CGROUP_ROOT: Final = Path("/sys/fs/cgroup")
PROCESS_CGROUP: Final = Path("/proc/self/cgroup")
# The files of the limit and the use, and the field of memory.stat that tells the file cache.
CGROUP_V2: Final = ("memory.max", "memory.current", "inactive_file")
CGROUP_V1: Final = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


class CpuMeter:
    """CPU use of the machine since the last measurement.

    psutil.cpu_percent(interval=None) remembers its last call by the id of the thread, and answers
    0.0 at first; health checks run on fresh threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._times: Any = None
        with contextlib.suppress(OSError):  # a hardened service may not see /proc/stat
            self._times = psutil.cpu_times()
        self._percent = 0.0

    def measure(self) -> float:
        """Return percent of all cores; the last value again if there is too little to measure."""
        with self._lock:
            times = psutil.cpu_times()
            self._times = self._times or times
            total = _total(times) - _total(self._times)
            if total >= MIN_CPU_SECONDS:
                idle = _idle(times) - _idle(self._times)
                self._percent = round(100 * min(1.0, max(0.0, 1 - idle / total)), 1)
                self._times = times
            return self._percent

    def last(self) -> float:
        """Return the percent of the last measurement."""
        return self._percent


def _total(times: Any) -> float:
    return float(sum(times[:8]))  # Linux adds guest times, which are part of the first two


def _idle(times: Any) -> float:
    return float(times.idle + getattr(times, "iowait", 0.0))


CPU: Final = CpuMeter()


def disk_free_percent() -> float:
    """Return how much of the working directory's file system is free for us."""
    usage = shutil.disk_usage(".")
    return 100 * usage.free / usage.total


def memory_percent(cgroup: Path = CGROUP_ROOT, process: Path = PROCESS_CGROUP) -> float:
    """Return the use of the memory that we may have: the limit of our cgroup, or the machine."""
    machine = psutil.virtual_memory()
    for folder, (limit_file, use_file, cache_field) in (
        (cgroup / _own_cgroup(process), CGROUP_V2),
        (cgroup / "memory", CGROUP_V1),
    ):
        try:
            limit = int((folder / limit_file).read_text())
            used = int((folder / use_file).read_text())
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # no such cgroup, or no limit: "max"
            continue
        if 0 < limit < machine.total:
            return 100 * max(0, used - int(stat.get(cache_field, 0))) / limit
    return float(machine.percent)


def _own_cgroup(process: Path) -> str:
    """Return our cgroup's path below the root: "" in a container, a unit's path on a server."""
    try:
        lines = process.read_text().splitlines()
    except OSError:
        return ""
    return next((line[3:].lstrip("/") for line in lines if line.startswith("0::")), "")
