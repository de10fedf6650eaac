"""The verbs that CI calls are red when something is wrong: one mistake for each checker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from baking import Baked, Baker, commit_all, git, path_with_uv, run

if TYPE_CHECKING:
    from collections.abc import Iterator

# What `make ci` finds in tests is tried with few of them.
QUICK = {"PYTEST_ADDOPTS": "--override-ini 'testpaths=tests/a_*.py tests/test_demo_sales.py'"}
# In pieces, so that this file has no secret for a scanner.
SECRET = "gh" + "p_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"

PLANTED = {
    "lint": ("ci", "src/my_internal_tool/planted.py", '"""New."""\n\nimport os\n', "F401"),
    "type": (
        "ci",
        "src/my_internal_tool/planted.py",
        '"""New."""\n\nNUMBER: int = "one"\n',
        "Incompatible types in assignment",
    ),
    "test": (
        "ci",
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
    "script": ("scan", "deploy/planted", "#!/bin/bash\nrm $1\n", "SC2086"),
    "image": ("scan", "Dockerfile", "FROM python\n", "DL3006"),
    "compose": ("scan", "compose.dev.yaml", "services: {app: {imag: planted}}\n", "imag"),
}


@pytest.fixture(scope="module")
def committed(bake: Baker, tmp_path_factory: pytest.TempPathFactory) -> Baked:
    """Return a committed bake with the files of both providers."""
    baked = bake.fresh(tmp_path_factory.mktemp("mistakes"), ci_provider="both")
    commit_all(baked.path)
    return baked


@pytest.fixture
def workshop(committed: Baked) -> Iterator[Baked]:
    """Return a bake in which a test may plant a mistake; what is installed stays for the next."""
    yield committed
    git("reset", "--quiet", "--hard", cwd=committed.path)
    git("clean", "--quiet", "--force", "-d", cwd=committed.path)


def red(baked: Baked, verb: str, **env: str) -> str:
    """Run a verb, which must fail, and return what it prints."""
    done = run("make", verb, cwd=baked.path, PATH=path_with_uv(), **QUICK, **env)
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_mistake_is_red(workshop: Baked, mistake: str, mypy_cache: dict[str, str]) -> None:
    verb, name, content, message = PLANTED[mistake]
    (workshop.path / name).write_text(content)
    printed = red(workshop, verb, **mypy_cache)
    assert message in printed, printed[-3000:]


def test_a_forgotten_lock_is_red(workshop: Baked) -> None:
    path = workshop.path / "pyproject.toml"
    path.write_text(path.read_text().replace('    "click>=8.1",\n', '    "click>=8.1,<8.2",\n'))
    assert "is not what pyproject.toml asks for: make lock" in red(workshop, "lock-check")
