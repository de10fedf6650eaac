"""Run the programs of the system."""

import subprocess
from pathlib import Path

from .steps import StepError


def ask(*command: str | Path) -> str:
    """Return what a command prints that changes nothing; "" where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def run(*command: str | Path) -> str:
    """Run a command and return what it prints; a failure is the last line of its errors."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise StepError(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise StepError(last_line(done.stderr) or last_line(done.stdout) or f"{command[0]} failed")
    return done.stdout.strip()


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
