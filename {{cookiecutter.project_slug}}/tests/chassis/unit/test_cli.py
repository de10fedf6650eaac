"""The command line as a process: exit codes, where output goes, no tracebacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.testing.ports import free_port
from scratch_tool import __version__


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the current folder."""
    return subprocess.run(
        [sys.executable, "-m", "chassis", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    return empty_project


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "check", "doctor", "db", "drain", "loadtest", "smoke"):
        assert f"\n  {command} " in done.stdout
        assert run(command, "--help").returncode == 0
    assert run("--version").stdout.strip().endswith(__version__)


def test_help_is_quick() -> None:
    code = "import sys, chassis; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "click" in loaded
    assert not {"pydantic", "psutil", "streamlit"} & set(loaded)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["check"], 0), (["check", "--deploy"], 1), (["doctor"], 1)]
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["serve", "drain"])
def test_wrong_settings_are_lines_on_standard_error(command: str) -> None:
    done = run(command, APP_PORT="eight", APP_LANGUAGE="xx")
    assert done.returncode == 1
    assert done.stdout == ""
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["APP_LANGUAGE", "APP_PORT"]


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_wrong_settings_are_part_of_a_report(command: str) -> None:
    done = run(command, APP_PORT="eight")
    assert done.returncode == 1
    assert "APP_PORT ('eight' from environment)" in done.stdout
    assert done.stderr == ""


def test_drain_without_a_server() -> None:
    done = run("drain", APP_PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith("no server of this project listens on port ")
