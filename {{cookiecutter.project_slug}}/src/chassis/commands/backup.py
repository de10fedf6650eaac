"""The `backup` commands; each returns the lines to print, or raises an error of one line."""

from .. import project
from ..backup import jobs
from ..backup.archive import Manifest
from .table import columns


def create() -> str:
    """Make a backup."""
    made = jobs.create()
    return f"{made.path}: {made.rows} rows, {made.uploads} uploaded files, {_size(made.size)}"


def table() -> str:
    """Return all backups, one line each."""
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


def verify(name: str | None) -> str:
    """Check a backup by restoring it into a scratch database."""
    checked, manifest = jobs.verify(name)
    return f"{checked} is good: {_summary(manifest)}"


def restore(name: str) -> str:
    """Replace the data by that of a backup."""
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


def prune(*, dry_run: bool) -> str:
    """Delete old backups."""
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
