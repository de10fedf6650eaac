"""The settings for people: .env.example and the table of the README.

Run as a program, it prints one of them: python -m chassis.commands.reference env|markdown
"""

import sys
from typing import Final

from ..settings import (
    MASK,
    NEW_KEY_COMMANDS,
    as_text,
    default_of,
    default_text,
    example_of,
    settings_class,
)

HEADER: Final = """\
# Copy to .env and remove the "# " in front of what you set. The environment wins over secret files
# (NAME_FILE or /run/secrets/NAME), these over .env.<APP_ENV>, and that over .env.
# Values stand as they are: ${NAME} is not expanded. Keep .env out of version control.
"""


def env_example() -> str:
    """Return .env.example: every setting, commented out, with its default or an example."""
    return "\n".join([HEADER, *(_env_block(field) for field in settings_class().model_fields)])


def _env_block(field: str) -> str:
    info = settings_class().model_fields[field]
    lines = [str(info.description)]
    value = as_text(default_of(info))
    if value == MASK:  # a secret with a default that is none
        value = default_text(info)
    if command := NEW_KEY_COMMANDS.get(field.upper()):
        lines.append(f"Make one with: {command}")
    elif field == "app_name":
        value = f'"{value}"'  # may hold blanks, "#" and "'", but neither quote nor backslash
    elif not value:
        lines.append(f"Default: {default_text(info) or 'empty'}. Example:")
        value = example_of(field)
    return "".join(f"# {line}\n" for line in [*lines, f"{field.upper()}={value}"])


def markdown_table() -> str:
    """Return the table of settings for the README."""
    rows = ["| Variable | Default | |", "| --- | --- | --- |"]
    for field, info in settings_class().model_fields.items():
        default = default_text(info)
        if default and " " not in default:  # a value, not a phrase
            default = f"`{default}`"
        rows.append(f"| `{field.upper()}` | {default} | {info.description} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    documents = {"env": env_example, "markdown": markdown_table}
    if sys.argv[1:] not in [["env"], ["markdown"]]:
        sys.exit("usage: python -m chassis.commands.reference env|markdown")
    sys.stdout.buffer.write(documents[sys.argv[1]]().encode("utf-8"))
