"""Machines that boot a real systemd, and pinned scanners, where this computer has the lab.

The lab is a folder of scripts that the project does not need: LAB names it, or it lies beside the
repository in shared/lab.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from baking import BUILD, ROOT, one_at_a_time, run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator


def found() -> Path | None:
    """Return the folder of the lab, if there is one and it can be used."""
    path = Path(os.environ.get("LAB") or ROOT.parent / "shared/lab").resolve()
    return path if (path / "systemd-lab").is_file() and os.geteuid() == 0 else None


def folder() -> Path:
    """Return the folder of the lab; without one the test is skipped."""
    path = found()
    if path is None:
        pytest.skip("needs root and a lab: set LAB to its folder")
    return path


def call(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script that may have to install something first; the other workers wait."""
    with one_at_a_time("lab"):
        return run("bash", folder() / script, *arguments, cwd=ROOT)


@cache
def tools_path(*names: str) -> str:
    """Install scanners, once, and return a PATH with them."""
    done = call("tools", *names)
    assert done.returncode == 0, done.stderr
    found = re.search(r"export PATH=(\S+?):", done.stdout)
    assert found, done.stdout
    return f"{found[1]}:{os.environ['PATH']}"


@dataclass(frozen=True)
class Machine:
    """An empty Debian 12 that has booted."""

    name: str

    def lab(self, verb: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Call a verb of systemd-lab for this machine."""
        return run("bash", folder() / "systemd-lab", verb, self.name, *arguments, cwd=ROOT)

    def sh(self, script: str, *, online: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a shell script in it; `online` lends it this computer's network."""
        return self.lab("online" if online else "exec", "sh", "-euc", script)

    def output(self, script: str) -> str:
        """Run a shell script, which must succeed, and return what it prints."""
        done = self.sh(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def offer_packages(self, lock: Path) -> None:
        """Let its pip find what a lock file names, though it has no network.

        Its own Python chooses the packages; they are kept for the next machine.
        """
        house = "/srv/packages"
        kept = BUILD / "packages" / hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
        with one_at_a_time("packages"):
            if (kept / "complete").exists():
                self.put(kept, house)
            else:
                self.put(lock, "/srv/")
                pip = f"/srv/venv/bin/pip download --quiet --no-deps --dest {house} --requirement"
                script = f"python3 -m venv /srv/venv; {pip} /srv/{lock.name}"
                done = self.sh(f"{script}; touch {house}/complete", online=True)
                assert done.returncode == 0, done.stderr
                root = self.lab("path").stdout.strip()
                shutil.copytree(f"{root}{house}", kept, dirs_exist_ok=True)
        lines = ("[install]", "no-index = true", f"find-links = {house}")
        self.output(f"printf '%s\\n' {shlex.join(lines)} >>/etc/pip.conf")

    def put(self, source: Path, target: str) -> None:
        """Copy a file or the content of a folder into it."""
        done = self.lab("put", source, target)
        assert done.returncode == 0, done.stderr


def booted(name: str) -> Iterator[Machine]:
    """Boot a machine, and delete it at the end."""
    machine = Machine(f"{name}-{os.getpid()}")
    done = call("systemd-lab", "boot", machine.name)
    assert done.returncode == 0, done.stderr
    try:
        yield machine
    finally:
        machine.lab("down")
