"""What production wants of the places where the data is."""

from pathlib import Path

from sqlalchemy import URL, make_url

from .. import project
from ..settings import get_settings
from . import OK, Result
from .exposure import LOCAL


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
            "warn", "BACKUP_ENCRYPTION_KEY is not set: whoever reads the bucket reads all data"
        )
    return OK


def _url() -> URL:
    return make_url(get_settings().database_url.get_secret_value())


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
