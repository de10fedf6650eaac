"""A step is printed before it is taken; a dry run only prints it."""

import contextlib
import shutil
from collections.abc import Callable, Iterator

dry_run = False  # the command line says it


class StepError(Exception):
    """It cannot go on; one line that says why and what to do."""


@contextlib.contextmanager
def failing_as_a_step() -> Iterator[None]:
    """Raise StepError for what the system refuses, such as to write on a full disk."""
    try:
        yield
    except shutil.Error as error:  # it has an entry for each file
        _, _, reason = error.args[0][0]
        raise StepError(reason) from None
    except OSError as error:
        raise StepError(str(error)) from None


def do(text: str, action: Callable[..., object], *arguments: object) -> None:
    """Print a step, and take it unless this is a dry run."""
    print(f"would {text}" if dry_run else text, flush=True)
    if not dry_run:
        with failing_as_a_step():
            action(*arguments)
