"""The checkers and runners of the lab."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from baking import ROOT, run
from containers import lab

TOOLS = ("actionlint", "zizmor", "check-jsonschema", "act", "gitlab-ci-local")


@pytest.fixture(scope="session")
def lab_path() -> str:
    """Return a PATH with the lab's tools, and the uv and the Python of these tests."""
    folder = lab()
    if folder is None:
        pytest.skip("needs actionlint, zizmor, act, gitlab-ci-local: LAB=folder with them")
    done = run("bash", folder / "tools", *TOOLS, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = re.search(r"export PATH=(\S+?):", done.stdout)
    assert found, done.stdout
    return f"{found[1]}:{Path(sys.executable).parent}:{os.environ['PATH']}"
