"""Relative paths and .env files are those of the project, wherever a program was started."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.project import current
from chassis.settings import Settings, get_settings
from chassis.settings.variables import ENVIRONMENT_ONLY

from ..conftest import SCRATCH

# What a notebook does.
NOTEBOOK = """
import json
import scratch_tool.app
from chassis import transaction
from chassis.database import migrate
from chassis.settings import get_settings

migrate.upgrade()
with transaction(read_only=True):
    pass
settings = get_settings()
seen = ("app_name", "uploads_dir", "backup_dir", "log_file")
print(json.dumps({name: str(getattr(settings, name)) for name in seen}))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project that no other test has written to."""
    return shutil.copytree(SCRATCH, tmp_path / "project")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return an empty folder outside of the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def run(project: Path, folder: Path, *arguments: str) -> str:
    """Run Python in a folder, with the project installed but nothing set; return what it prints."""
    ours = {"DATABASE_URL", "UPLOADS_DIR", ENVIRONMENT_ONLY}
    environment = {name: os.environ[name] for name in os.environ.keys() - ours}
    environment["PYTHONPATH"] = str(project / "src")
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_notebook_elsewhere_works_on_the_data_of_the_project(
    project: Path, elsewhere: Path
) -> None:
    (project / ".env").write_text("APP_NAME_FILE=name.txt\nLOG_FILE=logs/app.log\n")
    (project / "name.txt").write_text("The Orders")
    seen = json.loads(run(project, elsewhere, "-c", NOTEBOOK))
    assert seen == {
        "app_name": "The Orders",
        "uploads_dir": str(project / "data/uploads"),
        "backup_dir": str(project / "data/backups"),
        "log_file": str(project / "logs/app.log"),
    }
    assert (project / "data/app.db").is_file()
    assert list(elsewhere.iterdir()) == []


def test_a_command_elsewhere_writes_into_the_project(project: Path, elsewhere: Path) -> None:
    (project / "docs").mkdir()
    run(project, elsewhere, "-m", "chassis", "reference")
    assert (project / ".env.example").is_file()
    assert (project / "docs/settings.md").is_file()
    run(project, elsewhere, "-m", "chassis", "backup", "list")
    assert list(elsewhere.iterdir()) == []


def test_a_package_outside_of_a_project_counts_from_the_working_directory(
    project: Path, elsewhere: Path
) -> None:
    """Installed from a wheel."""
    (project / "streamlit_app.py").unlink()
    run(project, elsewhere, "-c", NOTEBOOK)
    assert (elsewhere / "data/app.db").is_file()


def test_an_absolute_path_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADS_DIR", str(tmp_path))
    assert get_settings().uploads_dir == tmp_path


class OwnSettings(Settings):
    """With a path of the project's own."""

    reports_dir: Path | None = Path("reports")


def test_a_path_of_the_project_s_own_counts_from_there_too() -> None:
    assert OwnSettings().reports_dir == current().root / "reports"
