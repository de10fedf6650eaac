"""The command line as a process: exit codes, where output goes, no tracebacks."""

import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chassis.commands.main import COMMANDS, main
from chassis.testing.databases import new_sqlite
from chassis.testing.ports import free_port
from click import Command, Context, Group
from click.testing import CliRunner
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
    names = re.findall(r"^  ([a-z]+) ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert names == sorted(COMMANDS)
    assert run("--version").stdout.strip().endswith(__version__)


def test_every_command_says_of_itself_what_the_list_says() -> None:
    for name, (home, line) in COMMANDS.items():
        command = pkgutil.resolve_name(f"chassis.commands.{home}")
        assert command.name == name
        assert command.get_short_help_str(limit=200) == line
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def every_command(command: Command, *names: str) -> Iterator[tuple[str, ...]]:
    """Yield how each command and group is called, beginning with the group of all."""
    yield names
    if isinstance(command, Group):
        context = Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below
            yield from every_command(below, *names, name)


@pytest.mark.parametrize("names", [*every_command(main)], ids=" ".join)
def test_no_line_of_the_help_is_cut_off_or_too_long(names: tuple[str, ...]) -> None:
    """At a terminal of 80 columns; click ends what it shortens with dots."""
    done = CliRunner().invoke(main, [*names, "--help"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    usage, *lines = done.stdout.splitlines()
    assert usage.startswith("Usage: ")
    assert [line for line in lines if line.endswith("...") or len(line) > 80] == []


# What the console script does, and what is loaded afterwards.
SCRIPT = """
import dataclasses
import sys
from scratch_tool import app

app.project = dataclasses.replace(app.project, commands={})  # they are imported for the help
main = app.project.main
sys.argv[:] = ["scratch-tool", "--help"]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_help_is_quick() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: scratch-tool ")
    loaded = done.stderr.split()
    assert "click" in loaded
    slow = {"alembic", "pandas", "psutil", "pydantic", "sqlalchemy", "streamlit"}
    assert not slow & set(loaded)


def test_the_project_has_commands_of_its_own(tmp_path: Path) -> None:
    assert "count-notes  Say how many notes there are." in run("--help").stdout
    database = new_sqlite(tmp_path / "app.db")
    assert run("count-notes", DATABASE_URL=database).stdout == "0 notes\n"


def test_an_unknown_command_is_a_wrong_usage() -> None:
    done = run("server")
    assert done.returncode == 2
    assert "No such command 'server'" in done.stderr


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


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("", "there is no project: import its app.py before the chassis is used"),
        ("nowhere.app", "CHASSIS_PROJECT names nowhere.app, but there is no module nowhere"),
        ("scratch_tool.nowhere", "but there is no module scratch_tool.nowhere"),
        ("scratch_tool", "scratch_tool has no project: write `project = Chassis(__name__, ...)`"),
    ],
)
@pytest.mark.parametrize("command", ["--version", "check", "serve", "users list"])
def test_a_missing_project_is_one_line(command: str, module: str, expected: str) -> None:
    done = run(*command.split(), CHASSIS_PROJECT=module)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.strip().endswith(expected)


def test_a_missing_project_is_part_of_a_report() -> None:
    done = run("doctor", CHASSIS_PROJECT="nowhere.app")
    assert done.returncode == 1
    assert re.search("^FAIL +settings +CHASSIS_PROJECT names nowhere.app, ", done.stdout, re.M)
    assert done.stderr == ""


def test_what_the_project_lacks_is_not_taken_for_the_project(project: Path) -> None:
    (project / "own_tool.py").write_text("import a_package_that_is_not_installed\n")
    done = run("check", CHASSIS_PROJECT="own_tool", PYTHONPATH=str(project))
    assert "No module named 'a_package_that_is_not_installed'" in done.stderr
    assert "Traceback" in done.stderr


def test_drain_without_a_server() -> None:
    done = run("drain", APP_PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith("no server of this project listens on port ")
