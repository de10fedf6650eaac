"""What people read about the settings is made from the settings."""

import re
from io import StringIO
from pathlib import Path

from chassis.commands import reference
from chassis.settings import MASK, as_text, default_of, get_settings, names, settings_class
from dotenv import dotenv_values


def test_every_line_can_be_used_as_it_is(empty_project: Path) -> None:
    example = reference.env_example()
    uncommented = re.sub("^# (?=[A-Z0-9_]+=)", "", example, flags=re.MULTILINE)
    values = dotenv_values(stream=StringIO(uncommented), interpolate=False)
    assert tuple(values) == names()
    (empty_project / ".env").write_text(uncommented, encoding="utf-8")
    settings = get_settings()
    for field, info in settings_class().model_fields.items():
        if (default := as_text(default_of(info))) not in ("", MASK):
            assert values[field.upper()] == default
            assert getattr(settings, field) == default_of(info)
