"""Blue and green: each has a release and the ports of its instances, and one of them serves."""

import contextlib
import re
import time
from pathlib import Path

from names import NAME, PACKAGE

from . import app, steps
from .commands import ask, run
from .instances import is_active, tell_to_drain, unit, wait_until_ready
from .places import NGINX, RELEASES, ROOT, SERVING
from .steps import StepError, do


def serving() -> str:
    """Return the colour that new visitors get; "" before the first release."""
    if not (ROOT / "serving").is_symlink() or not SERVING.is_symlink():
        return ""
    return SERVING.readlink().stem


def other(colour: str) -> str:
    """Return the other colour."""
    return "green" if colour == "blue" else "blue"


def release_of(place: str) -> Path | None:
    """Return the release of blue, green or previous."""
    path = ROOT / place
    return RELEASES / path.readlink().name if path.is_symlink() and path.is_dir() else None


def serving_release() -> Path | None:
    """Return the release that new visitors get."""
    colour = serving()
    return release_of(colour) if colour else None


def ports(colour: str, folder: Path = NGINX) -> list[int]:
    """Return the ports of a colour, which nginx's file for it lists."""
    file = folder / f"{colour}.conf"
    if not file.exists():
        return []
    _, _, text = file.read_text("utf-8").partition(f"upstream {PACKAGE}_any ")
    return [int(port) for port in re.findall(r"server 127\.0\.0\.1:(\d+)", text.partition("}")[0])]


def running(colour: str) -> list[int]:
    """Return the ports of a colour at which something runs."""
    return [port for port in ports(colour) if is_active(unit(port))]


def start(colour: str) -> None:
    """Start the instances of a colour, and wait until each is ready."""
    for port in ports(colour):
        if is_active(unit(port)):
            tell_to_drain(port, on=False)
    units = [unit(port) for port in ports(colour)]
    do(f"start {colour}: {' '.join(units)}", start_units, colour, units)


def start_units(colour: str, units: list[str]) -> None:
    """Start units; where one fails twice, say what its log says."""
    before = time.strftime("%Y-%m-%d %H:%M:%S")
    with contextlib.suppress(StepError):
        run("systemctl", "start", *units)
        return
    time.sleep(5)  # what was only in the way for a moment is gone: systemd tries again, too
    try:
        run("systemctl", "start", *units)
    except StepError:
        lines = [
            ask("journalctl", "-q", "-o", "cat", "-t", f"{NAME}-{port}", "--since", before)
            for port in ports(colour)
        ]
        reason = next(filter(None, map(app.complaint, lines)), "it is never ready")
        raise StepError(reason[:500]) from None


def prove(colour: str, release: Path) -> None:
    """Ask for /readyz, and open a session as a browser would, at each instance."""
    for port in ports(colour):
        do(f"check that {port} is ready", wait_until_ready, port)
        do(f"visit {port} as a browser", visit, release, port)


def visit(release: Path, port: int) -> None:
    """Open a session at one instance."""
    app.show(release, "smoke", port=port)


def stop(colour: str) -> None:
    """Stop a colour, also one that hangs; who is there has APP_DRAIN_SECONDS."""
    units = [unit(port) for port in ports(colour)]
    do(f"stop {colour}", run, "systemctl", "stop", *units)
    if not steps.dry_run:
        ask("systemctl", "reset-failed", *units)


def enable(colour: str, verb: str = "enable") -> None:
    """Choose whether a colour starts with the machine; what runs goes on running."""
    run("systemctl", verb, "--quiet", *(unit(port) for port in ports(colour)))


def enable_only(colour: str) -> None:
    """Let one colour start with the machine."""
    enable(colour)
    enable(other(colour), "disable")
