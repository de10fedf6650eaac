"""Let a release serve: start it beside the one that does, prove it, send new visitors to it."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from . import app, steps
from .building import prepare, prune
from .colours import (
    enable,
    enable_only,
    other,
    ports,
    prove,
    release_of,
    running,
    serving,
    serving_release,
    start,
    stop,
)
from .commands import run
from .configuring import check_site, configure
from .draining import let_go_on, stop_drain
from .files import link
from .instances import count_sessions, is_active
from .places import DRAIN, PROGRAM, RELEASES, ROOT, SERVING
from .steps import StepError, do


@dataclass(frozen=True)
class Wishes:
    """What the command line says about a switch; docs/runbook.md explains each."""

    drain_limit: int = 0
    keep: int = 5
    cut: bool = False
    break_running: bool = False
    wait: bool = False


def release(what: str | None, wishes: Wishes) -> None:
    """Let a release serve the new visitors; None is the one that serves, restarted."""
    colour = serving()
    present = serving_release()
    if present is None:
        raise StepError("nothing serves yet: run install first")
    new = prepare(what) if what else present
    if new != present or not what or len(running(colour)) < len(ports(colour)):
        try:
            colour = switch_to(new, wishes)
        except StepError:
            let_go_on(other(colour), wishes.drain_limit)
            raise
    else:
        print(f"{new.name} is serving already", flush=True)
    finish(colour, wishes)
    if steps.dry_run:
        print("nothing was changed")
        return
    print(f"{new.name} serves new visitors on {colour}")
    while wishes.wait and is_active(DRAIN):
        time.sleep(1)


def roll_back(wishes: Wishes) -> None:
    """Release the version before."""
    found = release_of("previous")
    if found is None or found == serving_release():
        raise StepError("there is no release to go back to")
    release(found.name, wishes)


def switch_to(new: Path, wishes: Wishes) -> str:
    """Start a release beside the one that serves, prove it, and send new visitors to it."""
    old = serving_release()
    colour = other(serving()) if serving() else "blue"
    if is_active(DRAIN):
        do(f"stop {DRAIN}", stop_drain)
    # A rollback soon after a release: what ran before still runs.
    reused = old != new and release_of(colour) == new and running(colour) == ports(colour)
    if not reused:
        clear(colour, cut=wishes.cut)
    try:
        if not steps.dry_run or new.exists():
            configure(new)
        if not reused:
            do(f"let {colour} be {new.name}", link, ROOT / colour, f"releases/{new.name}")
        migrate(new, old, break_running=wishes.break_running)
        start(colour)
        prove(colour, new)
    except StepError as error:
        if not reused:
            stop(colour)
        if old:
            with contextlib.suppress(StepError):  # which is the one that is told already
                configure(old)
        keeps = f"{old.name} keeps serving" if old else "nothing serves yet"
        raise StepError(f"{new.name} does not work: {error}; {keeps}") from None
    do(f"enable {colour} at boot", enable, colour)
    do(f"send new visitors to {colour}", flip, colour)
    return colour


def clear(colour: str, *, cut: bool) -> None:
    """Stop the colour that does not serve, unless people are still there."""
    active = running(colour)
    people = sum(map(count_sessions, active))
    if people and not cut:
        there = release_of(colour)
        name = there.name if there else "?"
        raise StepError(
            f"{people} sessions are still open on {colour} ({name}): wait, roll back, or end them"
            f" with --cut; `{PROGRAM.name} status` shows them"
        )
    if active:
        stop(colour)


def migrate(new: Path, old: Path | None, *, break_running: bool) -> None:
    """Bring the database forward where the new release needs it; the old one goes on using it."""
    if steps.dry_run:
        print("would upgrade the database", flush=True)
        return
    if fits(new):
        return
    keep = []
    if old and not break_running:
        keep = ["--keep", app.call(old, "db", "head")]
    if old and "\n  backup " in app.call(old, "--help"):
        do("back up the database", app.call, old, "backup", "create")
    do("upgrade the database", app.show, new, "db", "upgrade", *keep)


def fits(new: Path) -> bool:
    """Tell whether a release works with the database as it is."""
    print("compare the database with the release", flush=True)
    try:
        app.show(new, "db", "current")
    except StepError as error:
        print(f"  {error}", flush=True)
        return False
    return True


def flip(colour: str) -> None:
    """Let nginx send new visitors to a colour; open connections stay where they are."""
    before = SERVING.readlink()
    link(SERVING, f"{colour}.conf")
    try:
        check_site()
    except StepError:
        link(SERVING, str(before))
        raise
    link(ROOT / "serving", colour)


def finish(colour: str, wishes: Wishes) -> None:
    """Do what follows the switch; all of it may have happened already."""
    rest = other(colour)
    before = release_of(rest)
    # Here, because a flip may have been interrupted before anybody was told. The check says what is
    # wrong with a site, systemd does not.
    do("check the site: nginx -t", check_site)
    do("reload nginx", run, "systemctl", "reload-or-restart", "nginx")
    if (ROOT / "serving").is_symlink() and (ROOT / "serving").readlink() != Path(colour):
        do(f"let the commands be those of {colour}", link, ROOT / "serving", colour)
    do(f"enable {colour} at boot, and not {rest}", enable_only, colour)
    if before and before != release_of(colour) and before != release_of("previous"):
        target = f"releases/{before.name}"
        do(f"remember {before.name} for a rollback", link, ROOT / "previous", target)
    let_go_on(rest, wishes.drain_limit)
    if RELEASES.is_dir():
        prune(wishes.keep)
