"""The `check` command: every setting with its source, what is wrong, what production needs."""

import sys

import click

from ..checks import Status, tagged
from ..i18n import without_catalogue
from ..settings import Settings, SettingsError, get_settings, sources, unknown
from ..template.manifest import edited_files


@click.command()
@click.option("--deploy", is_flag=True, help="List what must change before production.")
def check(deploy: bool) -> None:
    """Show every setting with its source, and what is wrong.

    Exit code 1 if something is wrong or, with --deploy, must change.
    """
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = get_settings()
    except SettingsError as error:
        problems = str(error).splitlines()
    try:
        _print_table(settings)
        warnings = [line for line in unknown() if line not in problems]
    except SettingsError:  # a file that cannot be read: already among the problems
        warnings = []
    warnings += [f"{name}: an update overwrites that" for name in edited_files()]
    warnings += without_catalogue()
    _print_list("Wrong", problems)
    _print_list("Warnings", warnings)
    if settings is None:
        sys.exit(1)
    if deploy:
        sys.exit(_print_findings())
    click.echo("\nThe settings are valid.")


def _print_findings() -> int:
    """Print what is to change before production; return the exit code."""
    found = findings()
    _print_list("To change before production", found["fail"])
    _print_list("To consider", found["warn"])
    if found["fail"]:
        return 1
    click.echo("\nThe settings are fit for production.")
    return 0


def findings() -> dict[Status, list[str]]:
    """Return one line for each thing that production wants otherwise, by status."""
    found: dict[Status, list[str]] = {"pass": [], "warn": [], "fail": []}
    for one in tagged("deploy"):
        if result := one.run():
            line = f"{result.detail}: {result.remedy}" if result.remedy else result.detail
            found[result.status].append(line)
    return found


def _print_table(settings: Settings | None) -> None:
    rows = sources(settings)
    names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, value, source in rows:
        click.echo(f"{name:<{names}}  {value:<{min(values, 44)}}  {source}")


def _print_list(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{title}:")
    for line in lines:
        click.echo(f"  {line}")
