"""The verbs and options, and what each of them starts."""

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator

from names import NAME

from . import __doc__ as description
from . import app, steps
from .building import prepare
from .colours import serving_release
from .draining import drain
from .installing import install
from .places import LOCK, PROGRAM, STATE
from .status import status
from .steps import StepError, failing_as_a_step
from .strangers import refuse_strangers
from .switching import Wishes, release, roll_back
from .uninstalling import uninstall


def main() -> None:
    """Do what the command line says."""
    words = sys.argv[1:]
    # What follows `run` is for the app.
    arguments = parser().parse_args(words[: 1 if words[:1] == ["run"] else None])
    steps.dry_run = getattr(arguments, "dry_run", False)
    if os.geteuid() != 0:
        sys.exit("this needs root")
    os.umask(0o022)
    try:
        with failing_as_a_step():
            do_verb(arguments)
    except StepError as error:
        sys.exit(f"failed: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again")


def do_verb(arguments: argparse.Namespace) -> None:
    """Do one verb; only one that changes something at a time."""
    if arguments.verb == "status":
        status()
    elif arguments.verb == "drain":
        drain(arguments.drain_limit)
    elif arguments.verb == "run":
        serves = serving_release()
        if serves is None:
            raise StepError("nothing serves yet: run install first")
        app.become(serves, *sys.argv[2:])
    else:
        with alone():
            refuse_strangers()
            change(arguments)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the lock; it ends with the process, however that ends."""
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StepError(
                "another install, release or rollback is at work; wait for it"
            ) from None
        yield


def change(arguments: argparse.Namespace) -> None:
    """Do a verb that changes the server."""
    match arguments.verb:
        case "install":
            install(arguments.keep)
        case "prepare":
            print(prepare(arguments.what).name)
        case "release":
            release(arguments.what, wishes(arguments))
        case "rollback":
            roll_back(wishes(arguments))
        case "uninstall":
            sure = arguments.yes or arguments.dry_run or not arguments.delete_data
            if not sure and typed(f"This deletes {STATE} and its backups. Type {NAME}: ") != NAME:
                raise StepError("nothing was deleted; --yes does not ask")
            uninstall(delete_data=arguments.delete_data)


def wishes(arguments: argparse.Namespace) -> Wishes:
    """Return what the options of release and rollback say."""
    return Wishes(
        drain_limit=arguments.drain_limit,
        keep=arguments.keep,
        cut=arguments.cut,
        break_running=arguments.break_running,
        wait=arguments.wait,
    )


def typed(question: str) -> str:
    """Return what somebody answers; "" where nobody is there."""
    with contextlib.suppress(EOFError):
        return input(question)
    return ""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument("--dry-run", action="store_true", help="print the steps, change nothing")
    kept = argparse.ArgumentParser(add_help=False)
    kept.add_argument("--keep", type=natural, default=5, metavar="N", help="releases to keep (5)")
    limit = argparse.ArgumentParser(add_help=False)
    limit.add_argument(
        "--drain-limit",
        type=natural,
        default=1800,
        metavar="SECONDS",
        help="how long people may stay on the old release (1800)",
    )
    switch = argparse.ArgumentParser(add_help=False, parents=[every, kept, limit])
    switch.add_argument(
        "--wait", action="store_true", help="return when the old release has stopped"
    )
    switch.add_argument(
        "--cut", action="store_true", help="end sessions of a release before the last"
    )
    switch.add_argument(
        "--break-running",
        action="store_true",
        help="migrate although the running release cannot work with the new tables",
    )
    top = argparse.ArgumentParser(
        prog=PROGRAM.name, description=(description or "").partition("\n\n")[0]
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("install", parents=[every, kept], help="set up this server; can be run again")
    one = verbs.add_parser("release", parents=[switch], help="let a version serve new visitors")
    one.add_argument(
        "what",
        nargs="?",
        metavar="VERSION_OR_PATH",
        help="a release, a folder or a tar archive; without it what serves is started again",
    )
    verbs.add_parser("rollback", parents=[switch], help="release the version before again")
    one = verbs.add_parser("prepare", parents=[every], help="build a release, touch nothing else")
    one.add_argument("what", metavar="PATH", help="a folder or a tar archive")
    verbs.add_parser("status", help="show releases, instances and open sessions")
    verbs.add_parser("run", help="run a command of the app, such as: users list")
    one = verbs.add_parser("uninstall", parents=[every], help="take everything away but the data")
    one.add_argument("--delete-data", action="store_true", help="also data, settings and secrets")
    one.add_argument("--yes", action="store_true", help="do not ask")
    verbs.add_parser("drain", parents=[limit])  # what a release leaves running
    return top


def natural(text: str) -> int:
    """Return a number of the command line that must not be negative."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number
