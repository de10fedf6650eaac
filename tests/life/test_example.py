"""What docs/data.md says of the example: it can be deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from baking import Baker, new_home, run

if TYPE_CHECKING:
    from pathlib import Path

# What is left is the same on both databases, and takes the time and the memory that it took before:
# test_life.py runs all tests of a fresh bake, with nothing beside them. With the underscore the
# names of tests, without it the mark.
DESELECTED = "not postgresql and (not alone or _alone) and not test_floods"


@pytest.mark.timeout(2400)
def test_the_example_can_be_deleted(
    bake: Baker, tmp_path: Path, mypy_cache: dict[str, str]
) -> None:
    baked = bake.fresh(tmp_path)
    env = new_home(tmp_path) | mypy_cache
    run("make", "setup", cwd=baked.path, **env)
    upgraded = run(".venv/bin/my-internal-tool", "db", "upgrade", cwd=baked.path, **env)
    assert upgraded.returncode == 0, upgraded.stderr
    section = baked.read("docs/data.md").partition("## Delete the example")[2]
    [commands] = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    env["PYTEST_ADDOPTS"] = f"-k '{DESELECTED}'"
    done = run("sh", "-ec", commands, cwd=baked.path, **env)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    search = ("grep", "-rilE", "--exclude-dir=__pycache__", "records[./]|equipment_")
    left = run(*search, "src", "tests", cwd=baked.path)
    assert left.stdout == ""
    current = run(".venv/bin/my-internal-tool", "db", "current", cwd=baked.path, **env)
    assert current.returncode == 0, current.stdout + current.stderr
