"""The first start of a project, in a home that knows nothing."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from baking import PLAIN_PATH, ROOT, Baker, git, new_home, run
from serving import free_port, get, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def started(*command: str, cwd: Path, output: Path, **env: str) -> Iterator[subprocess.Popen[Any]]:
    """Start a program that does not end by itself, at a terminal whose screen is the output.

    Ctrl-C reaches it and all that it started.
    """
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "PWD": str(cwd), "TERM": "xterm", **env},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    output.touch()
    threading.Thread(target=copy, args=(screen, output), daemon=True).start()
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def copy(screen: int, output: Path) -> None:
    """Write down what a terminal shows, until nobody has it open."""
    with output.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while shown := os.read(screen, 65536):
            stream.write(shown)
    os.close(screen)


def shown(output: Path) -> str:
    """Return what the terminal has shown, without colours; drawn-over lines are lines too."""
    text = output.read_bytes().decode(errors="replace")
    return re.sub(r"\r+\n?", "\n", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))


def the_end(port: int) -> str:
    """Return the lines that a newcomer is left with."""
    return f"""
  My Internal Tool is at http://localhost:{port}

  Ctrl-C stops it. A saved file shows at once: begin with src/my_internal_tool/pages/home.py
"""


def ctrl_c(process: subprocess.Popen[Any]) -> None:
    """Press Ctrl-C and wait for the end."""
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=20)


# Without it `make dev` can only say that Python is missing, which tests/life tries: Ubuntu 22.04
# has Python 3.10 there, and Debian has venv in a package of its own.
@pytest.mark.skipif(
    run("python3", "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))", cwd=ROOT,
        PATH=PLAIN_PATH).returncode != 0,
    reason="needs Python 3.11 with venv in /usr/bin: make bootstrap",
)  # fmt: skip
def test_a_bake_runs_with_python_and_make_only(bake: Baker, tmp_path: Path) -> None:
    """Without uv, in a folder whose name has spaces and Korean letters."""
    baked = bake.fresh(tmp_path / "my tools 도구")
    env = {**new_home(tmp_path), "PATH": PLAIN_PATH}
    port = free_port()
    env |= {"APP_PORT": str(port), "METRICS_PORT": str(free_port())}
    output = tmp_path / "output"
    with started("make", "dev", cwd=baked.path, output=output, **env) as process:
        until(lambda: the_end(port) in shown(output) or process.poll() is not None, 600)
        assert process.poll() is None, shown(output)[-3000:]
        assert get(port, "/readyz")[0] == 200
        assert shown(output).count("Collecting ") > 50  # who waits sees what for
        process.terminate()  # make alone, which must hand it on
        until(lambda: get(port, "/livez")[0] == 0, 10, "the end of the server")


def test_demo_runs_from_a_clean_clone(template: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(template), str(clone), cwd=tmp_path)
    env = new_home(tmp_path)
    output = tmp_path / "output"
    address = re.compile(r"http://localhost:(\d+)")
    with started("make", "demo", cwd=clone, output=output, **env) as process:

        def printed() -> re.Match[str] | None:
            assert process.poll() is None, shown(output)[-3000:]
            return address.search(shown(output))

        match = until(printed, 600, "the address")
        port = int(match[1])
        assert get(port, "/")[0] == 200  # at once
        until(lambda: the_end(port) in shown(output), 10, "the end")
        assert "Prepared " in shown(output)  # uv shows what it does
        ctrl_c(process)
    assert get(port, "/livez")[0] == 0
    assert git("status", "--porcelain", cwd=clone) == ""
    assert (clone / "build/demo/my-internal-tool/.cruft.json").exists()
