"""The tests of a team see nothing of what the developer has set."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.settings.variables import ENVIRONMENT_ONLY

from ..conftest import SCRATCH

CONFTEST = """
import scratch_tool.app

pytest_plugins = ["chassis.testing"]
"""
# What is read in the process of the tests, and in those that they start.
TESTS = """
import os
import subprocess
import sys

import httpx
import psutil
from chassis import get_settings
from chassis.settings import sources
from chassis.testing.servers import Server


def test_in_this_process():
    written = {row.name: row.source for row in sources() if row.source != "default"}
    assert written == {"DATABASE_URL": "environment", "UPLOADS_DIR": "environment"}
    assert not get_settings().uploads_dir.is_relative_to(os.getcwd())


def test_in_a_command():
    command = [sys.executable, "-m", "chassis", "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "developer" not in done.stdout


def test_in_a_server_for_all_tests(server: Server):
    assert httpx.get(f"{server.url}/readyz").is_success
    assert "developer" not in str(psutil.Process(server.process.pid).environ())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project whose developer has set this and that, in each place."""
    folder = Path(shutil.copytree(SCRATCH, tmp_path / "project"))
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_it.py").write_text(TESTS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / ".env").write_text("APP_NAME=developer\nAUTH_BACKEND=none\n", encoding="utf-8")
    (folder / ".env.production").write_text("LOG_FILE=developer.log\n", encoding="utf-8")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "LOG_LEVEL").write_text("error", encoding="utf-8")
    (credentials / "name").write_text("developer", encoding="utf-8")
    return folder


def test_a_test_depends_on_no_setting_of_the_developer(project: Path) -> None:
    credentials = project.parent / "credentials"
    variables = {
        "PYTHONPATH": str(project / "src"),
        "APP_NAME_FILE": str(credentials / "name"),
        "CREDENTIALS_DIRECTORY": str(credentials),
        "MAX_UPLOAD_MB": "7",
        "PORT": "1",
        "STREAMLIT_THEME_BASE": "developer",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ours = {"DATABASE_URL", "UPLOADS_DIR", ENVIRONMENT_ONLY}
    environment = {name: os.environ[name] for name in os.environ.keys() - ours} | variables
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
