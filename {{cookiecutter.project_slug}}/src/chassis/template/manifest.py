"""The files of the chassis as the template has them, and which of them were edited; offline."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]
# By the path in a project; an image has only the first, and not below a folder src.
FOLDERS: Final = {
    "src/chassis": _PACKAGE,
    "tests/chassis": _PACKAGE.parents[1] / "tests/chassis",
}
TESTING: Final = _PACKAGE / "testing"
# In the format of sha256sum.
FILE: Final = _PACKAGE / "MANIFEST"
NAME: Final = "src/chassis/MANIFEST"


def edited_files() -> list[str]:
    """List the files that are not as the template has them, each with what has happened to it."""
    return [f"{name} ({what})" for name, what in differences().items()]


def differences() -> dict[str, str]:
    """Return what has happened to each such file: "edited", "missing" or "added".

    The tests, and what only they use, may be absent as a whole: an image has neither.
    """
    if not FILE.is_file():
        return {NAME: "missing, so edits cannot be seen"}
    present = tuple(f"{name}/" for name, folder in FOLDERS.items() if folder.is_dir())
    absent = () if TESTING.is_dir() else (f"src/chassis/{TESTING.name}/",)
    listed = {
        name: digest
        for name, digest in _listed().items()
        if name.startswith(present) and not name.startswith(absent)
    }
    found = hashes()
    what = dict.fromkeys(found.keys() - listed.keys(), "added")
    what |= dict.fromkeys(listed.keys() - found.keys(), "missing")
    what |= {name: "edited" for name in found.keys() & listed.keys() if found[name] != listed[name]}
    return dict(sorted(what.items()))


def hashes() -> dict[str, str]:
    """Return the SHA-256 of every file of the chassis that is here, except the manifest."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(_files())
        if name != NAME
    }


def _listed() -> dict[str, str]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _blanks, name in (line.partition("  ") for line in lines)}


def _files() -> Iterator[tuple[str, Path]]:
    """Yield each file with its name in a project; caches, and what tools hide, are left out."""
    for name, top in FOLDERS.items():
        for folder, folders, files in os.walk(top):
            folders[:] = [each for each in folders if not _is_cache(each)]
            for path in (Path(folder, file) for file in files if not _is_cache(file)):
                yield f"{name}/{path.relative_to(top).as_posix()}", path


def _is_cache(name: str) -> bool:
    return name == "__pycache__" or name.startswith(".")
