"""Which backups may be deleted, and why the other old ones stay."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from .folder import created_at


def expired(
    names: Sequence[str],
    proven: Mapping[str, bool],
    now: datetime,
    *,
    keep: timedelta,
    keep_count: int,
) -> dict[str, str]:
    """Return the archives older than `keep`, and why each is kept: "" for one that may go.

    The newest comes first in `names`. `proven` has those that were found to be good or bad.
    """
    good = [name for name in names if proven.get(name) is True]
    hopeful = [name for name in names if proven.get(name) is not False]
    # With nothing to hope for, better a damaged backup than none.
    newest = (hopeful or names)[:keep_count]
    reasons = {
        **dict.fromkeys(good[:keep_count], f"one of the newest {keep_count} that are proven good"),
        **dict.fromkeys(newest, f"one of the newest {keep_count}"),
    }
    return {name: reasons.get(name, "") for name in names if now - created_at(name) > keep}
