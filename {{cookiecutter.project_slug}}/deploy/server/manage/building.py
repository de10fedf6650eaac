"""Make releases out of folders and archives, and delete old ones."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from names import NAME, PACKAGE

from . import environment
from .colours import release_of
from .commands import run
from .files import remove, write
from .places import RELEASES
from .steps import StepError, do

COMPLETE = ".complete"  # the last thing that is written into a release
NEEDED = (
    "requirements.txt",
    "streamlit_app.py",
    "src/chassis/__init__.py",
    f"src/{PACKAGE}/__init__.py",
)
# What a developer's folder has besides the project.
LEFT_OUT = {".env", ".git", ".venv", "build", "data"}


def complete_releases() -> list[Path]:
    """Return the releases that are there, the newest first."""
    found = [path.parent for path in RELEASES.glob(f"*/{COMPLETE}")]
    return sorted(found, key=lambda path: (path / COMPLETE).stat().st_mtime, reverse=True)


def prepare(what: str) -> Path:
    """Return the folder of a release: one that is there, or one made of a folder or an archive."""
    release = RELEASES / what
    if "/" not in what and (release / COMPLETE).exists():
        return release
    source = Path(what).resolve()
    if source.is_file():
        with tempfile.TemporaryDirectory() as folder:
            unpack(source, folder)
            inside = list(Path(folder).iterdir())
            return build(inside[0] if len(inside) == 1 else Path(folder))
    if not source.is_dir():
        known = ", ".join(path.name for path in complete_releases()) or "none yet"
        raise StepError(f"{what} is neither a folder, nor an archive, nor a release ({known})")
    return build(source)


def unpack(archive: Path, folder: str) -> None:
    """Unpack an archive; one that was cut off on its way is refused."""
    command = ("tar", "--extract", "--no-same-owner", "--file", archive, "--directory", folder)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason, _, _ = done.stderr.partition("\n")  # what follows from it is told behind it
        raise StepError(f"{archive} is no whole archive: {reason}")
    # Between two files tar takes the end of the file for that of the archive, which is 1024 zeros.
    # Compressed ones have a checksum.
    with archive.open("rb") as file:
        is_plain = file.read(262).endswith(b"ustar")
        file.seek(max(0, archive.stat().st_size - 1024))
        if is_plain and any(file.read()):
            raise StepError(f"{archive} is no whole archive: its end is missing")


def build(source: Path) -> Path:
    """Make a release of a project's folder; equal files are the same release."""
    for needed in NEEDED:
        if not (source / needed).is_file():
            raise StepError(f"{source} is not a folder of {NAME}: it has no {needed}")
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder, "project")
        shutil.copytree(source, clean, ignore=left_out(source), symlinks=True)
        release = RELEASES / release_name(clean)
        if (release / COMPLETE).exists():
            print(f"{release} is there", flush=True)
        else:
            do(f"build {release}", fill, release, clean)
    return release


def left_out(source: Path) -> Callable[[str, list[str]], set[str]]:
    """Return what copytree asks: which names of a folder are not part of a release."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        found = {name for name in names if name.endswith(("__pycache__", "_cache"))}
        return found | LEFT_OUT.intersection(names) if Path(folder) == source else found

    return ignored


def release_name(project: Path) -> str:
    """Return the version with a hash of all files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        executable = bool(path.stat().st_mode & 0o100)
        digest.update(f"{path.relative_to(project)}\0{executable}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    text = (project / "src" / PACKAGE / "__init__.py").read_text("utf-8")
    found = re.search(r"""__version__ = ["']([\w.+-]+)["']""", text)
    return f"{found[1] if found else '0'}-{digest.hexdigest()[:8]}"


def fill(release: Path, project: Path) -> None:
    """Write the files and the environment of a release; what an interrupted run left goes first."""
    remove(release)
    shutil.copytree(project, release, symlinks=True)
    for path in [release, *release.rglob("*")]:
        if not path.is_symlink():  # whatever the developer's umask was
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    key = environment.key(release)
    twins = (twin for twin in complete_releases() if (twin / COMPLETE).read_text("utf-8") == key)
    environment.make(release, next(twins, None))
    run(release / ".venv/bin/python", "-m", "compileall", "-q", release / "src")
    write(release / COMPLETE, key.encode())


def prune(keep: int) -> None:
    """Delete releases beyond the newest `keep`, and never one that is in use."""
    used = {release_of(place) for place in ("blue", "green", "previous")}
    complete = complete_releases()
    for release in sorted(RELEASES.iterdir()):
        if release not in used and release not in complete[:keep]:
            do(f"delete {release}", remove, release)
