"""The checkers and runners of the lab."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from lab import tools_path

TOOLS = ("actionlint", "zizmor", "check-jsonschema", "act", "gitlab-ci-local")


@pytest.fixture(scope="session")
def lab_path() -> str:
    """Return a PATH with the lab's tools, and the uv and the Python of these tests."""
    own = Path(sys.executable).parent
    return tools_path(*TOOLS).replace(":", f":{own}:", 1)
