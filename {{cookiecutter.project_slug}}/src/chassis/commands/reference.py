"""The settings for people, written from the settings: .env.example and docs/settings.md."""

from collections.abc import Iterable
from typing import Final

import click

from .. import project
from ..errors import ExplainedError
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
# Values stand as they are: ${NAME} is not expanded. Relative paths count from the folder of the
# project. Keep .env out of version control.
"""

DOCUMENT: Final = """\
# Settings

Written by `make reference`. `.env.example` has the same settings, ready to be copied; `check`
prints the value of each and where it comes from. The environment wins over secret files
(`NAME_FILE`, `/run/secrets/NAME`), these over `.env.<APP_ENV>`, and that over `.env`. Relative
paths count from the folder of the project, where these files are.

## Set first

On a laptop nothing has to be set. For production these come first, and `check --deploy` tells what
is missing.

{first}

## All

{all}
"""
# What one really sets for production, in this order.
FIRST: Final = (
    "app_env",
    "app_base_url",
    "app_secret_key",
    "database_url",
    "auth_backend",
    "trusted_proxies",
    "redis_url",
    "backup_s3_url",
)


class OutdatedError(ExplainedError):
    """A file is not what the settings say."""


@click.command()
@click.option("--check", is_flag=True, help="Only tell whether the files are up to date.")
def reference(check: bool) -> None:
    """Write .env.example and docs/settings.md."""
    for name, text in (".env.example", env_example()), ("docs/settings.md", document()):
        path = project.current().root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            raise OutdatedError(f"{name} is not what the settings say: make reference")
        path.write_text(text, encoding="utf-8", newline="\n")


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


def document() -> str:
    """Return docs/settings.md: the settings that come first, and all."""
    return DOCUMENT.format(first=_table(FIRST), all=_table(settings_class().model_fields))


def _table(fields: Iterable[str]) -> str:
    rows = ["| Variable | Default | |", "| --- | --- | --- |"]
    for field in fields:
        info = settings_class().model_fields[field]
        default = default_text(info)
        if default and " " not in default:  # a value, not a phrase
            default = f"`{default}`"
        rows.append(f"| `{field.upper()}` | {default} | {info.description} |")
    return "\n".join(rows)
