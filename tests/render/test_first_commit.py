"""A project on its way to a server, before and after its first commit."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from baking import GIT_IDENTITY, Baked, Baker, commit_all, run

if TYPE_CHECKING:
    from pathlib import Path

# Does on this machine what ssh would have done on the other: the last argument is a command.
SSH = """#!/bin/sh
cd "$SERVER" && for script; do :; done && exec sh -c "$script"
"""


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Return the home folder on a server."""
    (tmp_path / "server").mkdir()
    return tmp_path / "server"


@pytest.fixture
def env(tmp_path: Path, server: Path) -> dict[str, str]:
    """Return the variables with which `ssh` leads to that server."""
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin/ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    path = f"{ssh.parent}:{os.environ['PATH']}"
    return {**GIT_IDENTITY, "PATH": path, "SERVER": str(server), "HOST": "root@server"}


def test_the_page_about_servers_sends_a_project_that_was_just_made(
    bake: Baker, tmp_path: Path, server: Path, env: dict[str, str]
) -> None:
    baked = bake.fresh(tmp_path / "new")
    step = re.search(r"^2\. (.*?)^3\. ", baked.read("docs/server.md"), re.MULTILINE | re.DOTALL)
    assert step
    commands = "\n".join(re.findall("`([^`]+)`", step[1]))
    done = run("sh", "-ec", commands, cwd=baked.path, **env)
    assert done.returncode == 0, done.stderr
    assert (server / "my-internal-tool/streamlit_app.py").is_file()


@pytest.mark.parametrize("answers", [{"use_docker": False}, {"use_systemd": False}, {}])
def test_a_deployment_without_a_commit_is_refused_before_it_begins(
    bake: Baker, tmp_path: Path, server: Path, env: dict[str, str], answers: dict[str, bool]
) -> None:
    baked: Baked = bake.fresh(tmp_path / "new", **answers)
    done = run("make", "deploy", cwd=baked.path, **env)
    assert done.returncode != 0
    assert (
        done.stderr.splitlines()[0] == "nothing is committed yet, and a commit is what is deployed"
    )
    assert list(server.iterdir()) == []
    commit_all(baked.path)
    done = run("make", "deploy", cwd=baked.path, **env)
    assert "committed" not in done.stderr
