"""Backups that can be restored: docs/backups.md tells how they are made."""


class BackupError(Exception):
    """A backup cannot be made, checked or restored; one line that says why."""
