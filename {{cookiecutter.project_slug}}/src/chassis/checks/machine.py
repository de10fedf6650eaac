"""The machine, or the container: is there room left on it?"""

from .. import machine
from ..settings import get_settings
from . import Result


def disk() -> Result:
    """The file system of the working directory is not nearly full."""
    free = machine.disk_free_percent()
    if free >= get_settings().health_disk_min_free_percent:
        return Result("pass", f"{free:.0f} % free")
    return Result("warn", f"{free:.0f} % free", "du -xh --max-depth=2 . | sort -h | tail")


def memory() -> Result:
    """The container, or else the machine, is not nearly out of memory."""
    return _used(machine.memory_percent(), get_settings().health_memory_max_percent)


def cpu() -> Result:
    """The machine has not been busy all the time since the last report."""
    return _used(machine.CPU.measure(), get_settings().health_cpu_max_percent)


def _used(percent: float, limit: float) -> Result:
    return Result("pass" if percent <= limit else "warn", f"{percent:.0f} % used")
