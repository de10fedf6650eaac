"""The verbs of a project, in a home that knows nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from baking import (
    PLAIN_PATH,
    REQUIRE_ALL,
    Baked,
    Baker,
    commit_all,
    git,
    new_home,
    run,
    set_up,
)
from blocks import blocks_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(2400)


def sh_blocks(markdown: str) -> list[str]:
    """Return the commands of the shell blocks of a document, without their comments."""
    texts = [block.text for block in blocks_of("", markdown) if block.language == "sh"]
    lines = [line.partition("  #")[0].strip() for text in texts for line in text.splitlines()]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def lived(
    bake: Baker, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Baked, dict[str, str], subprocess.CompletedProcess[str]]:
    """Return a bake, committed, its home, and the result of its first `make ci`."""
    folder = tmp_path_factory.mktemp("life")
    baked = bake.fresh(folder)
    commit_all(baked.path)
    env = new_home(folder)
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # as many containers have it
    return baked, env, run("make", "ci", cwd=baked.path, **env)


Lived = tuple[Baked, dict[str, str], subprocess.CompletedProcess[str]]


def test_ci_is_green_on_a_fresh_bake(lived: Lived) -> None:
    _, _, done = lived
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert re.search(r"\d+ passed", done.stdout), done.stdout[-2000:]
    assert not (REQUIRE_ALL and re.search(r"\d+ skipped", done.stdout)), done.stdout[-2000:]


def test_ci_leaves_nothing_that_git_would_add(lived: Lived) -> None:
    assert git("status", "--porcelain", cwd=lived[0].path) == ""


def test_ci_compiles_the_code_once(lived: Lived) -> None:
    """Not in each of the processes that tests start, whatever the environment says."""
    assert list(lived[0].path.glob("src/*/__pycache__/*.pyc"))


@pytest.mark.parametrize("verb", ["format", "messages", "lock"])
def test_a_verb_has_nothing_to_do_on_a_fresh_bake(lived: Lived, verb: str) -> None:
    baked, env, _ = lived
    done = run("make", verb, cwd=baked.path, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    changed = git("status", "--porcelain", cwd=baked.path)
    git("checkout", "--quiet", "--", ".", cwd=baked.path)
    assert changed == ""


def test_set_up_is_not_repeated(lived: Lived) -> None:
    baked, env, _ = lived
    run("make", "setup", cwd=baked.path, **env)
    assert run("make", "setup", cwd=baked.path, **env).stdout.count("Installing") == 0
    (baked.path / "requirements-dev.txt").touch()
    assert run("make", "setup", cwd=baked.path, **env).stdout.count("Installing") == 1


def test_set_up_ends_with_what_to_do_next(lived: Lived) -> None:
    baked, env, _ = lived
    *_, last = run("make", "setup", cwd=baked.path, **env).stdout.splitlines()
    assert last.startswith("Ready: `make dev` runs the app")
    begin = re.search(r"begin with (\S+)$", last)
    assert begin
    assert (baked.path / begin[1]).is_file()


def test_what_uv_has_set_up_is_kept_up_without_it(bake: Baker, tmp_path: Path) -> None:
    """An environment that uv makes has no pip."""
    baked = bake.fresh(tmp_path)
    env = new_home(tmp_path)
    assert run("make", "setup", cwd=baked.path, **env).returncode == 0
    os.utime(baked.path / ".venv/.ready", (0, 0))  # older than the lock
    assert not list(baked.path.glob(".venv/lib/python*/site-packages/pip"))
    done = run("make", "setup", cwd=baked.path, **{**env, "PATH": PLAIN_PATH})
    assert done.stdout.startswith("Installing"), done.stdout
    assert done.returncode == 0, done.stdout + done.stderr


def test_lock_installs_nothing_but_what_locks(bake: Baker, tmp_path: Path) -> None:
    """Not the scanners, which are 200 MB."""
    baked = bake.fresh(tmp_path)
    env = {**new_home(tmp_path), "PATH": PLAIN_PATH, "PYTHON": sys.executable}
    done = run("make", "lock", cwd=baked.path, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = baked.path.glob("build/*/lib/python*/site-packages/*.dist-info")
    names = {path.name.partition("-")[0] for path in installed}
    assert names - {"pip", "setuptools"} == {"uv"}


def test_a_command_that_a_message_names_runs_as_printed(project: Path, tmp_path: Path) -> None:
    """`db revision` on a database without tables says what comes first."""
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/app.db", "PATH": PLAIN_PATH}
    revision = (".venv/bin/my-internal-tool", "db", "revision", "add orders")
    done = run(*revision, cwd=project, **env)
    named = re.fullmatch("the database has no tables yet: run `(.+)`\n", done.stderr)
    assert named, done.stderr
    done = run("sh", "-c", named[1], cwd=project, **env)
    assert done.returncode == 0, done.stderr
    done = run(*revision, cwd=project, **env)
    assert done.stderr == "the tables are as the models say: there is nothing to migrate\n"


def test_an_environment_whose_python_is_gone_is_made_again(bake: Baker, tmp_path: Path) -> None:
    """As after an upgrade of the system, or in a container that mounts the folder of a laptop."""
    project = bake.fresh(tmp_path).path
    set_up(project)
    python = project / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/no/such/python3")
    set_up(project)
    assert run(python, "-c", "import streamlit", cwd=project).returncode == 0


def test_a_machine_without_a_new_python_is_told_so(default: Baked, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("make", "sh", "rm", "touch", "echo", "sed"):
        (tools / name).symlink_to(str(shutil.which(name)))
    project = tmp_path / "project"
    shutil.copytree(default.path, project)
    done = run("make", "setup", cwd=project, PATH=str(tools))
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("Python 3.11 or newer is needed: ")


def test_readme_names_the_commands_that_these_tests_run(default: Baked, template: Path) -> None:
    assert sh_blocks(default.read("README.md")) == ["make dev", "make ci"]
    commands = sh_blocks((template / "README.md").read_text("utf-8"))
    assert commands == [
        "make demo",
        "make test",
        "pip install cookiecutter",
        "cookiecutter gh:org/template",
        "cd my-internal-tool",
        "make dev",
    ]


def test_the_example_can_be_deleted(
    bake: Baker, tmp_path: Path, mypy_cache: dict[str, str]
) -> None:
    baked = bake.fresh(tmp_path)
    env = new_home(tmp_path) | mypy_cache
    section = baked.read("docs/data.md").partition("## Delete the example")[2]
    done = run("sh", "-ec", "\n".join(sh_blocks(section)), cwd=baked.path, **env)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    search = ("grep", "-rilE", "--exclude-dir=__pycache__", "--exclude-dir=chassis")
    left = run(*search, "records[./]|equipment|demo_sales", "src", "tests", "docs", cwd=baked.path)
    assert left.stdout == ""
    current = run(".venv/bin/my-internal-tool", "db", "current", cwd=baked.path, **env)
    assert current.returncode == 0, current.stdout + current.stderr
