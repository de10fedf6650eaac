"""A Docker engine for the tests: that of the machine, or that of the lab."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import lab
import measured
import pytest
from baking import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

ASK = """
import http.client, sys
host, port, path = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
connection.request("GET", path, headers={"Host": host})
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""

USER = "ann"
PASSWORD = "seven purple elephants"
# With a hash, the account need not choose another password at the first sign-in.
ADD_USER = (
    f"python -c \"from argon2 import PasswordHasher as P; print(P().hash('{PASSWORD}'))\""
    f" | my-internal-tool users add {USER} --role admin --hash"
)


def shell_variables(text: str) -> dict[str, str]:
    """Return what lines like `export A=1 B=2` would set in this process's environment."""
    script = f"{text}\nenv -0"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    pairs = [line.partition("=")[::2] for line in done.stdout.split("\0") if line]
    return {name: value for name, value in pairs if os.environ.get(name) != value}


@dataclass(frozen=True)
class Engine:
    """A running engine, and how to reach the ports that it publishes on 127.0.0.1."""

    variables: dict[str, str]
    inside: Sequence[str] = ()

    def run(self, *command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run a program that finds `docker`."""
        return run(*command, cwd=cwd, **self.variables)

    def docker(self, *arguments: str | Path) -> str:
        """Run docker, which must succeed, and return what it prints."""
        done = self.run("docker", *arguments)
        assert done.returncode == 0, f"docker {arguments}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def get(self, port: int, path: str, host: str = "localhost") -> tuple[int, str]:
        """Return status and body of a published port; status 0 where nobody answers."""
        done = run(*self.inside, sys.executable, "-c", ASK, host, str(port), path, cwd=ROOT)
        status, _, body = done.stdout.partition(" ")
        return int(status or 0), body

    def program(self, path: str, folder: Path) -> str:
        """Return a program that runs another one where published ports can be reached."""
        if not self.inside:
            return path
        wrapper = folder / Path(path).name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(self.inside)} {shlex.quote(path)} "$@"\n')
        wrapper.chmod(0o755)
        return str(wrapper)

    def prepare(self, text: str) -> None:
        """Have the lab make stand-ins for the images that files name; no-op elsewhere."""
        if self.inside:
            stages = set(re.findall(r"^FROM \S+ AS (\w+)", text, re.MULTILINE))
            bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - stages - {"scratch"}
            bases |= set(re.findall(r"^ +image: ([a-z]+:[\d.]+)$", text, re.MULTILINE))
            done = lab.call("docker-lab", "images", *sorted(bases))
            assert done.returncode == 0, done.stdout + done.stderr


def find_engine() -> Engine:
    """Return an engine; skip the test where there is none."""
    if lab.found() is None:
        if shutil.which("docker") and run("docker", "version", cwd=ROOT).returncode == 0:
            return Engine({})
        pytest.skip("needs a Docker engine: install Docker, or set LAB to the folder of a lab")
    done = lab.call("docker-lab", "up")
    if done.returncode != 0:
        pytest.skip(f"needs a Docker engine: {done.stderr.strip().rpartition(chr(10))[2]}")
    variables = shell_variables(lab.call("docker-lab", "env").stdout)
    namespace = variables.get("DOCKER_NETNS") or os.environ["DOCKER_NETNS"]
    return Engine(variables, ("nsenter", f"--net={namespace}", "--"))


def sign_in(page: Page, user: str = USER, password: str = PASSWORD) -> None:
    """Fill in the form of a page that asks who is there, and wait for the app."""
    page.locator("input[autocomplete=username]:visible").first.fill(user)
    field = page.locator("input[autocomplete=current-password]")
    field.fill(password)
    field.press("Enter")
    page.get_by_test_id("stSidebarNavLink").first.wait_for(state="attached", timeout=60_000)
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
    page.get_by_test_id("stMain").get_by_role("heading", level=1).wait_for(timeout=60_000)


def checker(name: str) -> str:
    """Return the path of a checker such as hadolint; skip the test where there is none."""
    if path := shutil.which(name):
        return path
    if lab.found() is None:
        pytest.skip(f"needs {name}: install it, or set LAB to the folder of a lab")
    return str(shutil.which(name, path=lab.tools_path(name)))


def timed(what: str, started: float) -> float:
    """Note how long something took; return the seconds."""
    seconds = time.monotonic() - started
    measured.note(what, f"{seconds:.1f} s")
    return seconds
