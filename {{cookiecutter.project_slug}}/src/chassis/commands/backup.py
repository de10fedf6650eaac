"""The `backup` commands; each returns the lines to print."""

import click

from .. import project
from ..backup import jobs
from ..backup.archive import Manifest
from .table import columns


@click.group()
def backup() -> None:
    """Save database and uploaded files, and get them back."""


@backup.command()
def create() -> str:
    """Make a backup in BACKUP_DIR, and copy it to BACKUP_S3_URL."""
    made = jobs.create()
    return f"{made.path}: {made.rows} rows, {made.uploads} uploaded files, {_size(made.size)}"


@backup.command("list")
def list_backups() -> str:
    """Show all backups, the newest first."""
    rows = [("NAME", "CREATED (UTC)", "SIZE", "WHERE", "VERIFIED")]
    verdicts = {True: "good", False: "BAD", None: "not yet"}
    entries, problem = jobs.entries()
    rows += [
        (
            entry.name,
            f"{entry.created_at:%Y-%m-%d %H:%M}",
            _size(entry.size),
            ", ".join(entry.places),
            verdicts[entry.verified],
        )
        for entry in entries
    ]
    return columns(rows) + (f"\n{problem}" if problem else "")


@backup.command()
@click.argument("name", required=False)
def verify(name: str | None) -> str:
    """Restore NAME, or the newest backup, and compare.

    It goes into a scratch database; the data of the app stays as it is.
    """
    checked, manifest = jobs.verify(name)
    return f"{checked} is good: {_summary(manifest)}"


@backup.command()
@click.argument("name")
@click.confirmation_option(prompt="The data of today is replaced by that of the backup. Go on?")
def restore(name: str) -> str:
    """Replace all data by that of a backup.

    NAME is one of `list`, or a file (./NAME). What is there before gets a backup of its own. The
    app must be stopped.
    """
    done = jobs.restore(name)
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
def prune(dry_run: bool) -> str:
    """Delete what is older than BACKUP_KEEP_DAYS.

    The newest backups and the last good one stay.
    """
    deleted = jobs.prune(dry_run=dry_run)
    if not deleted:
        return "no backup is old enough to delete"
    word = "would delete" if dry_run else "deleted"
    return "\n".join(f"{word} {name} ({place})" for place, name in deleted)


def _summary(manifest: Manifest) -> str:
    count = len(manifest.sha256) - 1
    rows = sum(manifest.rows.values())
    return f"{rows} rows, {count} uploaded files, revision {manifest.revision}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
