"""Backups that can be restored: docs/backups.md tells how they are made."""

from ..errors import ExplainedError


class BackupError(ExplainedError):
    """A backup cannot be made, checked or restored; one line that says why.

    That says nothing about the backup itself: the key, the database or the disk may be at fault.
    """


class DamageError(BackupError):
    """What was read is not what was written."""
