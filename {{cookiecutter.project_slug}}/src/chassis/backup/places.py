"""Where data and backups are, as the settings say."""

from pathlib import Path
from types import ModuleType
from typing import Final

from sqlalchemy import URL, make_url

from ..settings import get_settings
from . import postgresql, sqlite
from .folder import Folder
from .s3 import Bucket
from .state import Place

KINDS: Final = {"sqlite": sqlite, "postgresql": postgresql}


def database() -> tuple[URL, ModuleType]:
    """Return the address of the database, and the module that knows its kind."""
    url = make_url(get_settings().database_url.get_secret_value())
    return url, KINDS[url.get_backend_name()]


def folder() -> Folder:
    """Return BACKUP_DIR."""
    return Folder(get_settings().backup_dir)


def uploads() -> Path:
    """Return UPLOADS_DIR."""
    return get_settings().uploads_dir


def bucket() -> Bucket | None:
    """Return the bucket, if there is one."""
    url = get_settings().backup_s3_url
    return Bucket(url.get_secret_value()) if url else None


def named() -> tuple[Place, ...]:
    """Return the places that backups are in."""
    return ("here", "s3") if bucket() else ("here",)


def keys() -> str | None:
    """Return the keys that open encrypted backups, if there are any."""
    found = get_settings().backup_encryption_key
    return found.get_secret_value() if found else None
