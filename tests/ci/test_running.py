"""The jobs of both providers really run: green on a fresh bake, red when something is wrong."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
from baking import PROJECT_FOLDER, Baked, Baker, commit_all, git, run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.timeout(2400)

# What stands in for an action: checkout and Python are here already.
STUB = """
name: Stub
description: Does nothing
runs:
  using: composite
  steps: [{run: "true", shell: sh}]
"""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# The first failing test ends a run; a planted one is collected before all others.
QUICK = {"PYTEST_ADDOPTS": "--exitfirst"}
# In pieces, so that this file has no secret for a scanner.
SECRET = "gh" + "p_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"

PLANTED = {
    "lint": ("test", "src/my_internal_tool/planted.py", '"""New."""\n\nimport os\n', "F401"),
    "type": (
        "test",
        "src/my_internal_tool/planted.py",
        '"""New."""\n\nNUMBER: int = "one"\n',
        "Incompatible types in assignment",
    ),
    "test": (
        "test",
        "tests/a_test.py",
        "def test_planted() -> None:\n    assert not __name__\n",
        "1 failed",
    ),
    "secret": ("scan", "src/my_internal_tool/planted.py", f'TOKEN = "{SECRET}"\n', "GitHub Token"),
    "workflow": (
        "scan",
        ".github/workflows/new.yml",
        "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}]}}\n",
        "unpinned-uses",
    ),
}


def act(
    project: Path, workflow: str, job: str, lab_path: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a job of GitHub Actions on this machine, in a copy of the project."""
    stub = project.parent / "stub"
    stub.mkdir(exist_ok=True)
    (stub / "action.yml").write_text(STUB)
    path = project / ".github/workflows" / workflow
    actions = sorted(set(re.findall(r"uses: (\S+)", path.read_text())))
    stubs = [f"--local-repository={action}={stub}" for action in actions]
    variables = [f"--env={name}={value}" for name, value in {**QUICK, **env}.items()]
    matrix = [f"--matrix=python:{PYTHON}"] if job == "test" else []
    command: list[str | Path] = ["act", "workflow_dispatch", "--workflows", path, "--job", job]
    platform = ("--platform", "ubuntu-latest=-self-hosted", "--no-cache-server")
    home = {"XDG_CACHE_HOME": str(project.parent / "cache"), "PATH": lab_path}
    home["UV_CACHE_DIR"] = run("uv", "cache", "dir", cwd=project).stdout.strip()
    secret = ("--secret", "GITHUB_TOKEN=none")
    return run(*command, *matrix, *platform, *stubs, *variables, *secret, cwd=project, **home)


def gitlab(project: Path, job: str, lab_path: str) -> subprocess.CompletedProcess[str]:
    """Run a job of GitLab CI on this machine."""
    name = f"{job}: [{PYTHON}]" if job == "test" else job
    variables = [f"--variable={key}={value}" for key, value in QUICK.items()]
    command = ("gitlab-ci-local", "--force-shell-executor", *variables, name)
    done = run(*command, cwd=project, PATH=lab_path)
    assert "Some jobs were not found" not in done.stderr
    return done


@pytest.fixture
def fresh(bake: Baker, tmp_path: Path) -> Baked:
    """Return a committed bake for both providers."""
    baked = bake.fresh(tmp_path / "bake", ci_provider="both")
    commit_all(baked.path)
    return baked


@pytest.mark.parametrize("provider", ["github", "gitlab"])
@pytest.mark.parametrize("job", ["test", "lock", "scan"])
def test_a_fresh_bake_is_green(fresh: Baked, lab_path: str, provider: str, job: str) -> None:
    if provider == "github":
        done = act(fresh.path, "ci.yml", job, lab_path)
    else:
        done = gitlab(fresh.path, job, lab_path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    if job == "test":
        assert re.search(r"TOTAL.* \d+%", done.stdout)
        if provider == "gitlab":
            assert (fresh.path / "build/junit.xml").stat().st_size > 1000
            assert (fresh.path / "build/coverage.xml").stat().st_size > 1000


@pytest.mark.parametrize("provider", ["github", "gitlab"])
@pytest.mark.parametrize("mistake", PLANTED)
def test_a_mistake_is_red(fresh: Baked, lab_path: str, provider: str, mistake: str) -> None:
    job, name, content, message = PLANTED[mistake]
    (fresh.path / name).write_text(content)
    commit_all(fresh.path, "A mistake")
    if provider == "github":
        done = act(fresh.path, "ci.yml", job, lab_path)
    else:
        done = gitlab(fresh.path, job, lab_path)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr, (done.stdout + done.stderr)[-3000:]


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_a_forgotten_lock_is_red(fresh: Baked, lab_path: str, provider: str) -> None:
    path = fresh.path / "pyproject.toml"
    path.write_text(path.read_text().replace('    "click>=8.1",\n', '    "click>=8.1,<8.2",\n'))
    commit_all(fresh.path, "No make lock")
    if provider == "github":
        done = act(fresh.path, "ci.yml", "lock", lab_path)
    else:
        done = gitlab(fresh.path, "lock", lab_path)
    assert done.returncode != 0
    assert "is not what pyproject.toml asks for: make lock" in done.stdout + done.stderr


@pytest.fixture
def updatable(bake: Baker, template: Path, tmp_path: Path, lab_path: str) -> tuple[Path, Path, str]:
    """Return a project of a template with news, its remote, and a PATH with a recording gh."""
    clone = tmp_path / "template"
    git("clone", "--quiet", str(template), str(clone), cwd=tmp_path)
    assert bake.command(cwd=tmp_path, template=clone).returncode == 0
    project = tmp_path / "my-internal-tool"
    commit_all(project)
    remote = tmp_path / "remote.git"
    git("clone", "--quiet", "--bare", str(project), str(remote), cwd=tmp_path)
    git("remote", "add", "origin", str(remote), cwd=project)
    readme = clone / PROJECT_FOLDER / "README.md"
    readme.write_text(readme.read_text().replace("## Add a page\n", "## Add your page\n"))
    commit_all(clone, "News")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/gh.log\n')
    (programs / "gh").chmod(0o755)
    return project, remote, f"{programs}:{lab_path}"


def test_news_of_the_template_become_a_pull_request(updatable: tuple[Path, Path, str]) -> None:
    project, remote, path = updatable
    done = act(project, "template-update.yml", "update", path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    assert "## Add your page" in git("show", "template-update:README.md", cwd=remote)
    record = json.loads(git("show", "template-update:.cruft.json", cwd=remote))
    assert record["commit"] != json.loads((project / ".cruft.json").read_text())["commit"]
    assert (project.parent / "gh.log").read_text().splitlines() == [
        "auth setup-git",
        "pr list --head template-update --json number --jq .[].number",
        "pr create --head template-update --fill",
        "workflow run ci.yml --ref template-update",
    ]


def test_a_conflict_with_the_template_is_loud(updatable: tuple[Path, Path, str]) -> None:
    project, remote, path = updatable
    readme = project / "README.md"
    readme.write_text(readme.read_text().replace("## Add a page\n", "## Our own words\n"))
    commit_all(project, "Ours")
    done = act(project, "template-update.yml", "update", path)
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert re.search(r"conflict with the template:\n.*README.md", printed), printed[-3000:]
    assert "template-update" not in git("branch", "--list", cwd=remote)
    assert not (project.parent / "gh.log").exists()
