"""Take everything away but the data, the settings and the secrets, unless told."""

import re
from pathlib import Path

from names import NAME

from .colours import ports
from .commands import ask, run
from .files import remove
from .instances import is_active, unit
from .places import (
    DRAIN,
    NGINX,
    OWN_UNIT,
    PROGRAM,
    ROOT,
    SETTINGS,
    SITE,
    SITE_LINK,
    STAMPS,
    STATE,
    TIMERS,
    UNITS,
    USER,
    WEB,
)
from .steps import do


def uninstall(*, delete_data: bool) -> None:
    """Stop what runs, then delete."""
    stop_units()
    for path in unit_files():
        do(f"delete {path}", remove, path)
    sites = [path for path in (SITE_LINK, SITE, NGINX) if path.exists() or path.is_symlink()]
    for path in sites:
        do(f"delete {path}", remove, path)
    do("reload systemd", run, "systemctl", "daemon-reload")
    if sites:
        do("reload nginx", ask, "systemctl", "try-reload-or-restart", "nginx")
    data = [STATE, SETTINGS] if delete_data else []
    for path in (WEB, ROOT, *data, PROGRAM):
        if path.exists():
            do(f"delete {path}", remove, path)
    if delete_data and ask("id", USER):
        do(f"delete the user {USER}", run, "userdel", USER)
    if not delete_data:
        print(f"kept: {STATE} and {SETTINGS} (uninstall --delete-data deletes them)")


def stop_units() -> None:
    """Stop and disable the units of this project."""
    units = [DRAIN, f"{NAME}.target", *TIMERS, f"{NAME}-check.service"]
    units += [unit(port) for colour in ("blue", "green") for port in ports(colour)]
    for name in units:
        if ask("systemctl", "cat", name) or is_active(name):
            # A unit that is not enabled fails, and that is fine.
            do(f"stop {name}", ask, "systemctl", "disable", "--now", name)


def unit_files() -> list[Path]:
    """Return what systemd has of this project."""
    files = sorted(UNITS.glob(f"{NAME}*.[st]*"))
    stamps = [STAMPS / f"stamp-{name}" for name in TIMERS]
    return [
        *(path for path in files if re.fullmatch(OWN_UNIT, path.name)),
        *(path for path in stamps if path.exists()),
    ]
