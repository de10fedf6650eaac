"""The `backup` commands; each returns the lines to print."""

from typing import Final

import click

from .. import project
from ..backup import BackupError, jobs, places
from ..backup.manifest import Manifest
from ..backup.state import Place
from .table import columns

TITLES: Final = ("NAME", "CREATED (UTC)", "SIZE", "WHERE", "VERIFIED")
ALLOW_PLAIN: Final = click.option(
    "--allow-plain",
    is_flag=True,
    help="Take one that is not encrypted, though BACKUP_ENCRYPTION_KEY is set.",
)


@click.group()
def backup() -> None:
    """Save database and uploaded files, and get them back."""


@backup.command()
def create() -> str:
    """Make a backup in BACKUP_DIR, and copy it to BACKUP_S3_URL."""
    made = jobs.create()
    return f"{made.path}: {made.rows} rows, {made.uploads} uploaded files, {_size(made.size)}"


@backup.command("list")
def list_backups() -> str | None:
    """Show all backups, the newest first.

    Those in the bucket follow when it answers.
    """
    click.echo(columns([TITLES, *(_row(entry, "here") for entry in jobs.entries("here"))]))
    try:
        there = [_row(entry, "s3") for entry in jobs.entries("s3")]
    except BackupError as error:  # a reason more to know what is here
        return str(error)
    return columns([TITLES, *there]).partition("\n")[2] if there else None


@backup.command()
@click.argument("name", required=False)
@ALLOW_PLAIN
def verify(name: str | None, allow_plain: bool) -> str:
    """Restore NAME, or the newest backup, and compare.

    It goes into a scratch database; the data of the app stays as it is.
    """
    checked, manifest = jobs.verify(name, allow_plain=allow_plain)
    return f"{checked} is good: {_summary(manifest)}"


@backup.command()
@click.argument("name")
@ALLOW_PLAIN
@click.confirmation_option(prompt="The data of today is replaced by that of the backup. Go on?")
def restore(name: str, allow_plain: bool) -> str:
    """Replace all data by that of a backup.

    NAME is one of `list`, or a file (./NAME). What is there before gets a backup of its own. The
    app must be stopped.
    """
    done = jobs.restore(name, allow_plain=allow_plain)
    lines = [
        f"restored {_summary(done.manifest)}, as of {done.manifest.created_at:%Y-%m-%d %X} UTC"
    ]
    if done.safety:
        lines.append(f"what was there before: {done.safety}")
    lines += [f"could not be read, and was set aside: {path}" for path in done.aside]
    if done.needs_upgrade:
        lines.append(f"now run `{project.current().command_line} db upgrade`")
    return "\n".join(lines)


@backup.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
def prune(dry_run: bool) -> None:
    """Delete what is older than BACKUP_KEEP_DAYS.

    The newest backups, and the newest that are proven good, stay however old they are.
    """
    for place in places.named():
        found = jobs.prune(place, dry_run=dry_run)
        for old in found:
            if old.kept:
                click.echo(f"kept {old.name} ({place}): {old.kept}")
            else:
                click.echo(f"{'would delete' if dry_run else 'deleted'} {old.name} ({place})")
        if not found:
            click.echo(f"no backup is old enough to delete ({place})")


def _row(entry: jobs.Entry, place: Place) -> tuple[str, ...]:
    verdict = "ignored: its name is from the future" if entry.is_ignored else str(entry.verdict)
    created = f"{entry.created_at:%Y-%m-%d %H:%M}"
    return entry.name, created, _size(entry.size), place, verdict


def _summary(manifest: Manifest) -> str:
    count = len(manifest.sha256) - 1
    rows = sum(manifest.rows.values())
    return f"{rows} rows, {count} uploaded files, revision {manifest.revision}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
