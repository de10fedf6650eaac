"""A clone on Windows, or for WSL, changes no line ends: scripts with \\r do not start."""

from pathlib import Path

import pytest
from baking import Baker, commit_all, git, run


@pytest.fixture(params=["project", "template"])
def cloned(request: pytest.FixtureRequest, bake: Baker, tmp_path: Path) -> tuple[Path, Path]:
    """Return a repository, and a clone by a git that is set up as that of Windows is."""
    source = bake.template
    if request.param == "project":
        source = bake.fresh(tmp_path).path
        commit_all(source)
    clone = tmp_path / "clone"
    git("clone", "--quiet", "-c", "core.autocrlf=true", str(source), str(clone), cwd=tmp_path)
    return source, clone


def tracked(folder: Path) -> dict[str, bytes]:
    """Return the tracked files by path."""
    names = git("ls-files", "-z", cwd=folder).split("\0")
    return {name: (folder / name).read_bytes() for name in names if name}


def test_each_file_is_the_same_to_the_byte(cloned: tuple[Path, Path]) -> None:
    source, clone = cloned
    changed = [name for name, content in tracked(clone).items() if content != tracked(source)[name]]
    assert changed == []
    assert git("status", "--porcelain", cwd=clone) == ""


def test_makefile_and_scripts_start(cloned: tuple[Path, Path]) -> None:
    _source, clone = cloned
    done = run("make", "help", cwd=clone)
    assert done.returncode == 0, done.stderr
    [script] = [name for name in tracked(clone) if name.endswith("deploy/remote")]
    assert "usage: remote deploy|rollback" in run(clone / script, cwd=clone).stderr
