"""Equal answers give equal bytes: on any day, in any folder, by any supported cookiecutter."""

from __future__ import annotations

import ast
import re
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from baking import PROJECT_FOLDER, ROOT, Baked, Baker, run, template_files

if TYPE_CHECKING:
    from pathlib import Path

CHANGING = {"datetime", "random", "secrets", "socket", "ssl", "tempfile", "time", "urllib", "uuid"}


def modes(baked: Baked) -> dict[str, int]:
    """Return the permission bits of every file."""
    return {name: stat.S_IMODE((baked.path / name).stat().st_mode) for name in baked.files()}


def test_two_bakes_are_byte_identical(bake: Baker, default: Baked, tmp_path: Path) -> None:
    elsewhere = tmp_path / "an other folder"
    home = tmp_path / "home"
    elsewhere.mkdir()
    home.mkdir()
    world = {"HOME": str(home), "TZ": "Asia/Seoul", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    done = bake.command(cwd=elsewhere, **world)
    assert done.returncode == 0, done.stderr
    again = Baked(elsewhere / "my-internal-tool", {})
    assert again.files() == default.files()
    assert modes(again) == modes(default)


def test_the_oldest_cookiecutter_bakes_the_same(
    bake: Baker, default: Baked, oldest_cookiecutter: Path, tmp_path: Path
) -> None:
    version = run(oldest_cookiecutter, "-m", "cookiecutter", "--version", cwd=tmp_path).stdout
    assert version.startswith("Cookiecutter 2.6.0")
    done = bake.command(cwd=tmp_path, python=oldest_cookiecutter)
    assert done.returncode == 0, done.stderr
    assert Baked(tmp_path / "my-internal-tool", {}).files() == default.files()


def test_nothing_asks_for_the_date_or_for_chance() -> None:
    """The clock cannot be turned for a child process, so look for whoever would read it."""
    jinja = re.compile(r"{[{%][^}]*?\b(now|random|random_ascii_string|uuid4|lipsum)\b")
    for name in template_files():
        if name.startswith(PROJECT_FOLDER) or name == "cookiecutter.json":
            text = (ROOT / name).read_bytes().decode("utf-8", "replace")
            assert not jinja.search(text), name


def test_hooks_are_small_and_import_no_clock_chance_or_network() -> None:
    for hook in (ROOT / "hooks").glob("*.py"):
        source = hook.read_text("utf-8")
        code = re.sub(r'"""\n[a-z0-9_\s-]*""".split', "", source)  # without the lists of words
        assert len(code.splitlines()) < 200, hook.name
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & CHANGING, hook.name


def test_a_bake_needs_no_network(bake: Baker, default: Baked, tmp_path: Path) -> None:
    alone = ("unshare", "--map-root-user", "--net")  # a network namespace without any interface
    if run(*alone, "true", cwd=tmp_path).returncode != 0:
        pytest.skip("needs Linux namespaces: `unshare` of util-linux, allowed to this user")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {" ".join(alone)} "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    done = bake.command(cwd=tmp_path, python=python)
    assert done.returncode == 0, done.stderr
    assert Baked(tmp_path / "my-internal-tool", {}).files() == default.files()
