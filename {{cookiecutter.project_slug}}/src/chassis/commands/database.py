"""The `db` commands; each returns the line to print, or raises an error of one line.

Those that only ask do without Alembic, as a release waits for them.
"""

from ..database import revisions


def upgrade(target: str, keep: str | None) -> str:
    """Bring the database to newer revisions; `keep` is the head of code that must still fit."""
    from ..database import migrate

    before = revisions.current()
    if keep:
        revisions.keep_running(keep)
    migrate.upgrade(target)
    return _moved(before)


def downgrade(target: str) -> str:
    """Bring the database back to older revisions."""
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


def head() -> str:
    """Return the newest revisions of the code."""
    return revisions.head()


def current() -> tuple[str, bool]:
    """Return where the database is, and whether that is where it should be."""
    status = revisions.status()
    return f"{revisions.current()} ({status})", status in revisions.FITTING


def revision(message: str, *, for_chassis: bool) -> str:
    """Write a migration for what has changed in the models."""
    from ..database import migrate

    path = migrate.create(message, for_chassis=for_chassis)
    return f"Read and correct it, then run `make format` and `db upgrade`: {path}"


def rotate_keys() -> str:
    """Encrypt all encrypted columns again."""
    from ..database import encryption

    count = encryption.rotate()
    return f"{count} values are encrypted with the newest key; the older keys are not needed here."
