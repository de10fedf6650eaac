"""Run the commands of the app as the service runs: its user, settings, secrets and limits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from names import NAME

from .commands import run

# What a command of the app does not share with the unit that it borrows everything else from.
NOT_SHARED = {
    "Type",
    "ExecStart",
    "WorkingDirectory",
    "TimeoutStartSec",
    "Nice",
    "IOSchedulingClass",
    "StandardOutput",
    "StandardError",
    "SyslogIdentifier",
}


def call(release: Path, *arguments: str, port: int = 0) -> str:
    """Run a command of a release and return what it prints; `port` is that of an instance."""
    return run(*command(release, *arguments, port=port))


def show(release: Path, *arguments: str, port: int = 0) -> None:
    """Run a command of a release and print what it says."""
    print(f"  {call(release, *arguments, port=port)}", flush=True)


def become(release: Path, *arguments: str) -> NoReturn:
    """Run a command of a release for the caller, and end as it does."""
    at_terminal = sys.stdin.isatty()
    sys.exit(subprocess.run(command(release, *arguments, at_terminal=at_terminal)).returncode)


def command(release: Path, *arguments: str, port: int = 0, at_terminal: bool = False) -> list[str]:
    """Return the command that lets systemd run a command of a release."""
    variables = [f"APP_PORT={port}", f"METRICS_PORT=1{port}"] if port else []
    return [
        *("systemd-run", "--quiet", "--wait", "--collect", "--service-type=exec"),
        "--pty" if at_terminal else "--pipe",
        *(f"--property={line}" for line in shared_properties()),
        *(f"--setenv={variable}" for variable in variables),
        f"--property=WorkingDirectory={release}",
        str(release / ".venv/bin" / NAME),
        *arguments,
    ]


def shared_properties() -> list[str]:
    """Return the properties of the unit of the backups that every command of the app has."""
    properties = []
    section = ""
    for line in run("systemctl", "cat", f"{NAME}-backup@create.service").splitlines():
        section = line if line.startswith("[") else section
        key, equals, _ = line.partition("=")
        if section == "[Service]" and equals and key.isalpha() and key not in NOT_SHARED:
            properties.append(line)
    return properties


def complaint(log: str) -> str:
    """Return the last line of a log of the app that is about something wrong."""
    for line in reversed(log.splitlines()):
        try:
            entry = json.loads(line)
        except ValueError:
            return line.strip()
        if isinstance(entry, dict) and entry.get("level") in ("error", "critical"):
            return str(entry.get("event"))
    return ""
