"""The project that the tests of the chassis run on: a scratch one, never that of the team."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# The project in which these tests lie: its documents, and the files with which it is served.
PROJECT = Path(__file__).parents[2]


def scratch_project() -> Path:
    """Copy the scratch project, complete it, and make it that of this process."""
    folder = Path(tempfile.mkdtemp(prefix="scratch-project-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(Path(__file__).with_name("project"), folder, dirs_exist_ok=True)
    options = (PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(
        options.partition("[theme]")[0],  # a file of the team
        encoding="utf-8",
    )
    # For this process and for those that it starts.
    sys.path.insert(0, str(folder / "src"))
    os.environ["PYTHONPATH"] = str(folder / "src")
    os.environ["CHASSIS_PROJECT"] = "scratch_tool.app"
    return folder


SCRATCH = scratch_project()

pytest_plugins = ["chassis.testing", "chassis.testing.browser"]
