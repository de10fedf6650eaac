"""What production wants of the places where the data is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url

from .. import project
from ..backup.folder import AHEAD, Folder
from ..database.tables import utc_now
from ..settings import get_settings
from . import OK, Result
from .exposure import LOCAL

# The timers make one each day and prove one each week; each may fail once.
MADE_WITHIN: Final = timedelta(days=2, hours=12)
PROVEN_WITHIN: Final = timedelta(days=15)


def kind() -> Result:
    """The database serves several processes."""
    if not _is_sqlite(_url()):
        return OK
    return Result("warn", "DATABASE_URL is a file: several processes or machines need PostgreSQL")


def path() -> Result:
    """The file of the database outlives a release."""
    url = _url()
    if not _is_sqlite(url) or not Path(url.database or "").is_relative_to(project.current().root):
        return OK
    return Result(
        "warn",
        "DATABASE_URL is a file in the folder of the project: a release in a new folder would start"
        " without the data",
    )


def tls() -> Result:
    """Nobody listens on the way to the database."""
    url = _url()
    is_local = _is_sqlite(url) or (url.host or "localhost") in LOCAL
    if is_local or str(url.query.get("sslmode", "")).startswith("verify-"):
        return OK
    return Result(
        "warn",
        f"DATABASE_URL: add ?sslmode=verify-full, or others can listen on the way to {url.host}",
    )


def backups() -> Result:
    """There are copies elsewhere, which only we can read."""
    settings = get_settings()
    if settings.backup_s3_url is None:
        return Result(
            "warn", "BACKUP_S3_URL is empty: backups on the disk of the data are lost with it"
        )
    if settings.backup_encryption_key is None:
        return Result(
            "warn", "BACKUP_ENCRYPTION_KEY is not set: anyone who reads the bucket reads all data"
        )
    return OK


def last_backup() -> Result:
    """Backups go on being made, and one was proven good not long ago."""
    if get_settings().is_development:
        return Result("pass", "development needs none")
    command = f"{project.current().command_line} backup"
    state = Folder(get_settings().backup_dir).state()
    made, proven = (_age(when) for when in (state.last_success, state.last_verified))
    if made is None:
        return Result("warn", "no backup has been made yet", f"{command} create")
    if made > MADE_WITHIN:
        return Result("fail", f"the last backup was made {made.days} days ago", f"{command} create")
    if proven is None:
        return Result("warn", "no backup has been proven good yet", f"{command} verify")
    if proven > PROVEN_WITHIN:
        detail = f"no backup has been proven good for {proven.days} days"
        return Result("fail", detail, f"{command} verify")
    return Result("pass", f"made {made.days} days ago, proven good {proven.days} days ago")


def _age(when: float) -> timedelta | None:
    """Return how long ago that was; None for never, and for what a wrong clock has noted."""
    age = utc_now() - datetime.fromtimestamp(when, UTC)
    return age if when and age > -AHEAD else None


def _url() -> URL:
    return make_url(get_settings().database_url.get_secret_value())


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
