"""Let a colour that no longer serves go on for who is there, and stop it in time."""

import sys
import time

from .colours import other, running, serving, stop
from .commands import run
from .instances import is_active, sessions, tell_to_drain
from .places import DRAIN, PROGRAM, SERVING
from .steps import StepError, do

# Without a session; a reload of the page, or a short loss of the network, takes less.
QUIET_SECONDS = 30


def let_go_on(rest: str, limit: int) -> None:
    """Leave the colour that does not serve to a process that stops it in time."""
    if running(rest) and not is_active(DRAIN):
        command = (sys.executable, PROGRAM, "drain", "--drain-limit", str(limit))
        text = f"let {rest} go on for who is there, {limit // 60} minutes at most"
        do(text, run, "systemd-run", "--quiet", "--collect", f"--unit={DRAIN}", *command)


def drain(limit: int) -> None:
    """Stop the colour that does not serve when nobody is left there, or when the time is over.

    It needs no lock: a release that begins meanwhile ends it first.
    """
    rest = other(serving())
    quiet_since = time.monotonic()
    while active := running(rest):
        for port in active:
            tell_to_drain(port, on=True)
        counts = [sessions(port) for port in active]
        if any(count != 0 for count in counts):  # one that cannot say may have some
            quiet_since = time.monotonic()
        over = time.time() > SERVING.lstat().st_mtime + limit
        if over or time.monotonic() > quiet_since + QUIET_SECONDS:
            print(f"sessions that are cut: {sum(count or 0 for count in counts)}", flush=True)
            stop(rest)
            return
        time.sleep(1)


def stop_drain() -> None:
    """End the process that stops a colour in time, unless it has just ended by itself."""
    try:
        run("systemctl", "stop", DRAIN)
    except StepError:  # systemd does not know the unit any more
        if is_active(DRAIN):
            raise
