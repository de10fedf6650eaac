"""What is installed here: the project, its Python, its packages, its settings."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from .. import project
from ..project import SCRIPT
from ..settings import SettingsError, get_settings
from ..template.manifest import edited_files
from . import Result

MINIMUM_PYTHON: Final = (3, 11)


def project_folder() -> Result:
    """The current directory is the project, where .env and the script are."""
    if Path(SCRIPT).is_file():
        return Result("pass", str(Path.cwd()))
    return Result("fail", f"no {SCRIPT} in {Path.cwd()}", "cd <folder of the project>")


def python_version(running: tuple[int, ...] = sys.version_info[:3]) -> Result:
    """Python is new enough."""
    text = ".".join(str(part) for part in running)
    if running >= MINIMUM_PYTHON:
        return Result("pass", text)
    return Result("fail", f"{text} is too old", "make setup PYTHON=/path/to/python3.13")


def chassis() -> Result:
    """The chassis is that of the template: an update would overwrite what was edited."""
    edited = edited_files()
    if not edited:
        return Result("pass", "as the template has it")
    more = f" and {len(edited) - 3} more" if len(edited) > 3 else ""
    return Result("warn", f"{', '.join(edited[:3])}{more}", "make template-diff")


def packages(lock: Path = Path("requirements.txt")) -> Result:
    """The installed packages are those of the lock file."""
    try:
        requirements = locked_requirements(lock.read_text(encoding="utf-8"))
    except (OSError, InvalidRequirement) as error:
        return Result("fail", f"cannot read {lock} ({error})", "git checkout requirements.txt")
    drift = [line for line in map(_drift, requirements) if line]
    if not drift:
        return Result("pass", f"{len(requirements)} as in {lock}")
    more = f" and {len(drift) - 3} more" if len(drift) > 3 else ""
    return Result("fail", f"not as in {lock}: {', '.join(drift[:3])}{more}", "make setup")


def locked_requirements(text: str) -> list[Requirement]:
    """Parse a lock file with hashes; returns what applies to this machine."""
    lines = text.replace("\\\n", " ").splitlines()
    specifications = (line.partition(" --hash")[0].partition(" #")[0].strip() for line in lines)
    requirements = [Requirement(line) for line in specifications if line and line[0] not in "#-"]
    return [item for item in requirements if item.marker is None or item.marker.evaluate()]


def _drift(requirement: Requirement) -> str:
    name = canonicalize_name(requirement.name)
    try:
        installed = version(name)
    except PackageNotFoundError:
        return f"{name} is missing"
    if requirement.specifier.contains(installed, prereleases=True):
        return ""
    return f"{name} is {installed}, not {requirement.specifier}"


def settings() -> Result:
    """The settings are valid."""
    try:
        return Result("pass", f"valid for {get_settings().app_env}")
    except SettingsError as error:
        lines = str(error).splitlines()
    return Result(
        "fail",
        f"{len(lines)} wrong; first: {lines[0]}",
        f"{project.current().command_line} check",
    )
