"""The `doctor` command: examine machine and installation, and say what helps."""

import sys
from collections.abc import Iterator
from typing import Final

import click

from ..checks import Check, Result, tagged
from ..errors import ExplainedError

WORDS: Final = {"pass": "ok", "warn": "warn", "fail": "FAIL"}


@click.command()
def doctor() -> None:
    """Examine machine and installation, and say what helps.

    Exit code 1 if something fails.
    """
    failed = False
    for name, result in examine():
        failed |= result.status == "fail"
        click.echo(f"{WORDS[result.status]:<4}  {name:<11}  {result.detail}")
        if result.remedy:
            click.echo(f"{'':<19}fix: {result.remedy}")
    sys.exit(int(failed))


def examine() -> Iterator[tuple[str, Result]]:
    """Yield what each check has found, up to wrong settings: all that follow read them."""
    for check in tagged("doctor"):
        result = _answer(check)
        if result is None:
            continue
        yield check.name, result
        if check.name == "settings" and result.status == "fail":
            return


def _answer(check: Check) -> Result | None:
    try:
        return check.run()
    except ExplainedError as error:
        return Result("fail", str(error), error.remedy)
    except Exception as error:  # noqa: BLE001 - whatever a check of the project raises
        return Result("fail", f"{type(error).__name__}: {error}")
