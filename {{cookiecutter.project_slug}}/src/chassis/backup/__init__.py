"""Backups that can be restored: docs/backups.md tells how they are made."""

from ..errors import ExplainedError


class BackupError(ExplainedError):
    """A backup cannot be made, checked or restored; one line that says why."""
