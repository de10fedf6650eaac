"""The Python environment of a release."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from names import NAME, PACKAGE

from .commands import run
from .files import remove, write

LIBRARIES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def key(release: Path) -> str:
    """Return what an environment depends on: the lock and the Python."""
    lock = (release / "requirements.txt").read_bytes()
    return hashlib.sha256(lock + sys.version.encode()).hexdigest()


def make(release: Path, twin: Path | None) -> None:
    """Install exactly what the lock says, or link what a release of the same lock has."""
    environment = release / ".venv"
    if twin:
        run(sys.executable, "-m", "venv", "--without-pip", environment)
        remove(environment / LIBRARIES)
        # Nothing ever writes to these files, and they vanish with their last release.
        shutil.copytree(twin / ".venv" / LIBRARIES, environment / LIBRARIES, copy_function=os.link)
    else:
        run(sys.executable, "-m", "venv", environment)
        pip = (environment / "bin/python", "-m", "pip", "--disable-pip-version-check")
        lock = release / "requirements.txt"
        run(*pip, "install", "--quiet", "--no-deps", "--require-hashes", "--requirement", lock)
    # Not installed but named: building a package would fetch tools that no lock holds.
    path_file = environment / LIBRARIES / f"{PACKAGE}.pth"
    path_file.unlink(missing_ok=True)  # may be a link to the file of another release
    path_file.write_text(f"{release}/src\n", "utf-8")
    command = f"#!{environment}/bin/python\nfrom {PACKAGE}.app import main\n\nmain()\n"
    write(environment / "bin" / NAME, command.encode(), 0o755)
