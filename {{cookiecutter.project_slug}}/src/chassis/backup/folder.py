"""BACKUP_DIR: the archives with their names, the state, and one command at a time.

An archive gets its name when it is complete and on the disk. What a killed command left behind has
another name, counts as nothing, and is deleted by the next one.
"""

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from .. import project
from . import BackupError
from .state import State

UNFINISHED: Final = ".unfinished-"
WAIT_SECONDS: Final = 600
AHEAD: Final = timedelta(minutes=10)  # clocks of two machines may differ


@dataclass(frozen=True)
class Folder:
    """The folder of the backups."""

    path: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait for other backup commands, and tidy up behind those that were killed."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        text = f"another backup command has been running for {WAIT_SECONDS} s"
                        raise BackupError(text) from None
                    time.sleep(0.2)
            for left in self.path.glob(f"{UNFINISHED}*"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """Yield an empty folder that is deleted at the end."""
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=self.path) as name:
            yield Path(name)

    def names(self) -> list[str]:
        """Return the names of the archives, the newest first."""
        if not self.path.is_dir():
            return []
        return sorted_names(entry.name for entry in self.path.iterdir())

    def take(self, complete: Path, name: str) -> None:
        """Give a complete archive, which is on the disk, its name."""
        complete.chmod(0o600)
        complete.rename(self.path / name)
        self._sync()

    def state(self) -> State:
        """Return the state; that of a new folder if it cannot be read."""
        try:
            return State.model_validate_json((self.path / "state.json").read_bytes())
        except (OSError, ValidationError):
            return State()

    def save(self, state: State) -> None:
        """Replace the state; what has not changed needs no room on a full disk."""
        if state == self.state():
            return
        new = self.path / f"{UNFINISHED}state"
        new.write_text(state.model_dump_json(indent=1), encoding="utf-8")
        new.rename(self.path / "state.json")
        self._sync()

    def _sync(self) -> None:
        """Make renames last when the power fails."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def new_name(now: datetime, *, encrypted: bool) -> str:
    """Return the name of an archive that is made now."""
    text = now.astimezone(UTC).isoformat(timespec="milliseconds")
    digits = text.removesuffix("+00:00").replace("-", "").replace(":", "")
    return f"{project.current().package}-{digits}Z.tar.gz{'.enc' if encrypted else ''}"


def created_at(name: str) -> datetime:
    """Return when the archive of this name was made."""
    match = _match(name)
    if match is None:
        raise ValueError(name)
    return datetime.strptime(f"{match[1]}+0000", "%Y%m%dT%H%M%S.%f%z")


def is_from_the_future(name: str) -> bool:
    """Whether the clock was wrong when this archive was made, or is wrong now."""
    return created_at(name) > datetime.now(UTC) + AHEAD


def sorted_names(names: Iterable[str]) -> list[str]:
    """Return those that name an archive of this app, the newest first."""
    return sorted(filter(_match, names), reverse=True)


def past(names: Iterable[str]) -> list[str]:
    """Return the names without those from the future, which would be the newest for years."""
    return [name for name in names if not is_from_the_future(name)]


def _match(name: str) -> re.Match[str] | None:
    app = re.escape(project.current().package)
    return re.fullmatch(app + r"-(\d{8}T\d{6}\.\d{3})Z\.tar\.gz(\.enc)?", name)
