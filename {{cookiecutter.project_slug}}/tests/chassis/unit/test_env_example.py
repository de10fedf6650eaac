"""What people read about the settings is made from the settings."""

import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from chassis.commands import reference
from chassis.settings import MASK, Settings, as_text, default_of, get_settings, names
from dotenv import dotenv_values


def test_the_example_sets_nothing() -> None:
    assert dotenv_values(stream=StringIO(reference.env_example())) == {}


def test_every_line_can_be_used_as_it_is(empty_project: Path) -> None:
    example = reference.env_example()
    uncommented = re.sub("^# (?=[A-Z0-9_]+=)", "", example, flags=re.MULTILINE)
    values = dotenv_values(stream=StringIO(uncommented), interpolate=False)
    assert tuple(values) == names()
    (empty_project / ".env").write_text(uncommented, encoding="utf-8")
    settings = get_settings()
    for field, info in Settings.model_fields.items():
        default = default_of(info)
        if (text := as_text(default)) not in ("", MASK):
            assert values[field.upper()] == text
            assert getattr(settings, field) == default


def test_the_defaults_of_the_project_are_shown() -> None:
    example = reference.env_example()
    assert '# APP_NAME="Scratch Tool"\n' in example
    assert "# APP_LANGUAGE=en\n" in example
    assert "# AUTH_BACKEND=password\n" in example


def test_the_table_has_a_row_for_each_setting() -> None:
    rows = reference.markdown_table().splitlines()[2:]
    assert tuple(row.split("`")[1] for row in rows) == names()
    assert all(row.count("|") == 4 for row in rows)


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program that prints one of them."""
    command = [sys.executable, "-m", "chassis.commands.reference", *arguments]
    return subprocess.run(command, capture_output=True, check=False)


def test_it_is_a_program() -> None:
    assert run("env").stdout.decode() == reference.env_example()
    assert run("markdown").stdout.decode() == reference.markdown_table()


@pytest.mark.parametrize("arguments", [(), ("html",), ("env", "markdown")])
def test_it_says_how_it_is_called(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr == b"usage: python -m chassis.commands.reference env|markdown\n"
