"""The `db` commands; each returns the line to print, or raises an error of one line."""

from ..database import encryption, revisions


def upgrade(target: str, keep: str | None) -> str:
    """Bring the database to a newer revision; `keep` is the head of code that must still fit."""
    before = revisions.current()
    if keep:
        revisions.keep_running(keep)
    if target == "head" and revisions.status() == "newer":
        return f"The database stays at revision {before}, which fits."
    revisions.upgrade(target)
    return _moved(before)


def downgrade(target: str) -> str:
    """Bring the database back to an older revision."""
    before = revisions.current()
    revisions.downgrade(target)
    return _moved(before)


def _moved(before: str | None) -> str:
    after = revisions.current()
    if before == after:
        return f"The database stays at revision {after or 'base'}."
    return f"The database went from revision {before or 'base'} to {after or 'base'}."


def current() -> tuple[str, bool]:
    """Return where the database is, and whether that is where it should be."""
    status = revisions.status()
    return f"{revisions.current() or 'base'} ({status})", status in revisions.FITTING


def revision(message: str) -> str:
    """Write a migration for what has changed in the models."""
    path = revisions.create(message)
    return f"Read and correct it, then run `make format` and `db upgrade`: {path}"


def rotate_keys() -> str:
    """Encrypt all encrypted columns anew."""
    count = encryption.rotate()
    return f"{count} values are encrypted with the newest key; the older keys are not needed here."
