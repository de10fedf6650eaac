"""Copies of a SQLite database, made by SQLite itself: a copied file lacks what is in the WAL."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import URL, NullPool

from ..database.engine import new_engine
from . import BackupError
from .contents import Contents, read_contents

WAIT_SECONDS: Final = 30  # for the writers of the app
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
        raise BackupError(f"the database is damaged: {result}")
    engine = new_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return read_contents(connection)


@contextmanager
def scratch(_url: URL, folder: Path) -> Iterator[URL]:
    """Yield the address of a database to try something with."""
    yield _url.set(database=str(folder / "scratch.db"))


def is_lost(url: URL) -> bool:
    """Whether there is no database that could be read."""
    try:
        contents(url)
    except BackupError:
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


def users(url: URL) -> list[str]:
    """Name the other processes that have the database open."""
    path = str(_path(url).resolve())
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and path in {file.path for file in process.open_files()}:
                found.append(f"process {process.pid}")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


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
        raise BackupError(f"SQLite: {error}") from None
