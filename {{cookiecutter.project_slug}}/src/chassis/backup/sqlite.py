"""Copies of a SQLite database, made by SQLite itself: a copied file lacks what is in the WAL."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, NullPool

from ..database.engine import DatabaseUnavailable, clear_errors, new_engine
from . import BackupError, DamageError
from .contents import Contents, read_contents

WAIT_SECONDS: Final = 30  # for the writers of the app
DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
SIDE_FILES: Final = ("", "-wal", "-shm")


def dump(url: URL, target: Path) -> Contents:
    """Copy the database as it is at one moment, while others read and write; return what it has."""
    path = _path(url)
    if not path.exists():
        raise BackupError(f"there is no database to back up at {path}")
    with _errors(), _connect(path) as source, _connect(target, create=True) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without side files
    return contents(url.set(database=str(target)))


def load(url: URL, dumped: Path) -> None:
    """Replace the database, as a whole or not at all."""
    path = _path(url)
    if path.exists():
        # In one transaction of SQLite: side files, permissions and other readers stay right.
        with _errors(), _connect(dumped) as source, _connect(path) as target:
            source.backup(target)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.restored")
    new.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            with dumped.open("rb") as source_file:
                shutil.copyfileobj(source_file, file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    finally:
        new.unlink(missing_ok=True)


def contents(url: URL) -> Contents:
    """Return what is in a database that is whole."""
    with _errors(), _connect(_path(url)) as connection:
        [(result,), *_] = connection.execute("PRAGMA integrity_check").fetchall()
    if result != "ok":
        raise DamageError(f"the database is damaged: {result}")
    try:
        with clear_errors(), new_engine(url, poolclass=NullPool).connect() as reader:
            return read_contents(reader)
    except DatabaseUnavailable as error:
        raise BackupError(str(error)) from None


@contextmanager
def scratch(_url: URL, folder: Path) -> Iterator[URL]:
    """Yield the address of a database to try something with."""
    yield _url.set(database=str(folder / "scratch.db"))


def is_lost(url: URL) -> bool:
    """Whether there is no database, or none that could be read."""
    if not _path(url).exists():
        return True
    try:
        contents(url)
    except DamageError:
        return True
    return False


def set_aside(url: URL, suffix: str) -> list[Path]:
    """Rename what is left of a lost database; return the new names."""
    path = _path(url)
    moved = []
    for side in reversed(SIDE_FILES):
        old = path.with_name(path.name + side)
        if old.exists():
            moved.append(old.rename(path.with_name(f"{path.name}.{suffix}{side}")))
    return moved


def _path(url: URL) -> Path:
    return Path(url.database or "")


@contextmanager
def _connect(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    mode = "rwc" if create else "rw"
    address = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)) as connection:
        yield connection


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE
        raise (DamageError if damaged else BackupError)(f"SQLite: {error}") from None
