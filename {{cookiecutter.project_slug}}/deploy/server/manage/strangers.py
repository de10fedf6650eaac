"""Leave alone what has the name of the project and is not of it."""

from pathlib import Path

from names import NAME

from .commands import ask
from .places import NGINX, PROGRAM, ROOT, SETTINGS, STATE, USER, WEB
from .steps import StepError


def refuse_strangers() -> None:
    """Raise StepError where a part of the system has the name of the project, as /etc/ssh has.

    The project would use what is not its own, and delete it when it is uninstalled. What an earlier
    installation has left is its own, and so is an empty folder: a mounted disk is one.
    """
    if PROGRAM.exists() or (SETTINGS / f"{NAME}.env").exists():
        return
    units = [f"{NAME}@.service", f"{NAME}.target"]
    units = [name for name in units if ask("systemctl", "cat", name)]
    folders = [str(path) for path in (ROOT, SETTINGS, STATE, WEB, NGINX) if is_used(path)]
    home = ask("getent", "passwd", USER).split(":")[5:6]
    users = [f"the user {USER}"] if home and home != [str(STATE)] else []
    if found := ", ".join(units + folders + users):
        raise StepError(f"{found}: not of this project; move it away, or rename the project")


def is_used(path: Path) -> bool:
    """Tell whether there is a file, or a folder with something in it."""
    if not path.is_dir():
        return path.exists()
    return any(child.name != "lost+found" for child in path.iterdir())
