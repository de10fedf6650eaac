"""Measuring the machine: processor, and memory inside and outside of containers."""

import threading
import time
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest
from chassis import machine


def test_cpu_use_is_seen_from_fresh_threads() -> None:
    meter = machine.CpuMeter()
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            sum(range(1000))

    def measured() -> float:
        found: Future[float] = Future()

        def measure() -> None:
            found.set_result(meter.measure())
            stop.wait()  # else the next thread would get the same id

        threading.Thread(target=measure, daemon=True).start()
        return found.result()

    burner = threading.Thread(target=burn, daemon=True)
    burner.start()
    try:
        least = 100 / (psutil.cpu_count() or 1) / 4
        deadline = time.monotonic() + 15
        while measured() < least:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop.set()
        burner.join()
    assert meter.last() > 0


def write_cgroup(folder: Path, files: dict[str, str]) -> None:
    """Write the files of a memory cgroup."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n", encoding="ascii")


MIB = 1024 * 1024
V2 = {
    "memory.max": str(200 * MIB),
    "memory.current": str(150 * MIB),
    "memory.stat": f"anon {100 * MIB}\ninactive_file {50 * MIB}",
}
V1 = {
    "memory.limit_in_bytes": str(100 * MIB),
    "memory.usage_in_bytes": str(90 * MIB),
    "memory.stat": f"cache 1\ntotal_inactive_file {10 * MIB}",
}
MACHINE = -1.0


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        (".", V2, 50.0),
        ("system.slice/my.service", V2, 50.0),
        ("memory", V1, 80.0),
        (".", {**V2, "memory.max": "max"}, MACHINE),
        ("memory", {**V1, "memory.limit_in_bytes": "9223372036854771712"}, MACHINE),
        ("elsewhere", V2, MACHINE),
    ],
)
def test_memory_is_measured_against_the_limit_of_the_container(
    tmp_path: Path, path: str, files: dict[str, str], expected: float
) -> None:
    root, process = tmp_path / "cgroup", tmp_path / "self"
    write_cgroup(root / path, files)
    own = path if path == "system.slice/my.service" else ""
    process.write_text(f"4:memory:/ignored\n0::/{own}\n", encoding="ascii")
    used = machine.memory_percent(root, process)
    if expected == MACHINE:
        assert used == pytest.approx(psutil.virtual_memory().percent, abs=10)
    else:
        assert used == expected


def test_memory_without_cgroups_is_the_machines(tmp_path: Path) -> None:
    used = machine.memory_percent(tmp_path, tmp_path / "missing")
    assert used == pytest.approx(psutil.virtual_memory().percent, abs=10)
