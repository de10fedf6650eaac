"""Which backups may be deleted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from .folder import created_at


def expired(
    names: Sequence[str],
    verified: Mapping[str, bool],
    now: datetime,
    *,
    keep: timedelta,
    keep_count: int,
) -> list[str]:
    """Return the archives, of which the newest comes first, that are older than `keep`.

    Never among them: the newest `keep_count` of which none is known to be bad, and the newest one
    that is known to be good.
    """
    hopeful = [name for name in names if verified.get(name, True)]
    good = [name for name in names if verified.get(name, False)]
    kept = {*hopeful[:keep_count], *good[:1]}
    return [name for name in names if name not in kept and now - created_at(name) > keep]
