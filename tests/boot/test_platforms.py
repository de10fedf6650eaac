"""What docs/platforms.md promises: the entry point alone, without the package and the command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from baking import run
from serving import end, free_port, get, until

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = """
APP_ENV = "production"
APP_BASE_URL = "https://your-app.example.com"
APP_SECRET_KEY = "Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OWFiY2RlZg"
DATABASE_URL = "sqlite:///{path}"
METRICS_ENABLED = "false"
"""


def test_streamlit_run_needs_only_the_requirements_and_secrets(
    project: Path, tmp_path: Path
) -> None:
    for name in ("src", ".streamlit", "streamlit_app.py"):
        copy = shutil.copytree if (project / name).is_dir() else shutil.copy2
        copy(project / name, tmp_path / name)
    database = tmp_path / "app.db"
    (tmp_path / ".streamlit/secrets.toml").write_text(SECRETS.format(path=database))
    # The environment of the project without the project itself.
    packages = next((project / ".venv/lib").glob("python3*/site-packages"))
    shutil.copytree(packages, tmp_path / "site-packages")
    for path in (tmp_path / "site-packages").glob("my_internal_tool*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    variables = {"PYTHONPATH": str(tmp_path / "site-packages")}
    python = sys._base_executable  # type: ignore[attr-defined]  # typeshed lacks it
    upgrade = (project / ".venv/bin/my-internal-tool", "db", "upgrade")
    made = run(*upgrade, cwd=project, DATABASE_URL=f"sqlite:///{database}")
    assert made.returncode == 0, made.stderr
    port = free_port()
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        host = "your-app.example.com"
        until(lambda: get(port, "/readyz", host)[0] == 200, 120, "readiness")
        assert '"environment": "production"' in (tmp_path / "output").read_text()
    finally:
        end(process)
