"""What people read about the settings is made from the settings."""

import re
from io import StringIO
from pathlib import Path

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
            expected = empty_project / default if isinstance(default, Path) else default
            assert getattr(settings, field) == expected


def test_the_defaults_of_the_project_are_shown() -> None:
    example = reference.env_example()
    assert '# APP_NAME="Scratch Tool"\n' in example
    assert "# APP_LANGUAGE=en\n" in example
    assert "# AUTH_BACKEND=password\n" in example


def test_the_table_has_a_row_for_each_setting() -> None:
    first, _all, table = reference.document().partition("## All")
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert all(f"| `{name.upper()}` |" in first for name in reference.FIRST)
    assert tuple(row.split("`")[1] for row in rows) == names()
    assert all(row.count("|") == 4 for row in rows)
