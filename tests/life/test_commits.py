"""The hooks of .pre-commit-config.yaml run verbs: a bad file is not committed, a good one is."""

import subprocess
import sys
from pathlib import Path

import pytest
from baking import GIT_IDENTITY, Baker, commit_all, git, run, set_up

PACKAGE = "src/my_internal_tool"


@pytest.fixture(scope="module")
def project(bake: Baker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project, committed, with the hooks installed."""
    path = bake.fresh(tmp_path_factory.mktemp("commits"), starter="blank").path
    set_up(path)
    commit_all(path)
    done = pre_commit("install", project=path)
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def pre_commit(*arguments: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run pre-commit, which keeps what it makes beside the project."""
    home = str(project.parent / "pre-commit")
    return run(sys.executable, "-m", "pre_commit", *arguments, cwd=project, PRE_COMMIT_HOME=home)


def commit(project: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """Write a file and try to commit it."""
    (project / name).write_text(text)
    git("add", name, cwd=project)
    home = str(project.parent / "pre-commit")
    environment = {**GIT_IDENTITY, "PRE_COMMIT_HOME": home}
    return run("git", "commit", "--message", f"Add {name}", cwd=project, **environment)


def test_a_fresh_project_passes(project: Path) -> None:
    done = pre_commit("run", "--all-files", "--verbose", project=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped" not in done.stdout
    assert git("status", "--porcelain", cwd=project) == ""
    done = pre_commit("validate-config", project=project)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_badly_formatted_file_is_formatted_before_it_can_be_committed(project: Path) -> None:
    name = f"{PACKAGE}/orders.py"
    text = '"""Orders."""\n\nTOTAL=sum( [1,2] )\n'
    refused = commit(project, name, text)
    assert refused.returncode != 0
    assert "files were modified by this hook" in refused.stderr
    formatted = (project / name).read_text()
    assert formatted == '"""Orders."""\n\nTOTAL = sum([1, 2])\n'
    assert commit(project, name, formatted).returncode == 0


def test_a_likely_mistake_is_not_committed(project: Path) -> None:
    name = f"{PACKAGE}/sales.py"
    refused = commit(project, name, '"""Sales."""\n\nimport json\n')
    assert refused.returncode != 0
    assert "`json` imported but unused" in refused.stderr + refused.stdout
    git("rm", "--quiet", "--force", name, cwd=project)


def test_hooks_of_code_do_not_wait_for_other_files(project: Path) -> None:
    done = commit(project, "NOTES.md", "# Notes\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Skipped") == 2
