"""The `db` commands; each returns the line to print."""

import sys

import click

from ..database import encryption, revisions


@click.group()
def db() -> None:
    """Bring the database to the revision that the code needs."""


@db.command()
def head() -> str:
    """Show the newest revision that this version of the app knows."""
    return revisions.head()


@db.command()
@click.argument("target", metavar="[REVISION]", default="head")
@click.option(
    "--keep", metavar="OLDER", help="Refuse to break running code that `db head` calls so."
)
def upgrade(target: str, keep: str | None) -> str:
    """Go forward to REVISION, or to the newest one."""
    before = revisions.current()
    if keep:
        revisions.keep_running(keep)
    if target == "head" and revisions.status() == "newer":
        return f"The database stays at revision {before}, which fits."
    revisions.upgrade(target)
    return _moved(before)


@db.command(context_settings={"ignore_unknown_options": True})  # -1 is a revision
@click.argument("target", metavar="REVISION")
@click.confirmation_option(prompt="Newer tables and columns are deleted with their data. Go on?")
def downgrade(target: str) -> str:
    """Go back to REVISION; "base" is before the first one."""
    before = revisions.current()
    revisions.downgrade(target)
    return _moved(before)


def _moved(before: str | None) -> str:
    after = revisions.current()
    if before == after:
        return f"The database stays at revision {after or 'base'}."
    return f"The database went from revision {before or 'base'} to {after or 'base'}."


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
    return f"{revisions.current() or 'base'} ({status})", status in revisions.FITTING


@db.command()
@click.argument("message")
def revision(message: str) -> str:
    """Write a migration for what has changed in the models."""
    path = revisions.create(message)
    return f"Read and correct it, then run `make format` and `db upgrade`: {path}"


@db.command()
def rotate_keys() -> str:
    """Encrypt all encrypted columns with the newest key.

    It is the first of DATA_ENCRYPTION_KEYS.
    """
    count = encryption.rotate()
    return f"{count} values are encrypted with the newest key; the older keys are not needed here."
