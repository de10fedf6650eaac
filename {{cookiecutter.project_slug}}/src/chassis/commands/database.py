"""The `db` commands; each returns the line to print.

Those that only ask do without Alembic, as a release waits for them.
"""

import sys

import click

from .. import project
from ..database import revisions


@click.group()
def db() -> None:
    """Bring the database to the revision that the code needs."""


@db.command()
def head() -> str:
    """Show the newest revisions that this version knows.

    They are those of chassis and project, as 0001+0003.
    """
    return revisions.head()


@db.command()
@click.argument("target", metavar="[REVISION]", default="head")
@click.option(
    "--keep", metavar="OLDER", help="Refuse to break running code that `db head` calls so."
)
def upgrade(target: str, keep: str | None) -> str:
    """Go forward to REVISION of the project, or to the newest one.

    The tables of the chassis become the newest, too. "0001+0003", as `head` shows it, names
    revisions of both.
    """
    from ..database import migrate

    before = revisions.current()
    if keep:
        revisions.keep_running(keep)
    migrate.upgrade(target)
    return _moved(before)


@db.command(context_settings={"ignore_unknown_options": True})  # -1 is a revision
@click.argument("target", metavar="REVISION")
@click.confirmation_option(prompt="Newer tables and columns are deleted with their data. Go on?")
def downgrade(target: str) -> str:
    """Go back to REVISION of the project, or "-1" for one step.

    "base" is before all tables; "0001+0003", as `current` shows it, names revisions of both.
    """
    from ..database import migrate

    before = revisions.current()
    migrate.downgrade(target)
    return _moved(before)


def _moved(before: str) -> str:
    after = revisions.current()
    if before != after:
        return f"The database went from revision {before} to {after}."
    fits = ", which fits" if revisions.status() == "newer" else ""
    return f"The database stays at revision {after}{fits}."


@db.command("current")
def show_current() -> None:
    """Show the revision of the database.

    Exit code 1 if the code cannot work with it.
    """
    text, fits = current()
    click.echo(text)
    sys.exit(0 if fits else 1)


def current() -> tuple[str, bool]:
    """Return where the database is, and whether that is where it should be."""
    status = revisions.status()
    return f"{revisions.current()} ({status})", status in revisions.FITTING


@db.command()
@click.argument("message")
@click.option("--chassis", "for_chassis", is_flag=True, hidden=True)  # who develops the template
def revision(message: str, for_chassis: bool) -> str:
    """Write a migration for what has changed in the models."""
    from ..database import migrate

    path = migrate.create(message, for_chassis=for_chassis)
    upgrade = f"{project.current().command_line} db upgrade"
    return f"Read and correct it, then run `make format` and `{upgrade}`: {path}"


@db.command()
def rotate_keys() -> str:
    """Encrypt all encrypted columns with the newest key.

    It is the first of DATA_ENCRYPTION_KEYS.
    """
    from ..database import encryption

    count = encryption.rotate()
    return f"{count} values are encrypted with the newest key; the older keys are not needed here."
