"""While developing: what has been saved is in the next run, without a restart."""

import contextlib
import os
from pathlib import Path
from typing import Final

from .. import project, streamlit_private

CHASSIS: Final = Path(__file__).parents[1]
# Code, and translations that were compiled.
KEPT_IN_MEMORY: Final = (".py", ".mo")


def begin() -> None:
    """Let each run begin with the files as they are.

    Streamlit watches files for open tabs only: for the first one after a save it goes on with the
    code of before.
    """
    ours = project.current()
    folders = (CHASSIS, ours.folder)
    seen = _saved(*folders)

    def were_saved() -> bool:
        nonlocal seen
        before, seen = seen, _saved(*folders)
        return seen != before

    streamlit_private.reload_together(
        [CHASSIS.name, ours.package], ["chassis.ui.shell", ours.module], were_saved
    )


def _saved(*folders: Path) -> dict[Path, int]:
    """Return when each file was saved."""
    found = {}
    for folder, _below, names in (place for top in folders for place in os.walk(top)):
        for path in (Path(folder, name) for name in names if name.endswith(KEPT_IN_MEMORY)):
            with contextlib.suppress(FileNotFoundError):  # it has just gone
                found[path] = path.stat().st_mtime_ns
    return found
