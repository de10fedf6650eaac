"""One instance of the app: it has a port, and a unit of systemd."""

import contextlib
import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from typing import Any

from names import NAME

from . import steps
from .commands import ask
from .steps import StepError


def unit(port: int) -> str:
    """Return the unit of an instance."""
    return f"{NAME}@{port}.service"


def is_active(name: str) -> bool:
    """Tell whether a unit runs, or is about to."""
    state = ask("systemctl", "show", "--property=ActiveState", "--value", name)
    return state not in ("inactive", "failed", "")


def readiness(port: int) -> dict[str, Any] | None:
    """Return what /readyz of an instance says; None where it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except OSError:
        return None
    with contextlib.suppress(ValueError):
        found = json.loads(body)
        return found if isinstance(found, dict) else None
    return None


def wait_until_ready(port: int) -> None:
    """Wait for a 200 of /readyz; a drain that has just been ended takes a moment to show."""
    report = None
    for _ in range(40):
        report = readiness(port)
        if report and report.get("ready"):
            return
        time.sleep(0.25)
    checks = (report or {}).get("checks", {})
    failed = [
        f"{name} {one.get('detail')}" for name, one in checks.items() if one["status"] == "fail"
    ]
    raise StepError(f"port {port} is not ready: {', '.join(failed) or 'no answer'}")


def sessions(port: int) -> int | None:
    """Return how many sessions are open at an instance that drains; None where it cannot say."""
    report = readiness(port)
    detail = str((report or {}).get("checks", {}).get("drain", {}).get("detail", ""))
    found = re.search(r"open sessions: (\d+)", detail)
    return int(found[1]) if found else None


def tell_to_drain(port: int, *, on: bool) -> None:
    """Let an instance say 503 on /readyz and count its sessions there, or end that."""
    report = readiness(port)  # before it answers it would die of the signal
    if report is not None and report.get("draining") is not on:
        pid = int(ask("systemctl", "show", "--property=MainPID", "--value", unit(port)) or 0)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1 if on else signal.SIGUSR2)


def count_sessions(port: int) -> int:
    """Return how many sessions are open at an instance, told to drain; 0 where it hangs."""
    deadline = time.monotonic() + 5
    while (people := sessions(port)) is None and time.monotonic() < deadline and not steps.dry_run:
        tell_to_drain(port, on=True)  # right after a release nobody has done that yet
        time.sleep(0.1)
    return people or 0
