"""The linters of the project find nothing in it, whatever the answers."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from typing import TYPE_CHECKING

import measured
import pytest
from baking import ROOT, Baked, Baker, run, template_files
from options import PRESETS

if TYPE_CHECKING:
    from pathlib import Path

# Read by people or by tools under these names: nothing in the project needs to name them.
WELL_KNOWN = {
    *(".cruft.json", ".editorconfig", ".gitattributes", ".gitignore"),
    *(".pre-commit-config.yaml", ".devcontainer/devcontainer.json", ".vscode/launch.json"),
    *("AGENTS.md", "CHANGELOG.md", "LICENSE", "Makefile", "README.md"),
}
# Comments may follow a value closely: Dependabot writes `# v1.2.3` so. GitHub has a key named `on`.
YAML_RULES = """
extends: default
rules:
  comments: {min-spaces-from-content: 1}
  document-start: disable
  line-length: {max: 110}
  truthy: {check-keys: false}
"""
LICENSES = {  # of the text without its blanks and without the line of the copyright holder
    "MIT": "7c9b48b52decb983",
    "Apache-2.0": "0ffddef9e48f8a09",
}


@pytest.fixture(params=PRESETS)
def baked(request: pytest.FixtureRequest, bake: Baker) -> Baked:
    """Return the bake of each preset."""
    return bake(**PRESETS[request.param])


def test_ruff_finds_nothing(baked: Baked, project: Path) -> None:
    done = run(project / ".venv/bin/ruff", "check", "--no-cache", ".", cwd=baked.path)
    assert measured.findings("ruff check", done) == []


def test_the_formatter_has_nothing_to_do(baked: Baked, project: Path) -> None:
    command = ("format", "--diff", "--no-cache", ".")
    done = run(project / ".venv/bin/ruff", *command, cwd=baked.path)
    assert measured.findings("ruff format", done) == []


def test_types_are_right(baked: Baked, project: Path, mypy_cache: dict[str, str]) -> None:
    done = run(project / ".venv/bin/mypy", cwd=baked.path, **mypy_cache)
    assert measured.findings("mypy --strict", done) == []


def test_pages_may_import_what_streamlit_draws(
    default: Baked, project: Path, mypy_cache: dict[str, str], tmp_path: Path
) -> None:
    """Not each of them has types, and the documents send pages to them."""
    page = tmp_path / "page.py"
    libraries = ["altair", "numpy", "pandas", "PIL", "pyarrow", "pydeck"]
    page.write_text("".join(f"import {library}\n" for library in libraries), "utf-8")
    done = run(project / ".venv/bin/mypy", page, cwd=default.path, **mypy_cache)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("choice", LICENSES)
def test_license_text_is_the_original(bake: Baker, choice: str) -> None:
    text = bake(license=choice).read("LICENSE")
    words = re.sub(r"Copyright \(c\) Your Name", "", text).split()
    assert hashlib.sha256(" ".join(words).encode()).hexdigest()[:16] == LICENSES[choice]


def test_no_file_is_dead(default: Baked) -> None:
    """A file that no other file names, imports or lists is a leftover."""
    texts = default.texts()
    for name in default.files():
        stem = name.rpartition("/")[2].removesuffix(".py")
        if name in WELL_KNOWN or stem == "__init__" or name.startswith("tests/"):
            continue
        if "/migrations/" in name or ".github/workflows/" in name:  # Alembic and GitHub look there
            continue
        others = (
            text
            for other, text in texts.items()
            if other != name and not other.startswith("tests/") and other != ".cruft.json"
        )
        stem = stem.removesuffix(".mo").removesuffix(".po")
        assert any(stem in text for text in others), name


def test_scripts_and_yaml_are_clean(baked: Baked) -> None:
    """Of the template and of the bake."""
    files = [ROOT / name for name in template_files() if "{{" not in name]
    files += [baked.path / name for name in baked.files()]
    yaml_files = [path for path in files if path.suffix in {".yaml", ".yml"}]
    if yaml_files:
        command = (sys.executable, "-m", "yamllint", "--strict", "--config-data", YAML_RULES)
        done = run(*command, *yaml_files, cwd=ROOT)
        assert measured.findings("yamllint", done) == []
    scripts = [path for path in files if re.match(rb"#!.*\b(ba)?sh\b", path.read_bytes()[:40])]
    assert ROOT / ".ci" / "run" in scripts
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("needs shellcheck: make bootstrap")
    done = run(shellcheck, *scripts, cwd=ROOT)
    assert measured.findings("shellcheck", done) == []


def test_the_template_passes_its_own_linters() -> None:
    done = run("make", "lint", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
