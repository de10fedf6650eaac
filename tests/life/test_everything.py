"""All that a project checks about itself: `make ci-all`, in a home that knows nothing.

Once where the chassis has least to lean on, a blank project with other answers than its scratch
project; test_growing.py does it where a team has worked.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from baking import BUILD, REQUIRE_ALL, Baked, Baker, commit_all, git, new_home, run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

# It keeps all cores busy and measures time.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(2400)]

Everything = tuple[Baked, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def everything(bake: Baker, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    """Return a committed bake, and the result of its `make ci-all`."""
    folder = tmp_path_factory.mktemp("everything")
    baked = bake.fresh(folder, starter="blank", languages="ko", auth_backend="oidc")
    commit_all(baked.path)
    done = run("make", "ci-all", cwd=baked.path, **new_home(folder))
    return baked, done


def test_everything_is_green_on_a_fresh_bake(everything: Everything) -> None:
    _, done = everything
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    summaries = re.findall(r"^.*\d+ passed.*$", done.stdout, re.MULTILINE)
    assert summaries
    if REQUIRE_ALL:
        skipped = re.findall(r"^SKIPPED.*", done.stdout, re.MULTILINE)
        assert not [line for line in summaries if "skipped" in line], skipped


def test_the_code_is_covered(everything: Everything) -> None:
    coverage = re.search(r"^TOTAL.* (\d+)%$", everything[1].stdout, re.MULTILINE)
    assert coverage
    assert int(coverage[1]) >= 90


def test_the_example_is_green_in_a_browser(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    command = (".venv/bin/python", "-m", "pytest", "-m", "browser", "-n", "2", "tests")
    home = new_home(tmp_path_factory.mktemp("browser"))
    done = run(*command, "--dist", "loadfile", cwd=project, **home)
    if (screenshots := project / "build/screenshots").exists():
        shutil.copytree(screenshots, BUILD / "screenshots", dirs_exist_ok=True)
    assert done.returncode == 0, done.stdout[-5000:]
    assert re.search(r"\d+ passed", done.stdout)
    assert not (REQUIRE_ALL and "skipped" in done.stdout), done.stdout[-2000:]


def test_everything_leaves_nothing_that_git_would_add(everything: Everything) -> None:
    assert git("status", "--porcelain", cwd=everything[0].path) == ""
