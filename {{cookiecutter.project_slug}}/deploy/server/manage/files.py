"""Change files so that nobody ever sees half of a change."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file as a whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(mode)
    part.replace(path)


def link(path: Path, target: str) -> None:
    """Let a link point somewhere else, without a moment in which there is none."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(path)


def make_folder(path: Path, mode: int) -> None:
    """Make a folder and those around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode)


def remove(path: Path) -> None:
    """Delete a file or a folder that may be gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def changed(files: Mapping[Path, bytes]) -> bool:
    """Tell whether a file is not as it should be."""
    return any(not path.exists() or path.read_bytes() != text for path, text in files.items())


def put(files: Mapping[Path, bytes]) -> None:
    """Write files."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, content)
