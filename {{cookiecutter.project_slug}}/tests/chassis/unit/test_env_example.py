"""What people read about the settings is made from the settings."""

import re
from io import StringIO
from pathlib import Path

from chassis.commands import reference
from chassis.settings import MASK, NAMES, Settings, as_text, get_settings
from dotenv import dotenv_values

from ..conftest import PROJECT

MAKE = "python -m chassis.commands.reference"


def test_the_example_file_is_up_to_date() -> None:
    committed = (PROJECT / ".env.example").read_text(encoding="utf-8")
    assert committed == reference.env_example(), f"{MAKE} env > .env.example"


def test_the_readme_is_up_to_date() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    [block] = re.findall("<!-- settings -->\n+(.*?)\n*<!-- /settings -->", readme, re.DOTALL)
    assert block.strip() == reference.markdown_table().strip(), f"{MAKE} markdown"


def test_the_example_sets_nothing() -> None:
    assert dotenv_values(PROJECT / ".env.example") == {}


def test_every_line_can_be_used_as_it_is(empty_project: Path) -> None:
    example = reference.env_example()
    uncommented = re.sub("^# (?=[A-Z0-9_]+=)", "", example, flags=re.MULTILINE)
    values = dotenv_values(stream=StringIO(uncommented), interpolate=False)
    assert tuple(values) == NAMES
    (empty_project / ".env").write_text(uncommented, encoding="utf-8")
    settings = get_settings()
    for field, info in Settings.model_fields.items():
        if (default := as_text(info.default)) not in ("", MASK):
            assert values[field.upper()] == default
            assert getattr(settings, field) == info.default
