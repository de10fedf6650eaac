"""UPLOADS_DIR is replaced as a whole, by renaming."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def prepared(uploads: Path, restored: Path) -> Iterator[Path]:
    """Bring the restored files, which may lie on another disk, beside the folder of the uploads."""
    new = _beside(uploads, "restored")
    uploads.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.rmtree(new, ignore_errors=True)
    restored.mkdir(exist_ok=True)  # without any uploads there is no folder in the archive
    try:
        shutil.move(restored, new)
        os.sync()  # before the database is replaced, which lasts at once
        yield new
    finally:
        shutil.rmtree(new, ignore_errors=True)


def replace(uploads: Path, new: Path) -> None:
    """Put the prepared folder in its place."""
    old = _beside(uploads, "replaced")
    if uploads.exists():
        uploads.rename(old)
    new.rename(uploads)
    shutil.rmtree(old, ignore_errors=True)


def recover(uploads: Path) -> None:
    """Finish what a killed `replace` began."""
    old = _beside(uploads, "replaced")
    if old.exists() and not uploads.exists():
        old.rename(uploads)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(_beside(uploads, "restored"), ignore_errors=True)


def _beside(uploads: Path, purpose: str) -> Path:
    return uploads.with_name(f".{uploads.name}.{purpose}")
